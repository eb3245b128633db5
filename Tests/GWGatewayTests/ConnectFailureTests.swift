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
            func next(_ repeats: Int, canShowStored: Bool = false) -> Recovery {
                var details: [String: Any] = ["code": code]
                if canShowStored { details["canRetryWithDeviceToken"] = true }
                return verdict(["code": "INVALID_REQUEST", "message": "m", "details": details])
                    .recovery(repeats: repeats, canShowStored: canShowStored, slowMilliseconds: 30_000)
            }
            let usual = Recovery.retry(floorMilliseconds: 0)
            let wanted: [Recovery]
            switch try required("action", of: item["recommended"], as: String.self) {
            case "pause": wanted = [.pause, .pause]
            case "retry": wanted = [usual, usual, usual, usual]
            case "retry-slow": wanted = [.retry(floorMilliseconds: 30_000)]
            case "retry-once": wanted = [usual, .pause]
            case "pause-after-3": wanted = [usual, usual, .pause]
            case let other: throw Failure(.argument, .none, "an unknown action: \(other)")
            }
            for (index, wanted) in wanted.enumerated() { #expect(next(index + 1) == wanted, "\(code)") }

            // Where the reference stops although it could show the stored token, so do we.
            let pauses: Bool = try required("retryPendingTrue", of: item["v2026_9_2_nodeClient"])
            #expect(next(1, canShowStored: true) == (pauses ? .pause : .retryWithStoredToken), "\(code)")
            let failure = verdict(["code": "INVALID_REQUEST", "message": "m", "details": ["code": code]])
            #expect(failure.failure.isRetryable == !failure.stopsReconnecting, "\(code)")
            #expect(text(failure.failure.name) == code && failure.failure.text.contains(code), "\(code)")
        }
    }

    @Test("a gateway that limits the rate is asked again only where it says when (5.4)")
    func rateLimited() {
        var error: [String: Any] = [
            "code": "INVALID_REQUEST", "message": "m", "details": ["code": "AUTH_RATE_LIMITED"],
        ]
        #expect(verdict(error).recovery(repeats: 1, canShowStored: true, slowMilliseconds: 1) == .pause)
        error["retryAfterMs"] = 7000
        let recovery = verdict(error).recovery(repeats: 1, canShowStored: true, slowMilliseconds: 1)
        #expect(recovery == .retry(floorMilliseconds: 7000))
    }

    @Test("the id of a pairing request is shown if it has the form of one (5.5)")
    func requestID() {
        func shown(_ id: Any) -> ConnectFailure {
            verdict([
                "code": "NOT_PAIRED", "message": "m", "details": ["requestId": id, "code": "PAIRING_REQUIRED"],
            ])
        }
        let good = ["a", "7f.x_y:z-1", String(repeating: "x", count: 128)]
        for id in good {
            #expect(text(shown(id).details?.requestID ?? []) == id && shown(id).failure.text.contains(id))
        }
        for id in ["", "-a", "a b", "a\n", "\u{e9}", String(repeating: "x", count: 129), 7] as [Any] {
            #expect(shown(id).details?.requestID.isEmpty == true, "\(id)")
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
        #expect(startupDelay(verdict(startup)) == 500)
        for (name, value) in [("code", "X"), ("retryable", false), ("details", ["reason": "other"])] as [(String, Any)]
        {
            var other = startup
            other[name] = value
            #expect(startupDelay(verdict(other)) == nil && !verdict(other).stopsReconnecting)
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
