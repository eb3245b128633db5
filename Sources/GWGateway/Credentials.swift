import GWBase

/// The credentials that a host gives.  Never printed; wiped when the last holder goes.
public final class Credentials {
    /// The gateway's shared token.
    public let token: [UInt8]
    /// Pairs a device once.
    public let bootstrapToken: [UInt8]
    /// Issued by the gateway to this device; used in place of a stored one.
    public let deviceToken: [UInt8]
    public let password: [UInt8]
    public let approvalRuntimeToken: [UInt8]
    public let agentIdentityToken: [UInt8]

    /// White space around a credential is no part of it, and a blank one is none.  Takes the arrays over: at the end their
    /// memory is overwritten.
    public init(
        token: [UInt8] = [], bootstrapToken: [UInt8] = [], deviceToken: [UInt8] = [], password: [UInt8] = [],
        approvalRuntimeToken: [UInt8] = [], agentIdentityToken: [UInt8] = []
    ) {
        self.token = Credentials.trim(token)
        self.bootstrapToken = Credentials.trim(bootstrapToken)
        self.deviceToken = Credentials.trim(deviceToken)
        self.password = Credentials.trim(password)
        self.approvalRuntimeToken = Credentials.trim(approvalRuntimeToken)
        self.agentIdentityToken = Credentials.trim(agentIdentityToken)
    }

    static func trim(_ secret: [UInt8]) -> [UInt8] {
        let trimmed = DeviceAuth.trimmed(secret)
        if trimmed.count < secret.count { wipe(secret) }
        return trimmed
    }

    deinit {
        Credentials.wipe(token)
        Credentials.wipe(bootstrapToken)
        Credentials.wipe(deviceToken)
        Credentials.wipe(password)
        Credentials.wipe(approvalRuntimeToken)
        Credentials.wipe(agentIdentityToken)
    }

    /// Overwrites the array's own memory, which others may share: only for secrets at the end of their life.
    static func wipe(_ secret: [UInt8]) {
        guard !secret.isEmpty else { return }
        secret.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            secureZero(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
    }
}

/// A token that a gateway has issued to a device for one role.  Never printed; wiped when the last holder goes.
public final class DeviceToken {
    public let role: [UInt8]
    public let token: [UInt8]
    /// Normalized.
    public let scopes: [[UInt8]]
    public let updatedAtMilliseconds: UInt64

    /// Takes the token over: at the end its memory is overwritten.
    public init(role: [UInt8], token: [UInt8], scopes: [[UInt8]], updatedAtMilliseconds: UInt64 = 0) {
        self.role = DeviceAuth.trimmed(role)
        self.token = Credentials.trim(token)
        self.scopes = Scope.normalized(scopes)
        self.updatedAtMilliseconds = updatedAtMilliseconds
    }

    deinit { Credentials.wipe(token) }

    /// The same token with other data, in memory of its own.
    func copy(role: [UInt8], scopes: [[UInt8]], updatedAtMilliseconds: UInt64) -> DeviceToken {
        DeviceToken(
            role: role, token: token.withUnsafeBufferPointer { [UInt8]($0) }, scopes: scopes,
            updatedAtMilliseconds: updatedAtMilliseconds)
    }
}
