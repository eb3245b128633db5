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

    @Test("a connect request above 64 KiB is not sent; both numbers are told, and nothing is tried again (1.1)")
    func connectRequestTooBig() {
        var settings = ClientSession.Settings()
        settings.connect.userAgent = [UInt8](repeating: 0x61, count: 65_536)
        let end = ClientEnd(settings)
        guard case .close(_, _, let verdict) = end.receive(ClientEnd.challenge) else {
            Issue.record("sent")
            return
        }
        #expect(verdict.failure.status == .tooBig && verdict.stopsReconnecting)
        #expect(verdict.failure.text.contains("65536") && verdict.failure.text.contains("has 6"))
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
