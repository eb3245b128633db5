import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("What a refused connect request means (openclaw-gateway 5.4, 5.5)")
struct ConnectFailureTests {
    private func verdict(_ error: Any) -> ConnectFailure {
        let message = Text(json(error))
        return ConnectFailure(ErrorObject(message.scan(), in: message.bytes), in: message.bytes)
    }

    @Test("each detail code of the vectors")
    func detailCodes() throws {
        for item in try cases("byDetailCode", of: "reconnect-decisions.json") {
            let code: String = try required("code", of: item)
            let failure = verdict(["code": "INVALID_REQUEST", "message": "m", "details": ["code": code]])
            // No retry with a stored token is ever pending.
            let pauses: Bool = try required("retryPendingFalse", of: item["v2026_9_2_nodeClient"])
            let recommended: String? = member("action", of: item["recommended"])
            // Where the reference stops, so do we; beyond that only where it would loop on what cannot help.
            if pauses || recommended != "pause" { #expect(failure.stopsReconnecting == pauses, "\(code)") }
            #expect(failure.failure.isRetryable == !failure.stopsReconnecting, "\(code)")
            #expect(text(failure.failure.name) == code && failure.failure.text.contains(code), "\(code)")
            #expect(failure.startupDelayMilliseconds == nil, "\(code)")
        }
    }

    @Test("each shape of details of the vectors")
    func detailShapes() throws {
        for item in try cases("detailShapes", of: "reconnect-decisions.json") {
            let details = try #require(item["details"])
            let failure = verdict(["code": "NOT_PAIRED", "message": "m", "details": details])
            #expect(failure.stopsReconnecting == member("pause2026_7_2_and_later", of: item), "\(canonical(details))")
        }
        #expect(!verdict(["code": "NOT_PAIRED", "message": "m"]).stopsReconnecting)
    }

    @Test("the details go to the host as they came")
    func details() {
        let failure = verdict([
            "code": "NOT_PAIRED", "message": "m", "details": ["requestId": "r", "code": "PAIRING_REQUIRED"],
        ])
        #expect(canonical(json: text(failure.failure.detail)) == #"{"code":"PAIRING_REQUIRED","requestId":"r"}"#)
    }

    @Test("protocol mismatch stops, with the numbers of both sides, in the old form too (3.9, 10)")
    func protocolMismatch() {
        let details: [String: Any] = [
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": 5, "clientMaxProtocol": 6, "expectedProtocol": 4,
        ]
        let new = verdict(["code": "INVALID_REQUEST", "message": "protocol mismatch", "details": details])
        let old = verdict([
            "code": "INVALID_REQUEST", "message": "protocol mismatch", "details": ["expectedProtocol": 3],
        ])
        for failure in [new, old] {
            #expect(failure.stopsReconnecting && failure.failure.status == .protocolRange)
            #expect(text(failure.failure.name) == "PROTOCOL_MISMATCH")
        }
        #expect(new.failure.text.contains("4") && new.failure.text.contains("5 to 6"))
        #expect(old.failure.text.contains("3"))
    }

    @Test("only a start that is retryable has a delay of its own (7.1)")
    func startup() {
        let startup: [String: Any] = [
            "code": "UNAVAILABLE", "message": "m", "retryable": true, "details": ["reason": "startup-sidecars"],
        ]
        #expect(verdict(startup).startupDelayMilliseconds == 500)
        for (name, value) in [("code", "X"), ("retryable", false), ("details", ["reason": "other"])] as [(String, Any)]
        {
            var other = startup
            other[name] = value
            #expect(verdict(other).startupDelayMilliseconds == nil && !verdict(other).stopsReconnecting)
        }
    }

    @Test("a starting gateway is left with 1013, any other refusal with 1008 (1.6)")
    func closeCodes() {
        for (details, wantedCode, wantedReason) in [
            (#"{"reason":"startup-sidecars"}"#, 1013, "gateway starting"), ("{}", 1008, "connect failed"),
        ] {
            let end = ClientEnd()
            _ = end.receive(ClientEnd.challenge)
            let error = #"{"code":"UNAVAILABLE","message":"m","retryable":true,"details":\#(details)}"#
            guard case .close(let code, let reason, _) = end.answerConnect(#""ok":false,"error":\#(error)"#) else {
                Issue.record("not closed")
                continue
            }
            #expect(code == wantedCode && reason == wantedReason)
        }
    }

    @Test("a message of the gateway's cannot forge a line or a terminal sequence")
    func printable() {
        let message = "a\nb\u{1b}[2J\u{7f}✓" + String(repeating: "x", count: 1000)
        let failure = verdict(["code": "C\n", "message": message]).failure
        #expect(failure.text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f } && failure.text.utf8.count < 600)
    }
}
