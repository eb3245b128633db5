import GWBase
import GWGateway
import Testing

@Suite("Calls without a connection")
struct OfflineQueueTests {
    private func end(_ change: (inout ClientMachine.OfflineSettings) -> Void = { _ in }) -> MachineEnd {
        var offline = ClientMachine.OfflineSettings()
        change(&offline)
        return MachineEnd { $0.offline = offline }
    }

    private func methods(_ end: MachineEnd) -> [String] { end.sent.map { object($0)["method"] as? String ?? "" } }

    @Test("without the option a call is refused, to be made again later")
    func off() {
        guard case .failure(let failure) = MachineEnd().call("m") else {
            Issue.record("taken")
            return
        }
        #expect(failure.status == .state && failure.isRetryable)
    }

    @Test("kept calls are sent in their order after the hello, and are then like any other")
    func sent() throws {
        let end = end()
        let ids = try ["a", "b", "c"].map { try end.call($0, #"{"n":1}"#, key: "k").get() }
        #expect(end.machine.callsKept == 3 && end.machine.callsInFlight == 0)
        end.connect()
        #expect(methods(end) == ["a", "b", "c"] && end.machine.callsKept == 0 && end.machine.callsInFlight == 3)
        #expect(canonical(object(end.sent[0])["params"]) == #"{"idempotencyKey":"k","n":1}"#)
        end.answer(1)
        #expect(end.told.last == "answered \(ids[1]): 1")
        end.lose()
        #expect(end.told.contains { $0.hasPrefix("\(Status.outcomeUnknown.code) \(ids[0]) [k]") })
        end.connect()
        #expect(methods(end) == [], "a call was sent twice")
    }

    @Test("a call that expires, is cancelled or is left at the end was not sent, and is not")
    func notSent() throws {
        let end = end { $0.milliseconds = 1000 }
        let expired = try end.call("a", key: "k").get()
        #expect(end.machine.deadline == end.now.adding(milliseconds: 1000))
        end.advance(500)
        let cancelled = try end.call("b").get()
        let left = try end.call("c").get()
        end.advance(500)
        #expect(
            end.told == [
                "\(Status.notSent.code) \(expired) [k]: the call was not sent: there was no connection for 1000 ms"
            ])
        #expect(end.machine.cancel(cancelled)?.failure.status == .cancelled)
        #expect(end.machine.cancel(cancelled) == nil)
        let ended = end.machine.close()
        #expect(ended.map(\.id) == [left] && ended.first?.failure.status == .notSent)
        #expect(end.machine.callsKept == 0 && end.machine.deadline == .never)
        if case .success = end.call("d") { Issue.record("a call was kept by a client that is closed") }
    }

    @Test("calls are kept over attempts that fail, and end with the client when it gives up")
    func givesUp() throws {
        let end = end()
        let call = try end.call("a").get()
        #expect(end.lose() != nil && end.machine.callsKept == 1)
        #expect(end.lose(Failure(.connectRejected, .user, "no")) == nil)
        #expect(end.told.contains { $0.hasPrefix("\(Status.notSent.code) \(call)") })
    }

    @Test("number and bytes are bounded, with both numbers in the refusal")
    func bounds() throws {
        let few = end { $0.maxCalls = 2 }
        _ = try few.call("a").get()
        _ = try few.call("a").get()
        guard case .failure(let full) = few.call("a") else {
            Issue.record("a third call was kept")
            return
        }
        #expect(full.status == .full && full.text.contains("2 calls") && full.text.contains("max_calls (2)"))
        let small = end { $0.maxBytes = 300 }
        _ = try small.call("a", #"{"x":"\#(String(repeating: "x", count: 150))"}"#).get()
        guard case .failure(let failure) = small.call("a", #"{"x":"\#(String(repeating: "x", count: 50))"}"#) else {
            Issue.record("too many bytes were kept")
            return
        }
        #expect(failure.status == .full && failure.text.contains("300"))
    }

    @Test("a kept call that is too big for the gateway was not sent; those behind it are")
    func tooBig() throws {
        let end = end()
        let big = try end.call("a", #"{"x":"\#(String(repeating: "x", count: 2000))"}"#).get()
        _ = try end.call("b").get()
        end.connect(maxPayload: 1000)
        #expect(methods(end) == ["b"])
        #expect(end.told.contains { $0.hasPrefix("\(Status.notSent.code) \(big)") && $0.contains("1000") })
    }

    @Test("the time limit of a kept call begins when it is sent")
    func timeLimit() throws {
        let end = end()
        let call = try end.call("a") { $0.timeoutMilliseconds = 100 }.get()
        end.advance(5000)
        end.connect()
        end.advance(99)
        #expect(end.machine.callsInFlight == 1)
        end.advance(1)
        #expect(end.told.last?.hasPrefix("\(Status.callTimeout.code) \(call)") == true)
    }

    @Test("a call that must be online is never kept")
    func onlineOnly() {
        if case .success = end().call("a", "", { $0.isOnlineOnly = true }) { Issue.record("kept") }
    }
}
