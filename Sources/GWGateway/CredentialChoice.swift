import GWBase
import GWJSON

/// Which credentials one connect request presents, which of them is signed along, and which scopes it asks for.
///
/// The rules are those of the newest gateways, and older ones understand them: a device token stands in `auth.deviceToken`
/// alone, where every gateway looks for it first, and never in `auth.token`, where the newest take it for the shared one.
public struct CredentialChoice {
    // Both are held, since their memory is wiped when the last holder goes.
    private let given: Credentials
    private let stored: DeviceToken?
    private let sendsBootstrapToken: Bool
    public let scopes: [[UInt8]]

    /// - Parameters:
    ///   - stored: the token that is stored for this gateway, device and role.
    ///   - retries: the shared token was refused, and the stored one may be shown beside it.
    ///   - requestedScopes: nil where the host asks for none in particular.
    public init(
        _ given: Credentials, stored: DeviceToken?, retries: Bool, requestedScopes: [[UInt8]]?,
        defaultScopes: [[UInt8]] = ConnectParameters.defaultScopes
    ) {
        self.given = given
        let isAlone = given.token.isEmpty && given.password.isEmpty
        let takesStored = given.deviceToken.isEmpty && (isAlone || (retries && !given.token.isEmpty))
        self.stored = takesStored ? stored : nil
        let hasDeviceToken = self.stored != nil || !given.deviceToken.isEmpty
        sendsBootstrapToken = isAlone && !hasDeviceToken && !given.bootstrapToken.isEmpty
        if let requestedScopes {
            scopes = requestedScopes
        } else if let granted = self.stored?.scopes, !granted.isEmpty {
            // Asking for more than was granted would ask a person for a new approval at every attempt.
            scopes = granted
        } else {
            scopes = defaultScopes
        }
    }

    /// The stored token that is shown, if it is.
    public var storedToken: DeviceToken? { stored }
    public var hasToken: Bool { !given.token.isEmpty }
    public var hasPassword: Bool { !given.password.isEmpty }
    public var hasDeviceToken: Bool { !deviceToken.isEmpty }

    private var deviceToken: [UInt8] { stored?.token ?? given.deviceToken }
    private var bootstrapToken: [UInt8] { sendsBootstrapToken ? given.bootstrapToken : [] }

    /// The token that the device signs, empty if there is none.  A secret.
    public var signedToken: [UInt8] {
        if !given.token.isEmpty { return given.token }
        return hasDeviceToken ? deviceToken : bootstrapToken
    }

    /// Appends `,"auth":{...}`, or nothing if there is no credential.
    ///
    /// Makes the room first, so that growing leaves no copy of a secret behind.
    func write(into buffer: inout ByteBuffer) {
        let members: [(StaticString, [UInt8])] = [
            ("\"token\":", given.token), ("\"bootstrapToken\":", bootstrapToken), ("\"deviceToken\":", deviceToken),
            ("\"password\":", given.password), ("\"approvalRuntimeToken\":", given.approvalRuntimeToken),
            ("\"agentRuntimeIdentityToken\":", given.agentIdentityToken),
        ]
        // With what the frame ends with.
        var size = 16
        for (name, value) in members { size += name.utf8CodeUnitCount + JSON.stringLength(value) + 1 }
        _ = buffer.reserve(size)
        var isFirst = true
        for (name, value) in members where !value.isEmpty {
            buffer.append(isFirst ? ",\"auth\":{" : ",")
            buffer.append(name)
            buffer.appendJSONString(value)
            isFirst = false
        }
        if !isFirst { buffer.append(0x7d) }
    }
}
