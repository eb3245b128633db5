import Foundation
import GWBase
import GWGateway
import GWRuntime
import Testing

extension RuntimeTests {
    /// The embedded gateway against peers that are silent, talk nonsense or hang up: each ends in one event.
    @Suite struct HostilePeers {
        private func end(_ host: Host) throws -> Seen {
            let ended = try host.wait(.peerDisconnected)
            host.poll(30)
            #expect(host.events(.peerDisconnected).count == 1)
            return ended
        }

        @Test(arguments: [false, true])
        func silenceFromTheStart(isEncrypted: Bool) throws {
            let host = try Host()
            let server = try host.serve(isEncrypted ? .selfSigned(names: ["localhost"]) : .none) {
                $0.session.handshakeMilliseconds = 40
            }
            let peer = try RawPeer(port: server.address.port)
            #expect(try end(host).status == .upgradeTimeout)
            withExtendedLifetime(peer) {}
        }

        @Test func silenceAfterTheUpgrade() throws {
            let host = try Host()
            let server = try host.serve { $0.session.handshakeMilliseconds = 40 }
            let client = try FakeClient(port: server.address.port)
            try client.upgrade(host)
            client.peer.send(RawFrame.frame(0x88, [0x03, 0xe8], isMasked: true))
            #expect([.helloTimeout, .ok].contains(try end(host).status))
        }

        /// server.h: handshake_timeout_ms is for TLS, upgrade and connect together.
        @Test func theHandshakeLimitIsForAllOfIt() throws {
            let host = try Host()
            let server = try host.serve {
                $0.session.handshakeMilliseconds = 400
                $0.webSocket.closeMilliseconds = 1
            }
            let begin = ContinuousClock.now
            let client = try FakeClient(port: server.address.port)
            host.poll(within: 0.3) { false }
            try client.upgrade(host)
            #expect(try end(host).status == .helloTimeout)
            #expect(ContinuousClock.now - begin < .milliseconds(650))
        }

        @Test func garbage() throws {
            let host = try Host()
            let server = try host.serve()
            let peer = try RawPeer(port: server.address.port)
            peer.send("nonsense\r\n\r\n")
            #expect(try end(host).status == .upgradeInvalid)
            host.poll {
                peer.take(); return peer.text.contains("HTTP/1.1 400")
            }
            #expect(peer.text.contains("HTTP/1.1 400"))
        }

        @Test func garbageInPlaceOfTLS() throws {
            let host = try Host()
            let server = try host.serve(.selfSigned(names: ["localhost"]))
            let peer = try RawPeer(port: server.address.port)
            peer.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try end(host).status == .tls)
        }

        @Test(arguments: [0, 1, 2, 3])
        func cutInEveryPhase(phase: Int) throws {
            let host = try Host()
            let server = try host.serve()
            let client = try FakeClient(port: server.address.port)
            host.poll(10)
            switch phase {
            case 1: client.peer.send(String(FakeClient.request.prefix(20)))
            case 2: try client.upgrade(host)
            case 3: try client.connect(host)
            default: break
            }
            host.poll(10)
            if phase % 2 == 0 { client.peer.close() } else { client.peer.reset() }
            let ended = try end(host)
            #expect(ended.status == .lost || ended.status == .upgradeInvalid)
            #expect(host.events(.peerConnected).count == (phase == 3 ? 1 : 0))
        }

        @Test func anUnmaskedFrame() throws {
            let host = try Host()
            let server = try host.serve()
            let client = try FakeClient(port: server.address.port)
            try client.connect(host)
            client.peer.send(RawFrame.text("{}"))
            #expect(try end(host).status == .protocolError)
        }

        @Test func theFirstMessageIsNoConnect() throws {
            let host = try Host()
            let server = try host.serve { $0.webSocket.closeMilliseconds = 20 }
            let client = try FakeClient(port: server.address.port)
            try client.upgrade(host)
            client.send(#"{"type":"req","id":"1","method":"health"}"#)
            #expect(try end(host).status == .connectRejected)
        }

        /// max_queued_bytes holds for everything that a peer makes us say.
        @Test func aPeerThatDoesNotReadIsClosedAlsoIfItSendsNonsense() throws {
            let host = try Host()
            let server = try host.serve {
                $0.session.maxQueuedBytes = 100_000
                $0.webSocket.closeMilliseconds = 50
            }
            let client = try FakeClient(port: server.address.port)
            client.peer.shrink()
            try client.connect(host)
            let nonsense = [[UInt8]](repeating: RawFrame.frame(0x81, "{}".bytes, isMasked: true), count: 5_000).flatMap
            { $0 }
            let isOver = DispatchSemaphore(value: 0)
            Foundation.Thread.detachNewThread {
                for _ in 0..<40 { client.peer.send(nonsense) }
                isOver.signal()
            }
            host.poll(within: 20) { !host.events(.peerDisconnected).isEmpty }
            client.peer.shutdownBoth()
            isOver.wait()
            #expect(host.events(.peerDisconnected).first?.status == .full)
        }

        /// The host's answer is awaited for so long only.
        @Test func aRequestThatTheHostDoesNotAnswer() throws {
            let host = try Host()
            let server = try host.serve { $0.requestMilliseconds = 30 }
            let client = try FakeClient(port: server.address.port)
            try client.connect(host)
            client.send(#"{"type":"req","id":"7","method":"mine"}"#)
            let request = try host.wait(.peerRequest)
            try client.wait(host, for: "UNAVAILABLE")
            let result = host.context.call {
                server.reply(request.subject, payload: UnsafeRawBufferPointer(start: nil, count: 0), isFinal: true)
            }
            #expect(result == .gone)
        }

        @Test func moreConnectionsThanAllowed() throws {
            let host = try Host()
            let server = try host.serve { $0.maxConnections = 1 }
            let first = try FakeClient(port: server.address.port)
            try first.connect(host)
            let second = try RawPeer(port: server.address.port)
            #expect(
                host.poll {
                    second.take(); return second.isEnded
                })
            #expect(host.events(.peerDisconnected).isEmpty)
        }

        // MARK: The end

        /// A peer in the middle of a run of the built-in agent that does not answer the close frame.
        @Test func closingAPeerDuringARun() throws {
            let host = try Host()
            let server = try host.serve { $0.webSocket.closeMilliseconds = 200 }
            let client = try FakeClient(port: server.address.port)
            try client.connect(host)
            client.send(
                #"{"type":"req","id":"2","method":"chat.send","params":{"sessionKey":"main","message":"a b c d e f","#
                    + #""idempotencyKey":"k"}}"#)
            try client.wait(host, for: "accepted")
            host.stop(server)
            let isOver = isDone(within: 5) { host.poll(within: 4) { !host.events(.serverClosed).isEmpty } }
            try #require(isOver, "a poll never came back")
            #expect(host.events(.peerDisconnected).count == 1 && host.events(.serverClosed).count == 1)
        }

        /// server.h: each connection and the server end in one event, in whatever phase the stop finds them.
        @Test(arguments: [false, true])
        func stopWithPeersInEveryPhase(isEncrypted: Bool) throws {
            let host = try Host()
            let server = try host.serve(isEncrypted ? .selfSigned(names: ["localhost"]) : .none) {
                $0.webSocket.closeMilliseconds = 50
            }
            var peers = [try RawPeer(port: server.address.port), try RawPeer(port: server.address.port)]
            peers[1].send(isEncrypted ? "\u{16}\u{3}\u{1}" : "GET / HT")
            if !isEncrypted {
                let upgraded = try FakeClient(port: server.address.port)
                try upgraded.upgrade(host)
                let ready = try FakeClient(port: server.address.port)
                try ready.connect(host)
                peers += [upgraded.peer, ready.peer]
            }
            host.poll(20)
            #expect(host.stop(server))
            #expect(!host.stop(server))
            try host.wait(.serverClosed)
            host.poll(50)
            #expect(host.events(.peerDisconnected).count == peers.count)
            #expect(Set(host.events(.peerDisconnected).map(\.connection)).count == peers.count)
            #expect(host.events(.serverClosed).count == 1 && host.seen.last?.type == .serverClosed)
        }

        @Test func stopWithoutPeers() throws {
            let host = try Host()
            let server = try host.serve()
            #expect(host.stop(server))
            try host.wait(.serverClosed)
            #expect(throws: RawPeer.NotConnected.self) { try RawPeer(port: server.address.port) }
        }

        /// RFC 6455 section 7.4.1: 1010 is the client's alone; a gateway that is asked to send it still ends the connection.
        @Test func disconnectWithACodeThatAServerMayNotSend() throws {
            let host = try Host()
            let server = try host.serve { $0.webSocket.closeMilliseconds = 50 }
            let client = try FakeClient(port: server.address.port)
            try client.connect(host)
            let peer = try host.wait(.peerConnected)
            _ = host.context.call { server.disconnect(peer.connection, code: 1010, reason: []) }
            #expect(try end(host).status == .cancelled)
        }

        /// A connection that is reset while the gateway answers its upgrade.
        @Test func resetsDuringTheUpgrade() throws {
            let host = try Host()
            let server = try host.serve()
            for count in 1...200 {
                let client = try FakeClient(port: server.address.port)
                client.peer.send(FakeClient.request)
                if count % 2 == 0 { host.poll(0) }
                client.peer.reset()
                host.poll(0)
            }
            try host.wait(.peerDisconnected, count: 150)
            #expect(Set(host.events(.peerDisconnected).map(\.connection)).count == host.events(.peerDisconnected).count)
        }
    }
}
