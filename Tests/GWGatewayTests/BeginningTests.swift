import GWBase
import GWGateway
import Testing

@Suite("What each connection begins with (openclaw-gateway 7.4)")
struct BeginningTests {
    private func methods(_ end: MachineEnd) -> [String] { end.sent.map { object($0)["method"] as? String ?? "" } }

    @Test("subscriptions come first, then the initial sync, then the calls that waited")
    func order() throws {
        let end = MachineEnd {
            $0.offline = ClientMachine.OfflineSettings()
            $0.sync = [SyncCall(method: "agents.list".bytes, params: "{}".bytes)]
        }
        _ = try end.call("waited").get()
        _ = try end.machine.subscribe(method: "sessions.subscribe".bytes, params: [], userData: 0)
        end.connect()
        #expect(methods(end) == ["sessions.subscribe", "agents.list", "waited"])
    }

    @Test("each connection makes the subscriptions anew; one that was taken back is not made")
    func replayed() throws {
        let end = MachineEnd()
        let first = try end.machine.subscribe(method: "a".bytes, params: #"{"key":"k"}"#.bytes, userData: 0)
        let second = try end.machine.subscribe(method: "b".bytes, params: [], userData: 0)
        end.connect()
        #expect(methods(end) == ["a", "b"])
        #expect(canonical(object(end.sent[0])["params"]) == #"{"key":"k"}"#)
        end.answer(0)
        end.answer(1, #""ok":false,"error":{"code":"X","message":"m"}"#)
        #expect(end.told.suffix(2) == ["subscribed \(first)", "subscription \(second) rejected"])
        end.lose()
        #expect(end.machine.unsubscribe(first) && !end.machine.unsubscribe(first))
        end.connect()
        #expect(methods(end) == ["b"])
        _ = try end.machine.subscribe(method: "c".bytes, params: [], userData: 0)
        end.begin()
        #expect(methods(end) == ["b", "c"])
    }

    @Test("a subscription without an answer is told after the client's time limit, one that was taken back never")
    func silent() throws {
        let end = MachineEnd { $0.session.callMilliseconds = 100 }
        let id = try end.machine.subscribe(method: "a".bytes, params: [], userData: 0)
        let back = try end.machine.subscribe(method: "b".bytes, params: [], userData: 0)
        end.connect()
        #expect(end.machine.unsubscribe(back))
        end.advance(100)
        #expect(end.told.count == 2 && end.told.last?.hasPrefix("subscription \(id): no answer") == true)
        end.answer(0)
        #expect(end.told.count == 2, "a late answer was told")
    }

    @Test("the loss of a connection ends no subscription and tells of none")
    func lost() throws {
        let end = MachineEnd { $0.sync = [SyncCall(method: "s".bytes, params: [])] }
        _ = try end.machine.subscribe(method: "a".bytes, params: [], userData: 0)
        end.connect()
        end.lose()
        #expect(end.told == ["connected 1", "ended 1: lost"])
    }

    @Test("subscriptions are bounded in number and bytes")
    func bounds() throws {
        let end = MachineEnd()
        for _ in 0..<Limits.subscriptions { _ = try end.machine.subscribe(method: "a".bytes, params: [], userData: 0) }
        #expect(throws: Failure.self) { _ = try end.machine.subscribe(method: "a".bytes, params: [], userData: 0) }
        let large = [UInt8](repeating: 0x31, count: Limits.subscriptionBytes)
        #expect(throws: Failure.self) {
            _ = try MachineEnd().machine.subscribe(method: "a".bytes, params: large, userData: 0)
        }
    }

    @Test("the answers of the initial sync come as one, in the order of its calls, whatever becomes of each")
    func synced() throws {
        let end = MachineEnd {
            $0.session.callMilliseconds = 100
            $0.sync = ["a", "b", "c", "d"].map { SyncCall(method: $0.bytes, params: []) }
        }
        end.connect()
        #expect(methods(end) == ["a", "b", "c", "d"])
        end.answer(2, #""ok":true,"payload":{"n":[1]}"#)
        end.answer(0, #""ok":false,"error":{"code":"X","message":"m"}"#)
        end.answer(3, #""ok":true"#)
        #expect(end.told.count == 1)
        end.advance(100)
        let told = try #require(end.told.last)
        #expect(told.hasPrefix("synced 2: "))
        #expect(
            canonical(json: String(told.dropFirst(10)))
                == canonical(
                    json: """
                        [{"method":"a","ok":false,"error":{"code":"X","message":"m"}},
                        {"method":"b","ok":false,"error":{"code":"CALL_TIMEOUT","message":\
                        "no answer within the call's time limit; it may have been run"}},
                        {"method":"c","ok":true,"payload":{"n":[1]}},{"method":"d","ok":true,"payload":null}]
                        """))
        end.lose()
        end.connect()
        #expect(methods(end).count == 4 && end.told.count { $0.hasPrefix("synced") } == 1)
    }

    @Test("a sync call that is too big for the gateway fails, and is not waited for")
    func syncTooBig() {
        let end = MachineEnd {
            $0.sync = [SyncCall(method: "a".bytes, params: "\"\(String(repeating: "x", count: 999))\"".bytes)]
        }
        end.connect(maxPayload: 500)
        #expect(end.sent.isEmpty && end.told.last?.hasPrefix("synced 1: ") == true)
    }
}
