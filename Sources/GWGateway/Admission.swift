import GWBase

/// The gateway's decision on a connect request: the checks in the order in which gateways make them, with their texts.
public struct Admission {
    public struct Policy {
        public var protocolVersion: UInt32 = 4
        /// Empty: not asked for.
        public var token: [UInt8] = []
        public var password: [UInt8] = []
        public var requiresDevice = false
        public init() {}
        public var asksForCredential: Bool { !token.isEmpty || !password.isEmpty }
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
        let credential = checkCredential(request)
        guard let device = request.device else {
            if let credential { return .refused(credential) }
            guard !policy.requiresDevice, isEqual("operator", request.role) else {
                return .refused(
                    Admission.refuse("NOT_PAIRED", "device identity required", detail: "DEVICE_IDENTITY_REQUIRED"))
            }
            return .admitted(scopes: keepsScopesWithoutDevice(request, isLoopback) ? knownScopes(request) : [])
        }
        if let refusal = checkDevice(device, request, nonce, wallMilliseconds) { return .refused(refusal) }
        if let credential { return .refused(credential) }
        return .admitted(scopes: knownScopes(request))
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

    private func checkCredential(_ request: ConnectRequest) -> Refusal? {
        guard policy.asksForCredential else { return nil }
        if let token = request.token, !token.isEmpty, !policy.token.isEmpty {
            return verifier.isEqual(token, policy.token)
                ? nil : Admission.unauthorized("token mismatch", "token", "AUTH_TOKEN_MISMATCH", "token_mismatch")
        }
        if let password = request.password, !password.isEmpty, !policy.password.isEmpty {
            return verifier.isEqual(password, policy.password)
                ? nil
                : Admission.unauthorized("password mismatch", "password", "AUTH_PASSWORD_MISMATCH", "password_mismatch")
        }
        return policy.token.isEmpty
            ? Admission.unauthorized("password missing", "password", "AUTH_PASSWORD_MISSING", "password_missing")
            : Admission.unauthorized("token missing", "token", "AUTH_TOKEN_MISSING", "token_missing")
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

    /// Without a device, scopes are granted only to the host's own programs on loopback.
    private func keepsScopesWithoutDevice(_ request: ConnectRequest, _ isLoopback: Bool) -> Bool {
        isLoopback
            && ((isEqual("gateway-client", request.clientID) && isEqual("backend", request.clientMode))
                || (isEqual("cli", request.clientID) && isEqual("cli", request.clientMode)))
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

    private static func unauthorized(_ what: String, _ kind: String, _ code: String, _ reason: String) -> Refusal {
        let message = "unauthorized: gateway \(what) (provide gateway auth \(kind))"
        let isMissing = reason.utf8.elementsEqual("\(kind)_missing".utf8)
        let step = isMissing ? "update_auth_configuration" : "update_auth_credentials"
        let details =
            "{\"code\":\"\(code)\",\"authReason\":\"\(reason)\",\"canRetryWithDeviceToken\":false,"
            + "\"recommendedNextStep\":\"\(step)\"}"
        return Refusal(
            rejection: Rejection("INVALID_REQUEST", message, details: details), closeCode: 1008,
            closeReason: message.bytes, detailCode: code.bytes)
    }
}
