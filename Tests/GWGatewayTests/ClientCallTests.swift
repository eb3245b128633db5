import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Client session: calls (openclaw-gateway 2.6, 7.2)")
struct ClientCallTests {
    @Test("two-step answers as in the vectors")
    func expectFinal() throws {
        for item in try cases("expectFinal", of: "frames.json") {
            let name: String = try required("name", of: item)
            let end = ClientEnd.ready()
            let expectsFinal: Bool = try required("expectFinal", of: item)
            let id = try #require(end.call(expectsFinal: expectsFinal))
            var accepted = 0
            var outcomes: [(step: Int, outcome: String)] = []
            for (index, response) in try required("responses", of: item, as: [[String: Any]].self).enumerated() {
                var frame = response
                frame["type"] = "res"
                frame["id"] = wireID(id)
                switch end.receive(json(frame)) {
                case .accepted(id, _): accepted += 1
                case .answered(id, _): outcomes.append((index, "resolve"))
                case .rejected(id, _, _): outcomes.append((index, "reject"))
                case .none: break
                default: Issue.record("unexpected action: \(name)")
                }
            }
            #expect(accepted == member("acceptedNotified", of: item), "\(name)")
            #expect(outcomes.count == 1, "\(name)")
            #expect(outcomes.first?.step == member("settledBy", of: item), "\(name)")
            #expect(outcomes.first?.outcome == member("outcome", of: item), "\(name)")
        }
    }

    @Test("calls before the hello are refused, to be made again later")
    func beforeHello() {
        let end = ClientEnd()
        #expect(end.call() == nil)
        _ = end.receive(ClientEnd.challenge)
        let action = end.session.call(
            expectsFinal: false, timeoutMilliseconds: 0, userData: 0, streamOffset: 0, now: end.now)
        guard case .refused(let failure) = action else {
            Issue.record("taken")
            return
        }
        #expect(failure.status == .state && failure.isRetryable)
    }

    @Test("a frame above policy.maxPayload is refused, with both numbers (1.1)")
    func maxPayload() throws {
        let end = ClientEnd()
        #expect(end.session.tooBig(.max) == nil)
        _ = end.receive(ClientEnd.challenge)
        _ = end.answerConnect(#""ok":true,"payload":{"policy":{"maxPayload":1000}}"#)
        #expect(end.session.tooBig(1000) == nil)
        let failure = try #require(end.session.tooBig(1001))
        #expect(failure.status == .tooBig && failure.text.contains("1001") && failure.text.contains("1000"))
    }

    @Test("max_calls limits the calls in flight")
    func maxCalls() throws {
        var settings = ClientSession.Settings()
        settings.maxCalls = 2
        let end = ClientEnd.ready(settings)
        let first = try #require(end.call())
        #expect(end.call() != nil && end.call() == nil)
        _ = end.answer(first, #""ok":true"#)
        #expect(end.call() != nil && end.session.callsInFlight == 2)
    }

    @Test("an answer ends its call; further ones are late and silent, also when its place is used again")
    func lateAnswers() throws {
        let end = ClientEnd.ready()
        let first = try #require(end.call(userData: 1))
        guard case .answered(first, payload: "[1]") = end.answer(first, #""ok":true,"payload":[1]"#) else {
            Issue.record("not answered")
            return
        }
        if case .none = end.answer(first, #""ok":true"#) {} else { Issue.record("answered twice") }
        let second = try #require(end.call(userData: 2))
        #expect(second != first)
        if case .none = end.answer(first, #""ok":true"#) {} else { Issue.record("answered for another") }
        #expect(end.session.callsInFlight == 1)

        #expect(end.session.cancel(second)?.userData == 2)
        #expect(end.session.cancel(second) == nil)
        if case .none = end.answer(second, #""ok":false"#) {} else { Issue.record("rejected after its end") }
    }

    @Test("ids are not given out again on the next connection: an answer to a call of the last one is late")
    func nextConnection() throws {
        let calls = PendingCalls()
        let first = ClientEnd(calls: calls)
        _ = first.receive(ClientEnd.challenge)
        _ = first.answerConnect(ClientEnd.hello())
        let id = try #require(first.call())
        #expect(first.session.end().map(\.id) == [id])
        let second = ClientEnd(calls: calls)
        _ = second.receive(ClientEnd.challenge)
        _ = second.answerConnect(ClientEnd.hello())
        let next = try #require(second.call())
        #expect(next != id && second.connectID != first.connectID)
        if case .none = second.answer(id, #""ok":true"#) {} else { Issue.record("answered for another") }
        #expect(second.session.callsInFlight == 1)
    }

    @Test("an answer to what was never asked is warned of, and says its id")
    func unknownIDs() {
        let end = ClientEnd.ready()
        _ = end.call()
        for id in ["c-1", "ffffffffffffffff", "900000001", "0", "00100000002", "\\u0000"] {
            guard case .warn(let failure) = end.receive(#"{"type":"res","id":"\#(id)","ok":true}"#) else {
                Issue.record("no warning: \(id)")
                continue
            }
            #expect(failure.status == .unknownID && failure.text.contains(id))
        }
        #expect(end.session.callsInFlight == 1)
    }

    @Test("a rejected call carries the whole error; without one the defaults stand for it (2.4, 9)")
    func rejected() throws {
        let end = ClientEnd.ready()
        let first = try #require(end.call())
        let error =
            #"{"code":"FORBIDDEN","message":"missing scope: operator.write","details":{"code":"MISSING_SCOPE"}}"#
        guard case .rejected(first, let object, error) = end.answer(first, #""ok":false,"error":\#(error)"#) else {
            Issue.record("not rejected")
            return
        }
        #expect(text(object.code) == "FORBIDDEN" && text(object.detailCode) == "MISSING_SCOPE")
        let second = try #require(end.call())
        guard case .rejected(second, let missing, nil) = end.answer(second, #""ok":false,"error":null"#) else {
            Issue.record("not rejected")
            return
        }
        #expect(text(missing.code) == "UNAVAILABLE")
        let third = try #require(end.call(expectsFinal: true))
        guard case .rejected(third, _, nil) = end.answer(third, #""ok":false,"payload":{"status":"accepted"}"#) else {
            Issue.record("a refusal was taken for an acceptance")
            return
        }
    }

    @Test("an answer is accepted once, then the next one ends the call")
    func accepted() throws {
        let end = ClientEnd.ready()
        let id = try #require(end.call(expectsFinal: true))
        let accepted = #""ok":true,"payload":{"status":"acc\u0065pted"}"#
        guard case .accepted(id, _) = end.answer(id, accepted) else {
            Issue.record("not accepted")
            return
        }
        for _ in 0..<3 { if case .none = end.answer(id, accepted) {} else { Issue.record("accepted again") } }
        guard case .answered(id, _) = end.answer(id, #""ok":true,"payload":{"status":"started"}"#) else {
            Issue.record("not answered")
            return
        }
        #expect(end.session.callsInFlight == 0)
    }

    @Test("only the text accepted at payload.status is an acceptance")
    func notAccepted() throws {
        for payload in [
            #""accepted""#, #"["accepted"]"#, #"{"status":["accepted"]}"#, #"{"status":"Accepted"}"#,
            #"{"status":"accepted "}"#, #"{"run":{"status":"accepted"}}"#, "null",
        ] {
            let end = ClientEnd.ready()
            let id = try #require(end.call(expectsFinal: true))
            guard case .answered(id, _) = end.answer(id, #""ok":true,"payload":\#(payload)"#) else {
                Issue.record("taken for an acceptance: \(payload)")
                continue
            }
        }
    }

    @Test("each call has its own time limit; those that wait for a final answer have none by default")
    func timeLimits() throws {
        let end = ClientEnd.ready()
        let ordinary = try #require(end.call())
        let short = try #require(end.call(timeout: 10))
        let twin = try #require(end.call(timeout: 10))
        let unlimited = try #require(end.call(expectsFinal: true))
        let limited = try #require(end.call(expectsFinal: true, timeout: 20))
        let never = try #require(end.call(timeout: .max))
        #expect(end.session.deadline == end.now.adding(milliseconds: 10))
        func expired() -> Set<UInt64> {
            var ids: Set<UInt64> = []
            while case .callExpired(let id, _) = end.tick() { #expect(ids.insert(id).inserted) }
            return ids
        }
        end.advance(9)
        #expect(expired().isEmpty)
        end.advance(1)
        #expect(expired() == [short, twin])
        if case .none = end.answer(short, #""ok":true"#) {} else { Issue.record("answered after its time") }
        end.advance(10)
        #expect(expired() == [limited])
        _ = end.receive(#"{"type":"event","event":"tick"}"#)
        end.advance(Limits.callMilliseconds - 20)
        #expect(expired() == [ordinary])
        #expect(Set(end.session.end().map(\.id)) == [unlimited, never])
    }

    @Test("the end gives each call in flight once, whatever ended the connection")
    func callsInFlightAtTheEnd() throws {
        let end = ClientEnd.ready()
        var ids: Set<UInt64> = []
        for index in 0..<20 {
            ids.insert(try #require(end.call(expectsFinal: index % 2 == 0, timeout: index % 3 == 0 ? 1_000_000 : 0)))
        }
        end.advance(90_001)
        while case .callExpired(let id, _) = end.tick() { ids.remove(id) }
        guard case .none = end.tick() else {
            Issue.record("closed twice")
            return
        }
        #expect(!end.session.isReady && end.session.callsInFlight == ids.count && !ids.isEmpty)
        let ended = end.session.end().map(\.id)
        #expect(Set(ended) == ids && ended.count == ids.count)
        #expect(end.session.end().isEmpty && end.session.callsInFlight == 0)
    }
}
