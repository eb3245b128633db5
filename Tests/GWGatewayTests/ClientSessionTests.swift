import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Client session: handshake (openclaw-gateway 3)")
struct ClientHandshakeTests {
    @Test("the challenge has its deadline, then the hello has its own")
    func deadlines() {
        let end = ClientEnd()
        #expect(end.session.deadline == ClientEnd.start.adding(milliseconds: Limits.challengeMilliseconds))
        end.advance(Limits.challengeMilliseconds - 1)
        if case .none = end.tick() {} else { Issue.record("too early") }
        #expect(end.session.isAwaitingChallenge)
        _ = end.receive(ClientEnd.challenge)
        #expect(!end.session.isAwaitingChallenge && !end.session.isReady)
        #expect(end.session.deadline == end.now.adding(milliseconds: Limits.helloMilliseconds))
        end.advance(Limits.helloMilliseconds)
        guard case .close(let code, let reason, let verdict) = end.tick() else {
            Issue.record("no hello, and yet it goes on")
            return
        }
        #expect(code == 4000 && text(reason) == "connect timeout")
        #expect(verdict.failure.status == .helloTimeout && !verdict.stopsReconnecting)
        if case .none = end.tick() {} else { Issue.record("ended twice") }
    }

    @Test("a second challenge is not answered (3.2: one nonce a connection)")
    func secondChallenge() {
        let end = ClientEnd()
        guard case .send = end.receive(ClientEnd.challenge) else {
            Issue.record("not answered")
            return
        }
        for _ in 0..<2 {
            if case .none = end.receive(ClientEnd.challenge) {} else { Issue.record("answered again") }
        }
        guard case .connected = end.answerConnect(ClientEnd.hello()) else {
            Issue.record("not connected")
            return
        }
        // It is an event like any other now.
        if case .event("connect.challenge", _, missing: 0) = end.receive(ClientEnd.challenge) {
        } else {
            Issue.record("not shown")
        }
    }

    @Test("events before the challenge and before the hello are passed over")
    func earlyEvents() {
        let end = ClientEnd()
        let tick = #"{"type":"event","event":"tick","payload":{"ts":1},"seq":9}"#
        if case .none = end.receive(tick) {} else { Issue.record("seen before the challenge") }
        _ = end.receive(ClientEnd.challenge)
        if case .none = end.receive(tick) {} else { Issue.record("seen before the hello") }
        _ = end.answerConnect(ClientEnd.hello())
        let later = #"{"type":"event","event":"tick","seq":20}"#
        if case .event(_, _, missing: 0) = end.receive(later) {} else { Issue.record("a gap out of nothing") }
    }

    @Test("the answer may come behind other frames: it is found by its id (9)")
    func answerByID() {
        let end = ClientEnd()
        _ = end.receive(ClientEnd.challenge)
        guard case .warn(let failure) = end.receive(#"{"type":"res","id":"other","ok":true,"payload":{}}"#) else {
            Issue.record("no warning")
            return
        }
        #expect(failure.status == .unknownID)
        guard case .connected = end.answerConnect(ClientEnd.hello()) else {
            Issue.record("not connected")
            return
        }
    }

    @Test("a second answer to the connect request is late, not unknown")
    func duplicateHello() {
        let end = ClientEnd()
        _ = end.receive(ClientEnd.challenge)
        _ = end.answerConnect(ClientEnd.hello())
        for rest in [ClientEnd.hello(), #""ok":false"#] {
            if case .none = end.answerConnect(rest) {} else { Issue.record("not passed over: \(rest)") }
        }
        #expect(end.session.isReady)
        // Not even when a call has taken its place.
        let call = end.call()
        if case .none = end.answerConnect(ClientEnd.hello()) {} else { Issue.record("taken for a call's answer") }
        #expect(call != nil && end.session.callsInFlight == 1)
    }

    @Test("the connect request is no call: not counted, and not among the calls that end")
    func connectIsNoCall() {
        for ending in 0..<4 {
            let end = ClientEnd(signer: ending == 3 ? BrokenSigner() : nil)
            _ = end.receive(ClientEnd.challenge)
            #expect(end.session.callsInFlight == 0)
            switch ending {
            case 0:
                end.advance(Limits.helloMilliseconds)
                _ = end.tick()
            case 1: _ = end.answerConnect(#""ok":false"#)
            default: break
            }
            #expect(end.session.end().isEmpty)
        }
    }

    @Test("without a signature nothing is sent")
    func brokenSigner() {
        guard
            case .close(1008, "connect failed", let verdict) = ClientEnd(signer: BrokenSigner()).receive(
                ClientEnd.challenge)
        else {
            Issue.record("not closed")
            return
        }
        #expect(verdict.stopsReconnecting && verdict.failure.status == .identity)
    }

    @Test("the time that is signed is the gateway's if it is a safe integer, else our own (3.2)")
    func signedTime() throws {
        for (ts, wanted) in [
            ("0", 0), ("9007199254740991", 9_007_199_254_740_991), ("9007199254740992", 1_767_225_600_500),
            ("-1", 1_767_225_600_500), ("1.5", 1_767_225_600_500), ("\"7\"", 1_767_225_600_500),
            ("null", 1_767_225_600_500),
        ] as [(String, UInt64)] {
            let end = ClientEnd(signer: TestSigner(seed: Array(0..<32)))
            let challenge = #"{"type":"event","event":"connect.challenge","payload":{"nonce":" n\u00a0","ts":\#(ts)}}"#
            guard case .send(let sent) = end.receive(challenge) else {
                Issue.record("not answered")
                continue
            }
            let device = member("device", of: object(sent)["params"], as: [String: Any].self)
            #expect(member("signedAt", of: device) == wanted, "\(ts)")
            #expect(member("nonce", of: device) == "n", "\(ts)")
        }
    }

    @Test("a hello that cannot be used ends the connection, and nothing is tried again by itself")
    func unusableHello() {
        for (rest, status) in [
            (#""ok":true"#, Status.hello), (#""ok":true,"payload":[]"#, .hello),
            (#""ok":true,"payload":{"protocol":2}"#, .protocolRange),
            (#""ok":true,"payload":{"protocol":5}"#, .protocolRange),
            (#""ok":true,"payload":{"protocol":"4"}"#, .protocolRange),
            (#""ok":true,"payload":{"protocol":3.5}"#, .protocolRange),
            (#""ok":true,"payload":{"protocol":1e30}"#, .protocolRange),
        ] {
            let end = ClientEnd()
            _ = end.receive(ClientEnd.challenge)
            guard case .close(1002, _, let verdict) = end.answerConnect(rest) else {
                Issue.record("not closed: \(rest)")
                continue
            }
            #expect(verdict.failure.status == status && verdict.stopsReconnecting, "\(rest)")
        }
    }

    @Test("scopes asked for and not granted are told at once, with what to do (3.5)")
    func missingScopes() {
        for (granted, missing) in [
            (#"["operator.read","operator.write"]"#, nil), (#"["operator.admin"]"#, nil), (#"["operator.write"]"#, nil),
            (#"["operator.read"]"#, "operator.write"), ("[]", "operator.read, operator.write"),
            (#"["operator.pairing"]"#, "operator.read, operator.write"),
        ] as [(String, String?)] {
            let end = ClientEnd()
            _ = end.receive(ClientEnd.challenge)
            let hello = ClientEnd.hello(auth: #""auth":{"role":"operator","scopes":\#(granted)},"#)
            guard case .connected(_, let warning) = end.answerConnect(hello) else {
                Issue.record("not connected")
                continue
            }
            #expect((warning == nil) == (missing == nil), "\(granted)")
            if let warning, let missing {
                #expect(warning.text.contains(missing) && text(warning.name) == "scopes", "\(granted)")
            }
        }
    }

    @Test("a gateway that does not name scopes is not warned about")
    func noScopes() {
        let end = ClientEnd()
        _ = end.receive(ClientEnd.challenge)
        guard case .connected(let hello, nil) = end.answerConnect(ClientEnd.hello()) else {
            Issue.record("warned")
            return
        }
        #expect(hello.scopes == nil)
    }

    @Test("what is no frame is warned of and is no activity (2.5)")
    func noise() {
        let end = ClientEnd.ready()
        for (message, status) in [
            ("{", Status.json), ("", .json), ("\u{1b}[2J", .json), ("[]", .frame), (#"{"type":"req"}"#, .frame),
            (#"{"type":"event","event":"x","seq":-1}"#, .frame), (#"{"type":"hello-ok"}"#, .frame),
        ] {
            guard case .warn(let failure) = end.receive(message) else {
                Issue.record("no warning: \(message)")
                continue
            }
            #expect(failure.status == status, "\(message)")
            #expect(failure.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }, "\(message)")
            #expect(failure.text.utf8.count < 200)
        }
        for _ in 0..<3 {
            end.advance(30_000)
            _ = end.receive("{")
            if case .close = end.tick() { return }
        }
        Issue.record("noise has kept the connection alive")
    }

    @Test("after its end a session does nothing")
    func afterEnd() {
        let end = ClientEnd.ready()
        #expect(end.session.end().isEmpty)
        if case .none = end.receive(#"{"type":"event","event":"tick"}"#) {} else { Issue.record("an event") }
        if case .none = end.receive(#"{"type":"res","id":"1","ok":true}"#) {} else { Issue.record("an answer") }
        if case .none = end.tick() {} else { Issue.record("a tick") }
        #expect(end.call() == nil && end.session.deadline == .never && end.session.end().isEmpty)
    }
}

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

@Suite("Client session: liveness and gaps (openclaw-gateway 6)")
struct ClientLivenessTests {
    private func closesAt(_ end: ClientEnd) -> UInt32? {
        for time in 1...40 {
            end.advance(10_000)
            while true {
                switch end.tick() {
                case .callExpired: continue
                case .none: break
                case .close(let code, let reason, let verdict):
                    #expect(code == 4000 && text(reason) == "tick timeout")
                    #expect(verdict.failure.status == .tickTimeout && !verdict.stopsReconnecting)
                    return UInt32(time) * 10
                }
                break
            }
        }
        return nil
    }

    @Test("silence closes at the third check, unless every call in flight has a time limit (6.2)")
    func suspension() {
        #expect(closesAt(ClientEnd.ready()) == 90)
        let limited = ClientEnd.ready()
        _ = limited.call(timeout: 130_000)
        #expect(closesAt(limited) == 150)
        let unlimited = ClientEnd.ready()
        _ = unlimited.call(expectsFinal: true)
        #expect(closesAt(unlimited) == 90)
        let both = ClientEnd.ready()
        _ = both.call(timeout: 1_000_000)
        _ = both.call(timeout: .max)
        #expect(closesAt(both) == 90)
        let answered = ClientEnd.ready()
        _ = answered.call(timeout: 1_000_000)
        if let id = answered.call(timeout: .max) { _ = answered.answer(id, #""ok":true"#) }
        #expect(closesAt(answered) == nil)
    }

    @Test("every valid frame is activity, answers to nobody too (2.5)")
    func activity() {
        for frame in [
            #"{"type":"event","event":"tick"}"#, #"{"type":"res","id":"nobody","ok":true}"#,
            #"{"type":"res","id":"1","error":{}}"#,
        ] {
            let end = ClientEnd.ready()
            for _ in 0..<20 {
                end.advance(30_000)
                _ = end.receive(frame)
                guard case .none = end.tick() else {
                    Issue.record("closed in spite of \(frame)")
                    return
                }
            }
        }
    }

    @Test("time in which we did not read says nothing about the gateway")
    func heldReading() {
        let end = ClientEnd.ready()
        for _ in 0..<20 {
            end.advance(30_000)
            end.session.readingIsHeld(end.now)
            if case .close = end.tick() { Issue.record("closed though nothing was read") }
        }
        #expect(closesAt(end) == 90)
    }

    @Test("the interval is the hello's, and 30 s where that is none (6.2)")
    func interval() {
        for (policy, wanted) in [
            (#""tickIntervalMs":1000"#, 1000), (#""tickIntervalMs":0"#, 30_000), (#""tickIntervalMs":-1"#, 30_000),
            (#""tickIntervalMs":1.5"#, 30_000), (#""tickIntervalMs":"1""#, 30_000), (#""tickIntervalMs":null"#, 30_000),
            (#""tickIntervalMs":1e18"#, 2_147_483_647), (#""other":1"#, 30_000),
        ] as [(String, UInt32)] {
            let end = ClientEnd()
            _ = end.receive(ClientEnd.challenge)
            guard case .connected(let hello, _) = end.answerConnect(#""ok":true,"payload":{"policy":{\#(policy)}}"#)
            else {
                Issue.record("not connected: \(policy)")
                continue
            }
            #expect(hello.tickMilliseconds == wanted, "\(policy)")
            #expect(end.session.deadline == end.now.adding(milliseconds: wanted), "\(policy)")
        }
    }

    @Test("sequence numbers as in the vectors, counted anew on each connection (6.4)")
    func sequences() throws {
        for item in try cases("sequence", of: "timers.json") {
            let wanted: [[String: Any]] = try required("resetPerConnection", of: item)
            var end = ClientEnd.ready()
            for (index, entry) in try required("stream", of: item, as: [Any].self).enumerated() {
                if entry as? String == "reconnect" {
                    end = ClientEnd.ready()
                    continue
                }
                let seq = (entry as? UInt64).map { #","seq":\#($0)"# } ?? ""
                guard case .event(_, _, let missing) = end.receive(#"{"type":"event","event":"x"\#(seq)}"#) else {
                    Issue.record("no event")
                    continue
                }
                let gap = wanted[index]["gap"]
                let expected: UInt64? = member("expected", of: gap)
                let received: UInt64? = member("received", of: gap)
                #expect(missing == (received ?? 0) - (expected ?? 0), "\(canonical(item["stream"])) at \(index)")
            }
        }
    }

    @Test("sequence numbers at the end of their range do no harm")
    func extremeSequences() {
        let end = ClientEnd.ready()
        for (seq, wanted) in [("0", 0), ("9223372036854775807", UInt64(Int64.max) - 1), ("0", 0)] {
            guard case .event(_, _, wanted) = end.receive(#"{"type":"event","event":"x","seq":\#(seq)}"#) else {
                Issue.record("not \(wanted)")
                continue
            }
        }
    }
}
