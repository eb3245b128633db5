import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Gateway admission (openclaw-gateway 3.5, 3.6, 3.9, 5.3, 5.6)")
struct AdmissionTests {
    private func settings(_ change: (inout Admission.Policy) -> Void) -> ServerSession.Settings {
        var settings = ServerSession.Settings()
        change(&settings.policy)
        return settings
    }

    private func params(
        auth: [String: String]? = nil, hasDevice: Bool = false, _ changes: [String: Any?] = [:]
    ) throws -> [String: Any] {
        var params = ServerEnd.params(changes)
        if let auth { params["auth"] = auth }
        if hasDevice { params["device"] = try proof(for: params) }
        return params
    }

    private struct Refused {
        var code: String
        var message: String
        var details: [String: Any]
        var closeCode: UInt16
        var closeReason: String
        var detailCode: String { details["code"] as? String ?? "" }
    }

    private func refusal(
        _ settings: ServerSession.Settings, _ params: [String: Any], isLoopback: Bool = true
    ) -> Refused? {
        let end = ServerEnd(settings, isLoopback: isLoopback)
        guard case .close(let response, let code, let reason, let failure) = end.receive(ServerEnd.connect(params))
        else {
            return nil
        }
        let error: [String: Any] = member("error", of: object(response)) ?? [:]
        let details: [String: Any] = member("details", of: error) ?? [:]
        #expect(text(failure.name) == details["code"] as? String ?? "")
        return Refused(
            code: error["code"] as? String ?? "", message: error["message"] as? String ?? "", details: details,
            closeCode: code, closeReason: reason)
    }

    private func scopes(
        _ settings: ServerSession.Settings, _ params: [String: Any], isLoopback: Bool = true
    ) -> [String]? {
        let end = ServerEnd(settings, isLoopback: isLoopback)
        guard case .admitted(let peer, _) = end.receive(ServerEnd.connect(params)) else { return nil }
        return peer.scopes.map { text($0) }
    }

    // MARK: - Versions

    @Test(
        "version ranges, and the older ones of probes and nodes (3.9)",
        arguments: [
            (3, 4, "backend", "operator", true), (4, 4, "backend", "operator", true),
            (4, 9, "backend", "operator", true),
            (3, 3, "backend", "operator", false), (5, 5, "backend", "operator", false),
            (1, 2, "probe", "operator", false),
            (3, 3, "probe", "operator", true), (1, 3, "probe", "operator", true), (5, 6, "probe", "operator", false),
            (3, 3, "node", "node", true), (4, 5, "node", "node", true), (3, 3, "node", "operator", false),
            (5, 5, "node", "node", false), (4, 3, "backend", "operator", false), (2, 2, "node", "node", false),
        ])
    func versions(_ minimum: Int, _ maximum: Int, _ mode: String, _ role: String, _ isAdmitted: Bool) throws {
        let client = ["id": "test", "version": "1", "platform": "linux", "mode": mode]
        let refused = refusal(
            settings { _ in },
            try params(
                hasDevice: true,
                ["minProtocol": minimum, "maxProtocol": maximum, "client": client, "role": role]))
        #expect((refused == nil) == isAdmitted)
        guard let refused else { return }
        #expect(refused.closeCode == 1002 && refused.closeReason == "protocol mismatch")
        #expect(refused.code == "INVALID_REQUEST" && refused.message == "protocol mismatch")
        let wanted: [String: Any] = [
            "code": "PROTOCOL_MISMATCH", "clientMinProtocol": minimum, "clientMaxProtocol": maximum,
            "expectedProtocol": 4,
            "minimumProbeProtocol": 3,
        ]
        #expect(canonical(refused.details) == canonical(wanted))
    }

    @Test("a gateway of protocol 3 takes ranges that hold 3, and says no more than it expects 3")
    func protocol3() throws {
        let old = settings { $0.protocolVersion = 3 }
        for (minimum, maximum, isAdmitted) in [(3, 4, true), (3, 3, true), (1, 3, true), (4, 4, false), (1, 2, false)] {
            let end = ServerEnd(old)
            let step = end.receive(
                ServerEnd.connect(ServerEnd.params(["minProtocol": minimum, "maxProtocol": maximum])))
            switch step {
            case .admitted(_, let hello):
                #expect(isAdmitted)
                let payload: [String: Any] = member("payload", of: object(hello)) ?? [:]
                #expect(payload["protocol"] as? Int == 3 && payload["auth"] == nil)
                #expect(member("capabilities", of: payload["features"], as: [String].self) == nil)
            case .close(let response, 1002, "protocol mismatch", _):
                #expect(!isAdmitted)
                let error: [String: Any] = member("error", of: object(response)) ?? [:]
                #expect(canonical(error["details"]) == #"{"expectedProtocol":3}"#)
            default:
                Issue.record("unexpected action")
            }
        }
    }

    // MARK: - The order of checks

    @Test("the first check that fails decides (3.6)")
    func order() throws {
        let strict = settings {
            $0.token = secret("right")
            $0.requiresDevice = true
        }
        var all = try params(auth: ["token": "wrong"], hasDevice: true)
        var device: [String: Any] = try required("device", of: all)
        device["nonce"] = "other"
        all["device"] = device
        all["role"] = "worker"
        all["minProtocol"] = 9
        all["maxProtocol"] = 9
        #expect(refusal(strict, all)?.closeReason == "protocol mismatch")
        all["maxProtocol"] = 4
        all["minProtocol"] = 4
        #expect(refusal(strict, all)?.closeReason == "invalid role")
        #expect(refusal(strict, all)?.details.isEmpty == true)
        all["role"] = "operator"
        #expect(refusal(strict, all)?.closeReason == "device nonce mismatch")
        all = try params(auth: ["token": "wrong"], hasDevice: true)
        #expect(refusal(strict, all)?.detailCode == "AUTH_TOKEN_MISMATCH")
        all = try params(auth: ["token": "right"], hasDevice: true)
        #expect(refusal(strict, all) == nil)
    }

    @Test("without a device block: a wrong credential is told first, then that a device is needed (3.6, 10)")
    func noDevice() throws {
        let token = settings { $0.token = secret("right") }
        let strict = settings {
            $0.token = secret("right")
            $0.requiresDevice = true
        }
        #expect(refusal(token, try params(auth: ["token": "right"])) == nil)
        #expect(refusal(settings { _ in }, try params()) == nil)
        for settings in [token, strict] {
            let wrong = refusal(settings, try params(auth: ["token": "wrong"]))
            #expect(wrong?.detailCode == "AUTH_TOKEN_MISMATCH")
            for auth in [nil, [:], ["token": ""], ["deviceToken": "x"]] as [[String: String]?] {
                let missing = refusal(settings, try params(auth: auth))
                #expect(missing?.code == "NOT_PAIRED" && missing?.closeReason == "device identity required")
                #expect(missing.map { canonical($0.details) } == #"{"code":"DEVICE_IDENTITY_REQUIRED"}"#)
            }
        }
        #expect(refusal(strict, try params(auth: ["token": "right"]))?.code == "NOT_PAIRED")
        #expect(refusal(settings { $0.requiresDevice = true }, try params())?.code == "NOT_PAIRED")

        let node = ["id": "node-host", "version": "1", "platform": "linux", "mode": "node"]
        for auth in ["right", "wrong"] {
            let refused = refusal(token, try params(auth: ["token": auth], ["role": "node", "client": node]))
            #expect(refused?.detailCode == "DEVICE_IDENTITY_REQUIRED", "nodes always need one")
        }
        let controlUI = ["id": "openclaw-control-ui", "version": "1", "platform": "web", "mode": "webchat"]
        let refused = refusal(strict, try params(["client": controlUI]))
        #expect(refused?.code == "INVALID_REQUEST" && refused?.detailCode == "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")
    }

    // MARK: - Credentials

    @Test("refused credentials: texts, codes and the way on (5.3, 5.4, 5.6)")
    func credentials() throws {
        let token = settings { $0.token = secret("right") }
        let password = settings { $0.password = secret("right") }
        let device = "unauthorized: device token mismatch (rotate/reissue device token)"
        for (settings, auth, message, reason, canRetry) in [
            (token, [:], "unauthorized: gateway token missing (provide gateway auth token)", "token_missing", false),
            (
                token, ["token": "wrong"], "unauthorized: gateway token mismatch (provide gateway auth token)",
                "token_mismatch", true
            ),
            (
                token, ["token": "wrong", "password": "x"],
                "unauthorized: gateway token mismatch (provide gateway auth token)", "token_mismatch", false
            ),
            (token, ["deviceToken": "stale"], device, "device_token_mismatch", false),
            (token, ["token": "wrong", "deviceToken": "stale"], device, "device_token_mismatch", false),
            (
                password, [:], "unauthorized: gateway password missing (provide gateway auth password)",
                "password_missing", false
            ),
            (
                password, ["token": "right"], "unauthorized: gateway password missing (provide gateway auth password)",
                "password_missing", false
            ),
            (
                password, ["password": "wrong"],
                "unauthorized: gateway password mismatch (provide gateway auth password)",
                "password_mismatch", false
            ),
        ] as [(ServerSession.Settings, [String: String], String, String, Bool)] {
            let refused = try #require(refusal(settings, try params(auth: auth, hasDevice: true)), "\(auth)")
            #expect(refused.code == "INVALID_REQUEST" && refused.closeCode == 1008, "\(auth)")
            #expect(refused.message == message && refused.closeReason == message, "\(auth)")
            #expect(refused.details["authReason"] as? String == reason, "\(auth)")
            #expect(canonical(refused.details["canRetryWithDeviceToken"]) == "\(canRetry)", "\(auth)")

            let row = try #require(
                try cases("gatewayReasonTable", of: "reconnect-decisions.json").first {
                    member("reason", of: $0) == reason
                })
            let steps: String = try required("nextStep", of: row)
            let step = canRetry ? "retry_with_device_token" : String(steps.prefix { $0 != " " })
            #expect(refused.detailCode == member("detailCode", of: row), "\(auth)")
            #expect(refused.details["recommendedNextStep"] as? String == step, "\(auth)")
            #expect(steps.contains(step))
        }
    }

    @Test("an invalid bootstrap token is named as such")
    func bootstrapToken() throws {
        let token = settings { $0.token = secret("right") }
        let refused = refusal(token, try params(auth: ["bootstrapToken": "old"], hasDevice: true))
        #expect(refused?.detailCode == "AUTH_BOOTSTRAP_TOKEN_INVALID")
        #expect(refused?.message.hasPrefix("unauthorized: bootstrap token invalid or expired (") == true)
        #expect(refused?.details["recommendedNextStep"] as? String == "review_auth_configuration")
    }

    @Test("a right token passes beside other credentials")
    func rightToken() throws {
        let token = settings { $0.token = secret("right") }
        for auth in [["token": "right"], ["token": "right", "password": "x"], ["token": "right", "deviceToken": "x"]] {
            #expect(refusal(token, try params(auth: auth, hasDevice: true)) == nil)
        }
    }

    @Test("no refusal shows a credential of either side")
    func noSecrets() throws {
        let both = settings {
            $0.token = secret("SECRET-ours")
            $0.password = secret("SECRET-too")
        }
        for auth in [
            ["token": "SECRET-x"], ["password": "SECRET-x"], ["deviceToken": "SECRET-x"],
            ["bootstrapToken": "SECRET-x"],
        ] {
            let end = ServerEnd(both)
            let frame = ServerEnd.connect(try params(auth: auth, hasDevice: true))
            guard case .close(let response, _, let reason, let failure) = end.receive(frame) else {
                Issue.record("admitted")
                continue
            }
            let shown = response + reason + failure.text + text(failure.detail)
            #expect(!shown.contains("SECRET"))
        }
    }

    // MARK: - Device proofs

    @Test("texts of refused proofs (4.4)")
    func deviceProofs() throws {
        let good = try params(hasDevice: true)
        for (name, value, reason) in [
            ("id", "x", "device identity mismatch"), ("publicKey", "x", "device identity mismatch"),
            ("signedAt", Int(ServerEnd.wall) - 120_001, "device signature expired"),
            ("signedAt", Int64.max, "device signature expired"), ("signedAt", 0, "device signature expired"),
            ("nonce", " \u{a0}\t", "device nonce required"), ("nonce", "x", "device nonce mismatch"),
            ("signature", "x", "device signature invalid"),
            ("signedAt", Int(ServerEnd.wall) - 1, "device signature invalid"),
        ] as [(String, Any, String)] {
            var params = good
            var device: [String: Any] = try required("device", of: good)
            device[name] = value
            params["device"] = device
            let refused = refusal(settings { _ in }, params)
            #expect(refused?.closeReason == reason && refused?.closeCode == 1008, "\(name)")
            #expect(refused?.message == reason && refused?.code == "INVALID_REQUEST", "\(name)")
        }
    }

    // MARK: - Scopes

    @Test("without a device, scopes are kept by the host's own programs on loopback alone (3.5)")
    func scopesWithoutDevice() throws {
        let none = settings { _ in }
        let token = settings { $0.token = secret("right") }
        for (id, mode, whenNone, whenToken) in [
            ("gateway-client", "backend", true, true), ("cli", "cli", false, true), ("cli", "backend", false, false),
            ("gateway-client", "cli", false, false), ("test", "test", false, false),
            ("webchat", "webchat", false, false),
        ] {
            let client = ["id": id, "version": "1", "platform": "linux", "mode": mode]
            for (settings, auth, isKept) in [(none, nil, whenNone), (token, ["token": "right"], whenToken)] {
                let wanted = isKept ? ["operator.read", "operator.write"] : []
                let params = try params(auth: auth, ["client": client])
                #expect(scopes(settings, params) == wanted, "\(id) \(mode)")
                #expect(scopes(settings, params, isLoopback: false) == [], "\(id) \(mode)")
            }
        }
    }

    @Test("gateways of protocol 3 clear the scopes of every device-less peer that shows a credential (3.5)")
    func scopesWithoutDeviceOfOld() throws {
        let none = settings { $0.protocolVersion = 3 }
        let token = settings {
            $0.protocolVersion = 3
            $0.token = secret("right")
        }
        #expect(scopes(none, try params(), isLoopback: false) == ["operator.read", "operator.write"])
        #expect(scopes(token, try params(auth: ["token": "right"])) == [])
    }

    @Test("with a device the known scopes are granted, to operators alone (3.5)")
    func scopesWithDevice() throws {
        let asked = ["operator.write", "operator.fly", "operator.admin", "operator"]
        let granted = scopes(settings { _ in }, try params(hasDevice: true, ["scopes": asked]), isLoopback: false)
        #expect(granted == ["operator.write", "operator.admin"])
        let node = ["id": "node-host", "version": "1", "platform": "linux", "mode": "node"]
        let nodeParams = try params(hasDevice: true, ["scopes": asked, "role": "node", "client": node])
        #expect(scopes(settings { _ in }, nodeParams) == [])
    }
}
