import GWBase
import GWGateway
import Testing

@Suite("Idempotency keys and trace context (openclaw-gateway 2.1, 6.7, 8)")
struct IdempotencyTests {
    private func params(_ end: MachineEnd) -> String { canonical(object(end.sent.last ?? "")["params"]) }

    @Test("a key of the library's is a random UUID, another one for each call")
    func made() throws {
        let end = MachineEnd()
        end.connect()
        var seen: Set<String> = []
        for _ in 0..<20 {
            _ = try end.call("chat.send", #"{"a":1}"#, key: "").get()
            let key = try #require(
                (object(end.sent.last ?? "")["params"] as? [String: Any])?["idempotencyKey"] as? String)
            let parts = key.split(separator: "-").map(\.count)
            #expect(parts == [8, 4, 4, 4, 12] && key.dropFirst(14).first == "4", "\(key)")
            #expect("89ab".contains(key.dropFirst(19).first ?? "x"), "\(key)")
            #expect(seen.insert(key).inserted)
        }
    }

    @Test("the key joins whatever members there are, and nothing else of the params changes")
    func spliced() throws {
        let end = MachineEnd()
        end.connect()
        for (given, wanted) in [
            ("", #"{"idempotencyKey":"k"}"#), ("{}", #"{"idempotencyKey":"k"}"#), (" { } ", #"{"idempotencyKey":"k"}"#),
            (#"{"a":1}"#, #"{"a":1,"idempotencyKey":"k"}"#),
            ("\n{ \"b\" : {\"idempotencyKey\":2}}\t", #"{"b":{"idempotencyKey":2},"idempotencyKey":"k"}"#),
        ] {
            _ = try end.call("m", given, key: "k").get()
            #expect(params(end) == wanted, "\(given)")
        }
        _ = try end.call("m", "{}", key: "\"\u{1}é").get()
        #expect(params(end) == canonical(["idempotencyKey": "\"\u{1}é"]))
    }

    @Test("params that are no object, or have a key already, are refused and nothing is sent")
    func refused() {
        let end = MachineEnd()
        end.connect()
        for given in ["[]", "1", "null", #""a""#, #"{"idempotencyKey":"x"}"#, #"{"a":1,"idempotency\u004bey":null}"#] {
            guard case .failure(let failure) = end.call("m", given, key: "k") else {
                Issue.record("taken: \(given)")
                continue
            }
            #expect(failure.status == .argument)
        }
        #expect(end.sent.isEmpty && end.machine.callsInFlight == 0)
    }

    @Test("where the outcome is not known, the end names the key")
    func named() throws {
        let end = MachineEnd()
        end.connect()
        let lost = try end.call("m", key: "lost").get()
        let plain = try end.call("m").get()
        let late = try end.call("m", key: "late") { $0.timeoutMilliseconds = 10 }.get()
        let cancelled = try end.call("m", key: "cancelled").get()
        #expect(end.machine.cancel(cancelled).map { text($0.failure.name) } == "cancelled")
        end.advance(10)
        #expect(end.told.last?.hasPrefix("\(Status.callTimeout.code) \(late) [late]") == true)
        end.lose()
        #expect(end.told.contains { $0.hasPrefix("\(Status.outcomeUnknown.code) \(lost) [lost]") })
        #expect(end.told.contains { $0.hasPrefix("\(Status.outcomeUnknown.code) \(plain) []") })
    }

    @Test("a key is not handed on to a later call in the same place")
    func notInherited() throws {
        let end = MachineEnd()
        end.connect()
        _ = try end.call("m", key: "first").get()
        end.answer(0)
        let second = try end.call("m").get()
        end.lose()
        #expect(end.told.contains { $0.hasPrefix("\(Status.outcomeUnknown.code) \(second) []") })
    }

    @Test("the trace context goes to protocol 4, and to protocol 3 only if the host insists")
    func traceparent() throws {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        for (version, insists) in [(4, false), (3, false), (3, true)] {
            let end = MachineEnd()
            end.connect(protocolVersion: version)
            _ = try end.call("m", "{}", trace: trace) { $0.insistsOnTrace = insists }.get()
            let sent = object(end.sent.last ?? "")["traceparent"] as? String
            #expect(sent == (version == 4 || insists ? trace : nil))
        }
    }

    @Test("a time limit is at most 2147483647 ms; none is none (7.2)")
    func longestLimit() throws {
        let end = MachineEnd()
        end.connect()
        _ = try end.call("m") { $0.timeoutMilliseconds = 2_592_010_000 }.get()
        end.advance(2_147_483_646)
        #expect(end.machine.callsInFlight == 1)
        end.advance(1)
        #expect(end.machine.callsInFlight == 0)
    }
}
