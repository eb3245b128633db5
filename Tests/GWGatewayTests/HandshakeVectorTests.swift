import Foundation
import GWBase
import GWGateway
import GWJSON
import GWTLS
import Testing

/// The exchanges and failures of handshake.json: the client's half and the gateway's half each against the vector.
@Suite("Connect handshake (openclaw-gateway 3, 5)")
struct HandshakeVectorTests {
    /// What `ConnectParameters` can say; requests with more are another generation's.
    private static let paramNames: Set<String> = [
        "minProtocol", "maxProtocol", "client", "caps", "auth", "role", "scopes", "device", "locale", "userAgent",
    ]
    private static let clientNames: Set<String> = [
        "id", "displayName", "version", "platform", "deviceFamily", "mode", "instanceId",
    ]
    private static let authNames: Set<String> = ["token", "password"]

    private func parameters(_ params: [String: Any]) -> (ConnectParameters, Credentials)? {
        let client: [String: Any] = member("client", of: params) ?? [:]
        let auth: [String: Any] = member("auth", of: params) ?? [:]
        guard Self.paramNames.isSuperset(of: params.keys), Self.clientNames.isSuperset(of: client.keys),
            Self.authNames.isSuperset(of: auth.keys)
        else { return nil }
        func field(_ name: String, _ object: [String: Any]) -> [UInt8] { (object[name] as? String ?? "").bytes }
        func list(_ name: String) -> [[UInt8]] { (params[name] as? [String] ?? []).map(\.bytes) }
        var connect = ConnectParameters()
        connect.minProtocol = member("minProtocol", of: params) ?? 0
        connect.maxProtocol = member("maxProtocol", of: params) ?? 0
        connect.clientID = field("id", client)
        connect.clientMode = field("mode", client)
        connect.clientVersion = field("version", client)
        connect.platform = field("platform", client)
        connect.displayName = field("displayName", client)
        connect.deviceFamily = field("deviceFamily", client)
        connect.instanceID = field("instanceId", client)
        connect.caps = list("caps")
        connect.scopes = list("scopes")
        connect.role = field("role", params)
        connect.locale = field("locale", params)
        connect.userAgent = field("userAgent", params)
        let credentials = Credentials(token: field("token", auth), password: field("password", auth))
        return (connect, credentials)
    }

    @Test("each exchange: the client's request is the vector's, signature and all, and its answer makes it ready")
    func exchanges() throws {
        let signers = Array(try identities().values)
        for item in try cases("exchanges", of: "handshake.json") {
            let name: String = try required("name", of: item)
            let steps: [[String: Any]] = try required("steps", of: item)
            let frames: [[String: Any]] = try steps.map { try required("frame", of: $0) }
            let request = try #require(frames.first { member("method", of: $0) == "connect" }, "\(name)")
            let params: [String: Any] = try required("params", of: request)
            guard let (connect, credentials) = parameters(params) else { continue }
            let deviceID: String? = member("id", of: params["device"])
            let signer = signers.first { text($0.deviceID) == deviceID }
            #expect((signer == nil) == (deviceID == nil), "\(name)")

            var settings = ClientSession.Settings()
            settings.connect = connect
            let end = ClientEnd(settings, credentials: credentials, signer: signer)
            for (step, frame) in zip(steps, frames) where member("from", of: step) == "gateway" {
                var frame = frame
                if frame["id"] != nil { frame["id"] = end.connectID }
                switch end.receive(json(frame)) {
                case .send(let sent):
                    // The id is the client's own choice.
                    var wanted = request
                    wanted["id"] = end.connectID
                    #expect(canonical(json: sent) == canonical(wanted), "\(name)")
                case .connected(let hello, let warning):
                    try check(hello, warning, frame, item, name)
                default:
                    Issue.record("unexpected action: \(name)")
                }
            }
            #expect(end.session.isReady, "\(name)")
        }
    }

    private func check(
        _ hello: Hello, _ warning: Failure?, _ frame: [String: Any], _ item: [String: Any], _ name: String
    ) throws {
        let payload: [String: Any] = try required("payload", of: frame)
        let effects: [String: Any] = try required("clientEffects", of: item)
        #expect(hello.protocolVersion == member("protocol", of: payload), "\(name)")
        #expect(text(hello.connectionID) == member("connId", of: payload["server"]), "\(name)")
        #expect(text(hello.serverVersion) == member("version", of: payload["server"]), "\(name)")
        #expect(hello.tickMilliseconds == member("tickIntervalMs", of: effects), "\(name)")
        #expect(hello.scopes.map { $0.map { text($0) } } == member("scopes", of: payload["auth"]), "\(name)")
        #expect(warning == nil, "\(name)")
        if let token: String = member("deviceToken", of: payload["auth"]) {
            #expect(!text(hello.redacted).contains(token), "\(name)")
        }
        var reconnect = Reconnect(
            initialMilliseconds: Limits.reconnectInitialMilliseconds,
            maximumMilliseconds: Limits.reconnectMaximumMilliseconds)
        for _ in 0..<3 { _ = reconnect.failed(floor: 0) { $0 } }
        reconnect.succeeded()
        #expect(reconnect.failed(floor: 0) { $0 } == member("backoffResetTo", of: effects), "\(name)")
    }

    @Test("each exchange: our gateway admits the vector's request")
    func admissions() throws {
        for item in try cases("exchanges", of: "handshake.json") {
            let name: String = try required("name", of: item)
            let steps: [[String: Any]] = try required("steps", of: item)
            let frames: [[String: Any]] = try steps.map { try required("frame", of: $0) }
            let hello = try #require(frames.first { member("type", of: $0["payload"]) == "hello-ok" }, "\(name)")
            var settings = ServerSession.Settings()
            settings.policy.protocolVersion = try required("protocol", of: hello["payload"])
            settings.policy.token = secret("shared-secret-token")
            settings.policy.requiresDevice = true
            let end = ServerEnd(settings)
            for (step, frame) in zip(steps, frames) where member("from", of: step) == "client" {
                guard case .admitted(let peer, let answer) = end.receive(json(frame)) else {
                    Issue.record("refused: \(name)")
                    continue
                }
                let params: [String: Any] = try required("params", of: frame)
                #expect(peer.scopes.map { text($0) } == member("scopes", of: params), "\(name)")
                let ours = object(answer)
                #expect(canonical(ours["id"]) == canonical(frame["id"]), "\(name)")
                // The same members as the vector's hello, but for tokens, which we issue none of.
                #expect(shape(ours["payload"]) == shape(hello["payload"]), "\(name)")
            }
        }
    }

    /// The names of all members, without what only a paired device is given.
    private func shape(_ value: Any?) -> String {
        guard let value = value as? [String: Any] else { return value is [Any] ? "[]" : "." }
        let members = value.filter { $0.key != "deviceToken" && $0.key != "issuedAtMs" }
        return "{" + members.keys.sorted().map { $0 + shape(members[$0]) }.joined(separator: ",") + "}"
    }

    @Test("each failure: what the client does")
    func clientFailures() throws {
        for item in try cases("failures", of: "handshake.json") {
            let name: String = try required("name", of: item)
            if let wanted = item["clientCloses"] {
                let end = ClientEnd()
                var step = ClientEnd.Step.none
                if let challenge: [String: Any] = member("challenge", of: item) {
                    step = end.receive(json(challenge))
                } else {
                    end.advance(Limits.challengeMilliseconds)
                    if case .close(let code, let reason, let failure) = end.tick() {
                        step = .close(code, text(reason), failure)
                    }
                }
                guard case .close(let code, let reason, _) = step else {
                    Issue.record("the client goes on: \(name)")
                    continue
                }
                #expect(code == member("code", of: wanted) && reason == member("reason", of: wanted), "\(name)")
            } else if var response: [String: Any] = member("response", of: item["gateway"]) {
                let end = ClientEnd()
                _ = end.receive(ClientEnd.challenge)
                response["id"] = end.connectID
                guard case .close(_, let reason, let verdict) = end.receive(json(response)) else {
                    Issue.record("the client goes on: \(name)")
                    continue
                }
                let error: [String: Any] = try required("error", of: response)
                let code: String = try #require(member("code", of: error["details"]) ?? member("code", of: error))
                #expect(text(verdict.failure.name) == code, "\(name)")
                #expect(verdict.failure.text.contains(try required("message", of: error, as: String.self)))
                #expect(verdict.failure.isRetryable == !verdict.stopsReconnecting, "\(name)")
                let delay: UInt32? = member("nextDelayMs", of: item["clientEffects"])
                #expect(startupDelay(verdict) == delay, "\(name)")
                #expect(reason == (delay == nil ? "connect failed" : "gateway starting"), "\(name)")
                #expect(!end.session.isReady && end.session.deadline == .never, "\(name)")
            }
        }
    }

    @Test("each failure that our gateway can show: its response and its close")
    func gatewayFailures() throws {
        for item in try cases("failures", of: "handshake.json") {
            let name: String = try required("name", of: item)
            if let wanted = item["gatewayCloses"] {
                let end = ServerEnd()
                let after: UInt32 = try required("afterMs", of: wanted)
                end.advance(after - 1)
                guard case .none = end.session.tick(end.now) else {
                    Issue.record("too early: \(name)")
                    continue
                }
                end.advance(1)
                guard case .close(let code, let reason, _) = end.session.tick(end.now) else {
                    Issue.record("not closed: \(name)")
                    continue
                }
                #expect(code == member("code", of: wanted) && text(reason) == member("reason", of: wanted), "\(name)")
            }
            guard let wanted: [String: Any] = member("gateway", of: item),
                let scene = try scene(leadingTo: item, wanted)
            else { continue }
            guard case .close(let response, let code, let reason, _) = scene.end.receive(scene.frame) else {
                Issue.record("not refused: \(name)")
                continue
            }
            #expect(canonical(json: response) == canonical(wanted["response"]), "\(name)")
            #expect(code == member("code", of: wanted["close"]), "\(name)")
            #expect(reason == member("reason", of: wanted["close"]), "\(name)")
        }
    }

    /// A gateway and the frame that it refuses in the way of a vector; nil for what it never answers.
    private func scene(
        leadingTo item: [String: Any], _ wanted: [String: Any]
    ) throws -> (end: ServerEnd, frame: String)? {
        if let frame = item["clientFrame"] { return (ServerEnd(), json(frame)) }
        let details: [String: Any]? = member(
            "details", of: member("error", of: wanted["response"], as: [String: Any].self))
        var settings = ServerSession.Settings()
        var params = ServerEnd.params()
        switch member("code", of: details, as: String.self) {
        case "PROTOCOL_MISMATCH":
            settings.policy.protocolVersion = try required("expectedProtocol", of: details)
            params["minProtocol"] = details?["clientMinProtocol"]
            params["maxProtocol"] = details?["clientMaxProtocol"]
        case "AUTH_TOKEN_MISMATCH":
            settings.policy.token = secret("right")
            let hasDevice = member("canRetryWithDeviceToken", of: details) == true
            params = try signed(["token": "wrong"], hasDevice: hasDevice)
        case "AUTH_DEVICE_TOKEN_MISMATCH":
            settings.policy.token = secret("right")
            params = try signed(["deviceToken": "stale"], hasDevice: true)
        case "DEVICE_IDENTITY_REQUIRED":
            settings.policy.requiresDevice = true
        default:
            return nil
        }
        return (ServerEnd(settings), ServerEnd.connect(params))
    }

    private func signed(_ auth: [String: String], hasDevice: Bool) throws -> [String: Any] {
        var params = ServerEnd.params(["auth": auth])
        if hasDevice { params["device"] = try proof(for: params) }
        return params
    }
}

/// A device block that proves these params to a gateway of `ServerEnd`.
func proof(
    for params: [String: Any], by signer: TestSigner = TestSigner(seed: Array(0..<32)), nonce: String = ClientEnd.nonce,
    signedAt: UInt64 = ServerEnd.wall
) throws -> [String: Any] {
    let client: [String: Any] = try required("client", of: params)
    let auth: [String: String] = member("auth", of: params) ?? [:]
    func field(_ name: String) -> [UInt8] { (client[name] as? String ?? "").bytes }
    let proof = DeviceAuth(
        deviceID: signer.deviceID, clientID: field("id"), clientMode: field("mode"),
        role: (params["role"] as? String ?? "operator").bytes,
        scopes: (params["scopes"] as? [String] ?? []).map(\.bytes), signedAtMilliseconds: signedAt,
        token: (auth["token"] ?? auth["deviceToken"] ?? auth["bootstrapToken"] ?? "").bytes, nonce: nonce.bytes,
        platform: field("platform"), deviceFamily: field("deviceFamily"))
    return [
        "id": text(signer.deviceID), "publicKey": text(signer.publicKeyText),
        "signature": text(signer.sign(proof.payload(.v3)) ?? []), "signedAt": signedAt, "nonce": nonce,
    ]
}
