import Foundation
import GWBase
import GWJSON
import Testing

@testable import GWGateway

@Suite("Server session (openclaw-gateway 1, 2, 3)")
struct ServerSessionTests {
    @Test("limits before and after the hello (1.1)")
    func limits() {
        #expect(Limits.messageBytesBeforeHello == 65_536)
        #expect(Limits.messageBytes == 26_214_400 && Limits.serverQueuedBytes == 52_428_800)
        #expect(Limits.handshakeMilliseconds == 15_000 && Limits.tickMilliseconds == 30_000)
    }

    @Test("the challenge is an event without a sequence number (3.2)")
    func challenge() {
        let frame = object(text(ServerEnd().session.challenge(wallMilliseconds: 1_767_225_600_000)))
        let wanted: [String: Any] = [
            "type": "event", "event": "connect.challenge",
            "payload": ["nonce": ClientEnd.nonce, "ts": 1_767_225_600_000] as [String: Any],
        ]
        #expect(canonical(frame) == canonical(wanted))
    }

    @Test("first messages that end the connection, with and without a response (1.6, 3.6)")
    func firstMessages() {
        for (message, code, reason, hasResponse) in [
            ("{", 1000, "", false), ("", 1000, "", false), ("[]", 1008, "invalid request frame", false),
            (#"{"type":"event","event":"x"}"#, 1008, "invalid request frame", false),
            (#"{"type":"req","id":"1","method":"connect","x":1}"#, 1008, "invalid request frame", false),
            (
                #"{"type":"req","id":"1","method":"Connect"}"#, 1008,
                "invalid handshake: first request must be connect",
                true
            ),
            (#"{"type":"req","id":"1","method":"connect"}"#, 1008, "invalid connect params: must be an object", true),
            (
                #"{"type":"req","id":"1","method":"connect","params":null}"#, 1008,
                "invalid connect params: must be an object", true
            ),
        ] {
            let end = ServerEnd()
            guard case .close(let response, let closeCode, let closeReason, _) = end.receive(message) else {
                Issue.record("not closed: \(message)")
                continue
            }
            #expect(closeCode == code && closeReason == reason, "\(message)")
            #expect(response.isEmpty != hasResponse, "\(message)")
            if hasResponse {
                let frame = object(response)
                #expect(frame["id"] as? String == "1" && canonical(frame["ok"]) == "false")
                #expect(member("code", of: frame["error"]) == "INVALID_REQUEST")
                #expect(member("message", of: frame["error"]) == reason)
            }
            #expect(end.session.deadline == .never && !end.session.isReady)
            if case .send("") = end.receive(message) {} else { Issue.record("it goes on: \(message)") }
        }
    }

    @Test("a close reason has at most 120 bytes and ends with a whole code point (1.1)")
    func closeReason() {
        for unit in ["x", "ä", "✓", "\u{1f980}"] {
            for shift in 0..<4 {
                let message = String(repeating: "y", count: shift) + String(repeating: unit, count: 130)
                let reason = text(ServerSession.closeReason(message.bytes))
                let rest = 120 - reason.utf8.count
                #expect(
                    rest >= 0 && rest < unit.utf8.count && message.hasPrefix(reason) && !reason.contains("\u{fffd}"))
            }
        }
        let longest = String(repeating: "x", count: 120)
        #expect(text(ServerSession.closeReason(longest.bytes)) == longest)
        #expect(text(ServerSession.closeReason((longest + "x").bytes)) == longest)
        #expect(ServerSession.closeReason([]).isEmpty)
        // Bytes that begin no code point end it all the same.
        #expect(ServerSession.closeReason(Array(repeating: 0x80, count: 200)).count <= 120)
    }

    @Test("what a peer sends makes no close reason longer than that")
    func closeReasonOfPeers() {
        let params = ServerEnd.params(["role": nil, String(repeating: "✓", count: 200): 1])
        guard case .close(_, 1008, let reason, _) = ServerEnd().receive(ServerEnd.connect(params)) else {
            Issue.record("not refused")
            return
        }
        #expect(reason.hasPrefix("invalid connect params: at root: unexpected property '") && reason.utf8.count <= 120)
    }

    @Test("the hello holds what the session was told, under the request's id (3.7)")
    func hello() throws {
        var settings = ServerSession.Settings()
        settings.version = "1\"2".bytes
        settings.tickMilliseconds = 1234
        settings.maxMessageBytes = 5678
        settings.maxQueuedBytes = 91_011
        let end = ServerEnd(settings)
        let frame = #"{"type":"req","id":"\u0061\"","method":"connect","params":\#(json(ServerEnd.params()))}"#
        guard case .admitted(let peer, let hello) = end.receive(frame) else {
            Issue.record("refused")
            return
        }
        #expect(text(peer.clientID) == "gateway-client" && text(peer.role) == "operator" && peer.deviceID.isEmpty)
        let response = object(hello)
        #expect(response["id"] as? String == "a\"" && canonical(response["ok"]) == "true")
        let payload: [String: Any] = try required("payload", of: response)
        #expect(member("version", of: payload["server"]) == "1\"2" && member("connId", of: payload["server"]) == "c-1")
        #expect(canonical(payload["policy"]) == #"{"maxBufferedBytes":91011,"maxPayload":5678,"tickIntervalMs":1234}"#)
        #expect(canonical(payload["auth"]) == #"{"role":"operator","scopes":["operator.read","operator.write"]}"#)
        let methods: [String] = try required("methods", of: payload["features"])
        #expect(methods == BuiltinMethods.names.map { text($0) })
        #expect(end.session.isReady && end.session.deadline == end.now.adding(milliseconds: 1234))

        settings.hasBuiltinMethods = false
        guard case .admitted(_, let bare) = ServerEnd(settings).receive(frame) else {
            Issue.record("refused")
            return
        }
        #expect(
            member("methods", of: member("features", of: object(bare)["payload"], as: [String: Any].self)) == [String]()
        )
    }

    @Test("requests after the hello keep their id, method and params as they stood")
    func requests() {
        let end = ServerEnd.ready(scopes: [])
        let frame = #"{"type":"req","id":"\u0031","method":"m\n","params":{"a" : 1}}"#
        guard case .request(id: #""\u0031""#, method: #""m\n""#, params: #"{"a" : 1}"#) = end.receive(frame) else {
            Issue.record("not handed over")
            return
        }
        guard case .request(_, _, params: nil) = end.receive(#"{"type":"req","id":"1","method":"m"}"#) else {
            Issue.record("not handed over")
            return
        }
    }

    @Test("unreadable frames after the hello are answered under their own id, else as invalid (2.2)")
    func unreadableFrames() {
        let end = ServerEnd.ready(scopes: [])
        let long = String(repeating: "a", count: Limits.requestIDBytes + 1)
        for (message, id) in [
            ("{", "invalid"), ("[]", "invalid"), (#"{"id":"7"}"#, "7"), (#"{"type":"req","id":"7","method":""}"#, "7"),
            (#"{"type":"req","id":7,"method":"m"}"#, "invalid"), (#"{"type":"req","id":"","method":"m"}"#, "invalid"),
            (#"{"type":"res","id":"\u0037","ok":true}"#, "7"), (#"{"id":"\#(long)"}"#, "invalid"),
            (#"{"type":"req","id":"\#(long)","method":"m"}"#, "invalid"),
        ] {
            guard case .send(let response) = end.receive(message) else {
                Issue.record("not answered: \(message)")
                continue
            }
            let frame = object(response)
            #expect(frame["id"] as? String == id && frame["type"] as? String == "res", "\(message)")
            #expect(canonical(frame["ok"]) == "false" && member("code", of: frame["error"]) == "INVALID_REQUEST")
        }
        #expect(end.session.isReady)
        let longest = String(repeating: "a", count: Limits.requestIDBytes)
        guard case .request = end.receive(#"{"type":"req","id":"\#(longest)","method":"m"}"#) else {
            Issue.record("an id of the limit was refused")
            return
        }
    }

    @Test("a second connect request is refused here: its credentials are not the host's to see")
    func secondConnect() {
        let end = ServerEnd.ready(scopes: [])
        for method in ["connect", "c\\u006fnnect"] {
            guard case .send(let response) = end.receive(#"{"type":"req","id":"2","method":"\#(method)","params":{}}"#)
            else {
                Issue.record("handed over")
                continue
            }
            let frame = object(response)
            #expect(frame["id"] as? String == "2" && member("code", of: frame["error"]) == "INVALID_REQUEST")
        }
        #expect(end.session.isReady)
    }

    @Test("ticks come at their interval, and no sooner (6.1)")
    func ticks() {
        let end = ServerEnd.ready(scopes: [])
        for _ in 0..<3 {
            end.advance(Limits.tickMilliseconds - 1)
            if case .none = end.session.tick(end.now) {} else { Issue.record("too early") }
            end.advance(1)
            if case .tick = end.session.tick(end.now) {} else { Issue.record("no tick") }
            if case .none = end.session.tick(end.now) {} else { Issue.record("twice") }
        }
        end.session.end()
        if case .none = end.session.tick(.never) {} else { Issue.record("after the end") }
    }

    @Test("sequence numbers start at 1 on each connection (6.4)")
    func sequences() {
        let end = ServerEnd.ready(scopes: [])
        #expect((0..<3).map { _ in end.session.nextSequence() } == [1, 2, 3])
        #expect(ServerEnd.ready(scopes: []).session.nextSequence() == 1)
    }
}
