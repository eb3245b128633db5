import GWBase
import GWGateway
import GWRuntime
import Testing

extension RuntimeTests {
    /// A client and a gateway in one context.
    @Suite struct Connections {
        struct Way: CustomTestStringConvertible {
            let drive: Context.Drive
            let isEncrypted: Bool
            var testDescription: String {
                (drive == .host ? "host drive" : "library thread") + (isEncrypted ? " with TLS" : " without TLS")
            }

            func pin(_ server: Server) -> [UInt8]? { isEncrypted ? server.address.certificatePin : nil }

            static let all = [
                Way(drive: .host, isEncrypted: false), Way(drive: .host, isEncrypted: true),
                Way(drive: .thread, isEncrypted: false), Way(drive: .thread, isEncrypted: true),
            ]
        }

        private func pair(
            _ way: Way, builtin: Bool = true, eventBudget: UInt32? = nil
        ) throws -> (host: Host, server: Server, client: Client) {
            let host = try Host(way.drive, eventBudget: eventBudget)
            let server = try host.serve(way.isEncrypted ? .selfSigned(names: ["localhost"]) : .none) {
                $0.session.hasBuiltinMethods = builtin
            }
            let client = try host.open(port: server.address.port, pin: way.pin(server))
            try host.wait(.clientConnected)
            return (host, server, client)
        }

        @Test(arguments: Way.all)
        func connectsCallsAndCloses(way: Way) throws {
            let (host, server, client) = try pair(way)
            try host.wait(.peerConnected)
            let call = try host.call(client, "health")
            let done = try host.wait(.callDone)
            #expect(done.subject == call && done.status == .ok)
            #expect(done.payload.contains("\"ok\":true"))
            #expect(host.close(client))
            #expect(try host.wait(.clientClosed).status == .ok)
            try host.wait(.peerDisconnected)
            #expect(host.stop(server))
            try host.wait(.serverClosed)
            host.poll(50)
            for type in [EventType.clientConnected, .clientClosed, .peerConnected, .peerDisconnected, .serverClosed] {
                #expect(host.events(type).count == 1, "\(type)")
            }
            #expect(host.events(.clientDisconnected).isEmpty)
        }

        @Test(arguments: Way.all)
        func theHostAnswersWhatIsNotBuiltIn(way: Way) throws {
            let (host, server, client) = try pair(way)
            let call = try host.call(client, "my.method", #"{"a":[1,2,3]}"#)
            let request = try host.wait(.peerRequest)
            #expect(request.name == "my.method" && request.payload == #"{"a":[1,2,3]}"#)
            host.reply(server, request.subject, #"{"b":true}"#)
            let done = try host.wait(.callDone)
            #expect(done.subject == call && done.payload == #"{"b":true}"#)
        }

        @Test(arguments: Way.all)
        func largePayloadsComeWhole(way: Way) throws {
            let (host, server, client) = try pair(way)
            let big = "\"" + String(repeating: "0123456789abcdef", count: 40_000) + "\""
            _ = try host.call(client, "big", big)
            let request = try host.wait(.peerRequest)
            #expect(request.payload == big)
            host.reply(server, request.subject, big)
            #expect(try host.wait(.callDone).payload == big)
        }

        /// event.h: "every pointer in an event is valid until the next gw_context_poll".
        @Test(arguments: Way.all)
        func eventMemoryStaysUntilTheNextPoll(way: Way) throws {
            let (host, server, client) = try pair(way)
            var expected: [UInt64: String] = [:]
            for number in 0..<300 {
                let size = [3, 200, 5_000, 70_000][number % 4]
                let params = "\"\(number)-" + String(repeating: "x", count: size) + "\""
                expected[try host.call(client, "m", params)] = params
            }
            try host.wait(.peerRequest, count: 300, within: 20)
            for request in host.events(.peerRequest) { host.reply(server, request.subject, request.payload) }

            // Events are looked at only when the batch is at its end, with work of the library between.
            var answers = 0
            let limit = ContinuousClock.now + .seconds(20)
            while answers < 300, ContinuousClock.now < limit {
                var batch: [Event] = []
                _ = host.context.poll(milliseconds: 20) { reader in
                    while let event = reader.next() { batch.append(event) }
                }
                host.context.flush()
                _ = host.state(client)
                for event in batch where event.type == .callDone {
                    answers += 1
                    #expect(Seen(event).payload == expected[event.subject])
                }
            }
            #expect(answers == 300)
        }

        @Test(arguments: Way.all)
        func everyRunOfTheBuiltInAgentEnds(way: Way) throws {
            let (host, _, client) = try pair(way)
            _ = try host.call(
                client, "chat.send", #"{"sessionKey":"main","message":"one two","idempotencyKey":"k"}"#,
                expectsFinal: true)
            #expect(try host.wait(.callAccepted).payload.contains("accepted"))
            #expect(try host.wait(.callDone).status == .ok)
            #expect(!host.events(.gatewayEvent).isEmpty)
        }

        @Test(arguments: Way.all)
        func aStoppedGatewayEndsEveryClientOnce(way: Way) throws {
            let (host, server, _) = try pair(way)
            let other = try host.open(port: server.address.port, pin: way.pin(server))
            try host.wait(.clientConnected, count: 2)
            #expect(host.stop(server))
            try host.wait(.clientClosed, count: 2)
            try host.wait(.serverClosed)
            host.poll(50)
            #expect(host.events(.clientClosed).count == 2 && host.events(.peerDisconnected).count == 2)
            #expect(host.events(.clientClosed).allSatisfy { $0.status == .closed && $0.code == 1012 })
            #expect(!host.close(other))
        }

        @Test func aWrongPinEndsTheClientAndNamesBothPins() throws {
            let host = try Host()
            let server = try host.serve(.selfSigned(names: ["localhost"]))
            let pin = [UInt8](repeating: 0x61, count: 64)
            _ = try host.open(port: server.address.port, pin: pin) { $0.machine.reconnects = true }
            let closed = try host.wait(.clientClosed)
            #expect(closed.status == .tlsPin && closed.actor == .user)
            #expect(closed.payload.contains(String(decoding: server.address.certificatePin, as: UTF8.self)))
            #expect(host.events(.clientDisconnected).isEmpty)
        }

        @Test func aWrongTokenEndsTheClient() throws {
            let host = try Host()
            let right = "right".bytes.withUnsafeBytes { Secret(copying: $0) }
            let server = try host.serve { $0.session.policy.token = right }
            _ = try host.open(port: server.address.port) {
                $0.machine.reconnects = true
                $0.machine.credentials = Credentials(token: "wrong".bytes, password: [])
            }
            let closed = try host.wait(.clientClosed)
            #expect(closed.status == .connectRejected && closed.name == "AUTH_TOKEN_MISMATCH")
            #expect(try host.wait(.peerDisconnected).status == .connectRejected)
        }

        @Test func aLostConnectionIsMadeAnew() throws {
            let host = try Host()
            let server = try host.serve()
            _ = try host.open(port: server.address.port) {
                $0.machine.reconnects = true
                $0.machine.reconnectInitialMilliseconds = 1
            }
            let peer = try host.wait(.peerConnected)
            _ = host.context.call { server.disconnect(peer.connection, code: 1001, reason: []) }
            let lost = try host.wait(.clientDisconnected)
            #expect(lost.status == .closed && lost.code == 1001 && lost.connection == 1)
            #expect(try host.wait(.clientConnected, count: 2).connection == 2)
        }

        /// A name with several addresses, of which only one has a listener.
        @Test func aNameIsResolvedAndItsAddressesTried() throws {
            let host = try Host()
            let server = try host.serve()
            var target = DialSettings.Target()
            target.url = "ws://localhost:\(server.address.port)".bytes
            var settings = try ClientSettings(LinkSettings(DialSettings(target)), identity: .temporary)
            settings.machine.session.connect.clientVersion = "1".bytes
            settings.machine.reconnects = false
            _ = host.open(settings)
            try host.wait(.clientConnected)
            #expect(try host.wait(.peerConnected).payload.contains("\"deviceId\":\""))
        }

        /// base.h: GW_NEVER is no limit; sizes may be as large as their type.
        @Test func everyOptionAtItsExtreme() throws {
            let host = try Host(.host, eventBudget: .max)
            let server = try host.serve {
                $0.session.tickMilliseconds = .max
                $0.session.handshakeMilliseconds = .max
                $0.session.maxMessageBytes = .max
                $0.session.maxQueuedBytes = .max
                $0.requestMilliseconds = .max
                $0.webSocket.pingMilliseconds = .max
                $0.webSocket.pongMilliseconds = .max
                $0.webSocket.closeMilliseconds = .max
                $0.maxConnections = .max
                $0.maxRequests = .max
            }
            let client = try host.open(port: server.address.port) {
                $0.machine.reconnects = true
                $0.machine.reconnectInitialMilliseconds = .max
                $0.machine.reconnectMaximumMilliseconds = .max
                $0.machine.session.challengeMilliseconds = .max
                $0.machine.session.helloMilliseconds = .max
                $0.machine.session.callMilliseconds = .max
                $0.machine.session.maxCalls = .max
                $0.link.maxQueuedBytes = .max
                $0.link.dial.connectMilliseconds = .max
                $0.link.dial.upgradeMilliseconds = .max
                $0.link.dial.webSocket.maxMessageBytes = .max
                $0.link.dial.webSocket.pingMilliseconds = .max
                $0.link.dial.webSocket.pongMilliseconds = .max
                $0.link.dial.webSocket.closeMilliseconds = .max
                $0.link.dial.webSocket.deflate.thresholdBytes = .max
            }
            try host.wait(.clientConnected)
            _ = try host.call(client, "mine", "1", milliseconds: .max)
            let request = try host.wait(.peerRequest)
            host.reply(server, request.subject, "2")
            #expect(try host.wait(.callDone).payload == "2")
            _ = host.context.call { server.disconnect(request.connection, code: 1001, reason: []) }
            try host.wait(.clientDisconnected)
            #expect(host.state(client).phase == 0)
            host.close(client)
            try host.wait(.clientClosed)
        }

        /// context.h: "text lives until the next failing call".
        @Test func theTextOfTheLastErrorStays() throws {
            let host = try Host()
            _ = host.context.call { host.context.fail(Failure(.url, .program, "the first of two failures")) }
            func place() -> UnsafeRawPointer? { host.context.withLastFailure { _, _, text in text.baseAddress } }
            let first = place()
            #expect(first == place())
        }

        /// client.h: the id of a call is the subject of its events; nothing of an older connection shares it.
        @Test func callIdsAreNotUsedAgainAfterAReconnect() throws {
            let host = try Host()
            let server = try host.serve()
            let client = try host.open(port: server.address.port) {
                $0.machine.reconnects = true
                $0.machine.reconnectInitialMilliseconds = 1
            }
            try host.wait(.clientConnected)
            var ids: Set<UInt64> = []
            for round in 1...3 {
                for _ in 0..<4 { #expect(ids.insert(try host.call(client, "wait")).inserted) }
                try host.wait(.peerRequest, count: round * 4)
                let peer = try host.wait(.peerConnected, count: round)
                _ = host.context.call { server.disconnect(peer.connection, code: 1001, reason: []) }
                try host.wait(.clientConnected, count: round + 1)
            }
            #expect(host.events(.callDone).count == 12)
            #expect(host.events(.callDone).allSatisfy { $0.status == .outcomeUnknown })
            let kept = try host.call(client, "wait")
            for id in ids { #expect(!host.context.call { client.cancel(id) }, "an ended call was cancelled") }
            #expect(host.context.call { client.cancel(kept) })
        }
    }
}
