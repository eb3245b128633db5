import GWBase

/// The gateway's decision on a connect request: the checks in the order in which gateways make them, with their texts.
public struct Admission {
    public struct Policy {
        public var protocolVersion: UInt32 = 4
        /// nil: not asked for.
        public var token: Secret?
        public var password: Secret?
        public var requiresDevice = false
        public init() {}
        public var asksForCredential: Bool { token != nil || password != nil }
    }

    /// How far a signature time may be off, either way.
    static let signatureSkewMilliseconds: UInt64 = 120_000

    public struct Refusal {
        public var rejection: Rejection
        public var closeCode: UInt16
        public var closeReason: [UInt8]
        public var detailCode: [UInt8]
    }

    public enum Verdict {
        /// The scopes that the connection has.
        case admitted(scopes: [[UInt8]])
        case refused(Refusal)
    }

    private let policy: Policy
    private let verifier: any ProofVerifier

    public init(policy: Policy, verifier: any ProofVerifier) {
        self.policy = policy
        self.verifier = verifier
    }

    public func decide(
        _ request: ConnectRequest, nonce: [UInt8], isLoopback: Bool, wallMilliseconds: UInt64
    ) -> Verdict {
        if let refusal = checkProtocol(request) { return .refused(refusal) }
        guard isEqual("operator", request.role) || isEqual("node", request.role) else {
            return .refused(Admission.refuse("INVALID_REQUEST", "invalid role", detail: ""))
        }
        guard let device = request.device else { return decideWithoutDevice(request, isLoopback) }
        if let refusal = checkDevice(device, request, nonce, wallMilliseconds) { return .refused(refusal) }
        let credential = judgeCredential(request)
        guard credential == .accepted else { return .refused(unauthorized(credential, request)) }
        return .admitted(scopes: isEqual("operator", request.role) ? knownScopes(request) : [])
    }

    /// Operators pass on a shared credential alone.  A wrong one is told as such; without any, only a device could prove
    /// who is there.
    private func decideWithoutDevice(_ request: ConnectRequest, _ isLoopback: Bool) -> Verdict {
        let deviceRequired = "device identity required"
        guard isEqual("operator", request.role) else {
            return .refused(Admission.refuse("NOT_PAIRED", deviceRequired, detail: "DEVICE_IDENTITY_REQUIRED"))
        }
        let credential = judgeCredential(request)
        if credential == .wrong { return .refused(unauthorized(credential, request)) }
        if credential == .accepted, !policy.requiresDevice {
            return .admitted(scopes: keepsScopesWithoutDevice(request, isLoopback) ? knownScopes(request) : [])
        }
        return .refused(
            isEqual("openclaw-control-ui", request.clientID)
                ? Admission.refuse("INVALID_REQUEST", deviceRequired, detail: "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")
                : Admission.refuse("NOT_PAIRED", deviceRequired, detail: "DEVICE_IDENTITY_REQUIRED"))
    }

    private func checkProtocol(_ request: ConnectRequest) -> Refusal? {
        let version = UInt64(policy.protocolVersion)
        if request.maxProtocol >= version && request.minProtocol <= version { return nil }
        let isProbe = isEqual("probe", request.clientMode)
        if isProbe && request.maxProtocol >= 3 && request.minProtocol <= version { return nil }
        let isNode = isEqual("node", request.clientMode) && isEqual("node", request.role)
        if isNode && request.maxProtocol >= 3 && request.minProtocol <= 3 { return nil }
        let details =
            version < 4
            ? "{\"expectedProtocol\":\(version)}"
            : "{\"code\":\"PROTOCOL_MISMATCH\",\"clientMinProtocol\":\(request.minProtocol),"
                + "\"clientMaxProtocol\":\(request.maxProtocol),\"expectedProtocol\":\(version),\"minimumProbeProtocol\":3}"
        return Refusal(
            rejection: Rejection("INVALID_REQUEST", "protocol mismatch", details: details), closeCode: 1002,
            closeReason: "protocol mismatch".bytes, detailCode: "PROTOCOL_MISMATCH".bytes)
    }

    /// What the shared credential of a request is worth; `accepted` too where none is asked for.
    private enum Credential {
        case accepted
        case missing
        case wrong
    }

    private func judgeCredential(_ request: ConnectRequest) -> Credential {
        guard policy.asksForCredential else { return .accepted }
        if let token = request.token, !token.isEmpty, let wanted = policy.token {
            return verifier.isEqual(token, wanted) ? .accepted : .wrong
        }
        if let password = request.password, !password.isEmpty, let wanted = policy.password {
            return verifier.isEqual(password, wanted) ? .accepted : .wrong
        }
        return .missing
    }

    /// The refusal of a shared credential; with a device, of the token that was shown in its stead, as none was issued here.
    private func unauthorized(_ credential: Credential, _ request: ConnectRequest) -> Refusal {
        func has(_ secret: [UInt8]?) -> Bool { secret.map { !$0.isEmpty } ?? false }
        if request.device != nil, has(request.deviceToken) {
            return Admission.unauthorized(
                "device token mismatch (rotate/reissue device token)", "AUTH_DEVICE_TOKEN_MISMATCH",
                reason: "device_token_mismatch", nextStep: "update_auth_credentials")
        }
        if request.device != nil, credential == .missing, has(request.bootstrapToken) {
            return Admission.unauthorized(
                "bootstrap token invalid or expired (ask for a new one)", "AUTH_BOOTSTRAP_TOKEN_INVALID",
                reason: "bootstrap_token_invalid", nextStep: "review_auth_configuration")
        }
        let isToken = policy.token != nil && (credential == .missing || has(request.token))
        let (kind, code) = isToken ? ("token", "AUTH_TOKEN") : ("password", "AUTH_PASSWORD")
        guard credential == .wrong else {
            return Admission.unauthorized(
                "gateway \(kind) missing (provide gateway auth \(kind))", "\(code)_MISSING", reason: "\(kind)_missing",
                nextStep: "update_auth_configuration")
        }
        // The device may hold a token of its own from an earlier time, which could still be good.
        let canRetry = isToken && request.device != nil && !has(request.password)
        return Admission.unauthorized(
            "gateway \(kind) mismatch (provide gateway auth \(kind))", "\(code)_MISMATCH", reason: "\(kind)_mismatch",
            nextStep: canRetry ? "retry_with_device_token" : "update_auth_credentials", canRetry: canRetry)
    }

    private func checkDevice(
        _ device: ConnectRequest.Device, _ request: ConnectRequest, _ nonce: [UInt8], _ wallMilliseconds: UInt64
    ) -> Refusal? {
        // A key that cannot be read has no id that could match, so this check covers it too.
        guard let key = verifier.publicKey(device.publicKey), verifier.deviceID(key).elementsEqual(device.id) else {
            return Admission.badDevice(
                "device identity mismatch", "device-id-mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH")
        }
        let signedAt = device.signedAtMilliseconds
        let skew = signedAt > wallMilliseconds ? signedAt - wallMilliseconds : wallMilliseconds - signedAt
        guard skew <= Admission.signatureSkewMilliseconds else {
            return Admission.badDevice(
                "device signature expired", "device-signature-stale", "DEVICE_AUTH_SIGNATURE_EXPIRED")
        }
        let sentNonce = DeviceAuth.trimmed(device.nonce)
        guard !sentNonce.isEmpty else {
            return Admission.badDevice("device nonce required", "device-nonce-missing", "DEVICE_AUTH_NONCE_REQUIRED")
        }
        guard sentNonce.elementsEqual(nonce) else {
            return Admission.badDevice("device nonce mismatch", "device-nonce-mismatch", "DEVICE_AUTH_NONCE_MISMATCH")
        }
        guard Admission.signedVersion(request, device, sentNonce, key, verifier) != nil else {
            return Admission.badDevice("device signature invalid", "device-signature", "DEVICE_AUTH_SIGNATURE_INVALID")
        }
        return nil
    }

    /// Which form of the payload the signature covers: v3, else the older v2; nil if neither.
    public static func signedVersion(
        _ request: ConnectRequest, _ device: ConnectRequest.Device, _ nonce: [UInt8], _ key: [UInt8],
        _ verifier: any ProofVerifier
    ) -> DeviceAuth.Version? {
        let proof = DeviceAuth(
            deviceID: device.id, clientID: request.clientID, clientMode: request.clientMode, role: request.role,
            scopes: request.scopes, signedAtMilliseconds: device.signedAtMilliseconds, token: request.signedToken,
            nonce: nonce, platform: request.platform, deviceFamily: request.deviceFamily)
        if verifier.isSignature(device.signature, over: proof.payload(.v3), by: key) { return .v3 }
        if verifier.isSignature(device.signature, over: proof.payload(.v2), by: key) { return .v2 }
        return nil
    }

    /// Without a device, scopes are left to the host's own programs on loopback alone.
    private func keepsScopesWithoutDevice(_ request: ConnectRequest, _ isLoopback: Bool) -> Bool {
        // Gateways of protocol 3 know no programs of their own: whoever had to show a credential loses its scopes.
        if policy.protocolVersion < 4 { return !policy.asksForCredential }
        guard isLoopback else { return false }
        if isEqual("gateway-client", request.clientID), isEqual("backend", request.clientMode) { return true }
        return policy.asksForCredential && isEqual("cli", request.clientID) && isEqual("cli", request.clientMode)
    }

    /// The scopes asked for that exist; unknown ones are dropped.
    private func knownScopes(_ request: ConnectRequest) -> [[UInt8]] { request.scopes.filter(Scope.isKnown) }

    private static func refuse(_ code: String, _ message: String, detail: String) -> Refusal {
        Refusal(
            rejection: Rejection(code, message, details: detail.utf8.isEmpty ? "" : "{\"code\":\"\(detail)\"}"),
            closeCode: 1008, closeReason: message.bytes, detailCode: detail.bytes)
    }

    private static func badDevice(_ message: String, _ reason: String, _ code: String) -> Refusal {
        Refusal(
            rejection: Rejection(
                "INVALID_REQUEST", message, details: "{\"code\":\"\(code)\",\"reason\":\"\(reason)\"}"),
            closeCode: 1008, closeReason: message.bytes, detailCode: code.bytes)
    }

    private static func unauthorized(
        _ what: String, _ code: String, reason: String, nextStep: String, canRetry: Bool = false
    ) -> Refusal {
        let message = "unauthorized: \(what)"
        let details =
            "{\"code\":\"\(code)\",\"authReason\":\"\(reason)\",\"canRetryWithDeviceToken\":\(canRetry),"
            + "\"recommendedNextStep\":\"\(nextStep)\"}"
        return Refusal(
            rejection: Rejection("INVALID_REQUEST", message, details: details), closeCode: 1008,
            closeReason: message.bytes, detailCode: code.bytes)
    }
}
