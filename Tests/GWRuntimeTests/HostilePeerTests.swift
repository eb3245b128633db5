import Foundation
import GWBase
import GWGateway
import GWRuntime
import Testing

extension RuntimeTests {
    /// A client against peers that are silent, talk nonsense or hang up, in every phase: one event, with the right status.
    @Suite struct HostileGateways {
        private let host: Host
        private let listener: RawListener

        init() throws {
            host = try Host()
            listener = try RawListener()
        }

        private func open(encrypted: Bool = false, _ change: (inout ClientSettings) -> Void = { _ in }) throws -> Client
        {
            try host.open(port: listener.port, pin: encrypted ? [UInt8](repeating: 0x61, count: 64) : nil, change)
        }

        /// The one end of the client, and nothing after it.
        private func end() throws -> Seen {
            let closed = try host.wait(.clientClosed)
            host.poll(30)
            #expect(host.events(.clientClosed).count == 1 && host.events(.clientDisconnected).isEmpty)
            #expect(!closed.text.isEmpty)
            return closed
        }

        // MARK: Silence

        @Test func silenceInTheHandshakeOfTLS() throws {
            _ = try open(encrypted: true) { $0.link.dial.tlsMilliseconds = 40 }
            let peer = try listener.accept(host)
            #expect(try end().status == .tlsTimeout)
            withExtendedLifetime(peer) {}
        }

        @Test func silenceAfterTheUpgradeRequest() throws {
            _ = try open { $0.link.dial.upgradeMilliseconds = 40 }
            let peer = try listener.accept(host)
            #expect(try end().status == .upgradeTimeout)
            withExtendedLifetime(peer) {}
        }

        @Test func halfAnUpgradeAnswer() throws {
            _ = try open { $0.link.dial.upgradeMilliseconds = 40 }
            let peer = try listener.accept(host)
            peer.send("HTTP/1.1 101 Switching")
            #expect(try end().status == .upgradeTimeout)
        }

        @Test func noChallenge() throws {
            _ = try open { $0.machine.session.challengeMilliseconds = 40 }
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            #expect(try end().status == .challengeTimeout)
            #expect(
                host.poll {
                    gateway.peer.take(); return gateway.peer.isEnded
                })
            #expect(RawFrame.all(gateway.peer.received).last?.opcode == 8)
        }

        @Test func noHello() throws {
            _ = try open { $0.machine.session.helloMilliseconds = 40 }
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            gateway.send(FakeGateway.challenge)
            #expect(try end().status == .helloTimeout)
        }

        @Test func noTicks() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host, tickMilliseconds: 10)
            try host.wait(.clientConnected)
            #expect(try end().status == .tickTimeout)
        }

        @Test func noPong() throws {
            _ = try open {
                $0.link.dial.webSocket.pingMilliseconds = 20
                $0.link.dial.webSocket.pongMilliseconds = 30
            }
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            #expect(try end().status == .pongTimeout)
        }

        /// The keepalive does not wait for the session to begin.
        @Test func noPongBeforeTheChallenge() throws {
            _ = try open {
                $0.machine.session.challengeMilliseconds = .max
                $0.link.dial.webSocket.pingMilliseconds = 20
                $0.link.dial.webSocket.pongMilliseconds = 30
            }
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            #expect(try end().status == .pongTimeout)
        }

        @Test func noAnswerToOurClose() throws {
            let client = try open { $0.link.dial.webSocket.closeMilliseconds = 40 }
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            #expect(host.close(client))
            let closed = try host.wait(.clientClosed)
            #expect(closed.status == .ok)
            #expect(host.events(.clientDisconnected).isEmpty)
        }

        /// RFC 6455 section 7.1.1: the server ends TCP first; one that does not is left after the close limit.
        @Test func aCloseFrameWithoutTheEndOfTCP() throws {
            let client = try open { $0.link.dial.webSocket.closeMilliseconds = 40 }
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            gateway.peer.send(RawFrame.close(1001))
            host.poll {
                gateway.peer.take(); return RawFrame.all(gateway.peer.received).contains { $0.opcode == 8 }
            }
            if case .failure(let failure) = host.tryCall(client, "late") {
                #expect(failure.status == .state, "client.h lists what gw_client_call answers")
            } else {
                Issue.record("a call was taken after the close frame")
            }
            let closed = try end()
            #expect(closed.status == .closed && closed.code == 1001)
        }

        // MARK: The connection is cut

        @Test func nobodyListens() throws {
            let free = try RawListener().port
            _ = try host.open(port: free)
            #expect(try end().status == .connect)
        }

        enum Cut: CaseIterable { case end, reset }

        private func cut(_ peer: RawPeer, _ way: Cut) {
            switch way {
            case .end: peer.close()
            case .reset: peer.reset()
            }
        }

        /// How far a gateway goes before it hangs up.
        enum Stage: CaseIterable { case accepted, request, upgraded, challenge, ready }

        @Test(arguments: Stage.allCases, Cut.allCases)
        func cutInEveryPhase(stage: Stage, way: Cut) throws {
            for drive in everyDrive {
                let host = try Host(drive)
                _ = try host.open(port: listener.port)
                let gateway = try FakeGateway(listener, host)
                switch stage {
                case .accepted: break
                case .request: _ = try gateway.request(host)
                case .upgraded: try gateway.upgrade(host)
                case .challenge:
                    try gateway.upgrade(host)
                    gateway.send(FakeGateway.challenge)
                    _ = try gateway.message(host, with: "\"connect\"")
                case .ready:
                    try gateway.admit(host)
                    try host.wait(.clientConnected)
                }
                cut(gateway.peer, way)
                let closed = try host.wait(.clientClosed)
                host.poll(30)
                #expect(host.events(.clientClosed).count == 1 && host.events(.clientDisconnected).isEmpty)
                #expect(closed.status == .lost || (stage == .accepted && closed.status == .connect))
                #expect(closed.connection == (stage == .ready ? 1 : 0))
            }
        }

        @Test(arguments: Cut.allCases)
        func cutInTheHandshakeOfTLS(way: Cut) throws {
            _ = try open(encrypted: true)
            let peer = try listener.accept(host)
            host.poll {
                peer.take()
                return !peer.received.isEmpty
            }
            cut(peer, way)
            #expect([.tls, .lost].contains(try end().status))
        }

        /// It ends its own sending only, and would still read.
        @Test func halfClosedWhenReady() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            gateway.peer.shutdownWrite()
            #expect(try end().status == .lost)
            #expect(
                host.poll {
                    gateway.peer.take()
                    return gateway.peer.isEnded
                })
        }

        /// The last thing that the peer said counts, also if our answer to it no longer finds it.
        @Test func aCloseFrameAndThenAReset() throws {
            for _ in 0..<20 {
                let host = try Host()
                _ = try host.open(port: listener.port)
                let gateway = try FakeGateway(listener, host)
                try gateway.admit(host)
                try host.wait(.clientConnected)
                gateway.peer.send(RawFrame.close(1008))
                gateway.peer.close()
                #expect(try host.wait(.clientClosed).code == 1008)
            }
        }

        // MARK: Nonsense

        @Test func garbageInPlaceOfTLS() throws {
            _ = try open(encrypted: true)
            let peer = try listener.accept(host)
            peer.send("this is no TLS record, nor will it ever be one\r\n")
            #expect(try end().status == .tls)
        }

        @Test func garbageInPlaceOfHTTP() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            _ = try gateway.request(host)
            gateway.peer.send([0, 1, 2, 3, 0xff, 0x0d, 0x0a, 0x0d, 0x0a])
            #expect(try end().status == .upgradeInvalid)
        }

        @Test func aWrongAcceptValue() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            let answer = try FakeGateway.upgrade(try gateway.request(host))
            gateway.peer.send(answer.replacingOccurrences(of: "Accept: ", with: "Accept: x"))
            #expect(try end().status == .upgradeInvalid)
        }

        @Test func anAnswerByteByByteWithFramesBehindIt() throws {
            let client = try open()
            let gateway = try FakeGateway(listener, host)
            let answer = try FakeGateway.upgrade(try gateway.request(host)).bytes + RawFrame.text(FakeGateway.challenge)
            for byte in answer {
                gateway.peer.send([byte])
                host.poll(0)
            }
            let connect = try gateway.message(host, with: "\"connect\"")
            for byte in RawFrame.text(try FakeGateway.hello(to: connect)) {
                gateway.peer.send([byte])
                host.poll(0)
            }
            try host.wait(.clientConnected)
            #expect(host.state(client).phase == 7)
        }

        @Test func aRefusedUpgradeWithItsBody() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            _ = try gateway.request(host)
            gateway.peer.send(
                "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nnot here\n")
            let closed = try end()
            #expect(closed.status == .upgradeRefused && closed.code == 403)
            #expect(closed.payload.contains("not here"))
        }

        @Test func aRefusedUpgradeWhoseBodyNeverEnds() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            _ = try gateway.request(host)
            gateway.peer.send("HTTP/1.1 503 Unavailable\r\nContent-Length: 1000\r\nRetry-After: 7\r\n\r\nsoon")
            let closed = try end()
            #expect(closed.status == .upgradeRefused && closed.code == 503)
            #expect(closed.retryAfterMilliseconds == 7_000)
        }

        @Test func aMaskedFrameOfAServer() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            gateway.peer.send(RawFrame.frame(0x81, "{}".bytes, isMasked: true))
            #expect(try end().status == .protocolError)
        }

        @Test func aMessageAboveTheLimit() throws {
            _ = try open { $0.link.dial.webSocket.maxMessageBytes = 1000 }
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            gateway.peer.send([0x81, 126, 0x03, 0xe9])
            let closed = try end()
            #expect(closed.status == .tooBig)
            #expect(closed.text.contains("1000") && closed.text.contains("1001"))
        }

        @Test func aChallengeWithoutANonce() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            gateway.send(#"{"type":"event","event":"connect.challenge","payload":{}}"#)
            #expect(try end().status == .challenge)
        }

        @Test func aHelloThatIsNone() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.upgrade(host)
            gateway.send(FakeGateway.challenge)
            let connect = try gateway.message(host, with: "\"connect\"")
            gateway.send(#"{"type":"res","id":"\#(try FakeGateway.id(of: connect))","ok":true,"payload":7}"#)
            #expect(try end().status == .hello)
        }

        /// RFC 6455 section 5.6: only text messages are UTF-8 by themselves, but JSON always is (RFC 8259 section 8.1).
        @Test func aBinaryMessageIsNotHandedOnUnchecked() throws {
            _ = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            let event = #"{"type":"event","event":"e","payload":"?"}"#.bytes.map { $0 == 0x3f ? 0xff : $0 }
            gateway.peer.send(RawFrame.frame(0x82, event))
            gateway.send(#"{"type":"event","event":"last"}"#)
            host.poll { host.events(.gatewayEvent).contains { $0.name == "last" } }
            #expect(!host.events(.gatewayEvent).contains { $0.name == "e" })
        }

        @Test func whatIsIgnoredIsSaid() throws {
            let client = try open()
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            gateway.send("no json")
            gateway.send(#"{"type":"other"}"#)
            gateway.send(#"{"type":"res","id":"77","ok":true}"#)
            try host.wait(.clientWarning, count: 3)
            #expect(host.events(.clientWarning).map(\.status) == [.json, .frame, .unknownID])
            #expect(host.state(client).phase == 7)
        }

        // MARK: Closed by the host in every phase

        @Test(arguments: 0..<6)
        func closedInEveryPhase(phase: Int) throws {
            let client = try open(encrypted: phase == 1)
            if phase > 0 {
                let gateway = try FakeGateway(listener, host)
                host.poll(10)
                if phase > 2 { try gateway.upgrade(host) }
                if phase > 3 {
                    gateway.send(FakeGateway.challenge)
                    _ = try gateway.message(host, with: "\"connect\"")
                }
                host.poll(10)
                #expect(host.close(client))
                #expect(!host.close(client))
                host.poll(10)
                gateway.peer.close()
            } else {
                #expect(host.close(client))
            }
            let closed = try host.wait(.clientClosed)
            host.poll(30)
            #expect(closed.status == .ok)
            #expect(host.events(.clientClosed).count == 1 && host.events(.clientDisconnected).isEmpty)
        }
    }
}
