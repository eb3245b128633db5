import GWBase
import GWJSON

/// What a client says of itself in the connect request.
///
/// The request is a closed object on every gateway: nothing is written but what the oldest gateway in the range knows, and
/// what is absent is left out, never null.
public struct ConnectParameters {
    public var minProtocol: UInt32 = 3
    public var maxProtocol: UInt32 = 4
    public var clientID: [UInt8] = "gateway-client".bytes
    public var clientMode: [UInt8] = "backend".bytes
    public var clientVersion: [UInt8] = []
    public var displayName: [UInt8] = []
    public var platform: [UInt8] = "linux".bytes
    public var deviceFamily: [UInt8] = []
    public var modelIdentifier: [UInt8] = []
    public var buildID: [UInt8] = []
    public var timeZone: [UInt8] = []
    public var instanceID: [UInt8] = []
    public var role: [UInt8] = "operator".bytes
    /// nil: those that a stored device token was issued with, else `defaultScopes`.
    public var scopes: [[UInt8]]?
    public var caps: [[UInt8]] = []
    public var commands: [[UInt8]] = []
    public var permissions: [(name: [UInt8], isGranted: Bool)] = []
    public var pathEnvironment: [UInt8] = []
    public var locale: [UInt8] = []
    public var userAgent: [UInt8] = []
    /// Further members of the request, as the inside of a JSON object.
    public var extraMembers: [UInt8] = []
    /// What the device signs.
    public var signatureVersion = DeviceAuth.Version.v3
    public static let defaultScopes = ["operator.read".bytes, "operator.write".bytes]

    public init() {}

    /// What gateways accept; any other is refused with close 1008.
    public static let knownClientIDs: [StaticString] = [
        "webchat-ui", "openclaw-control-ui", "openclaw-tui", "webchat", "cli", "gateway-client", "openclaw-macos",
        "openclaw-ios", "openclaw-android", "node-host", "test", "fingerprint", "openclaw-probe", "openclaw-watchos",
        "openclaw-worker", "openclaw-browser-copilot", "openclaw-linux",
    ]
    public static let knownClientModes: [StaticString] = [
        "webchat", "cli", "ui", "backend", "node", "probe", "test", "worker",
    ]

    public static let knownRoles: [StaticString] = ["operator", "node", "worker"]

    /// Refuses what every gateway would refuse, and scopes that it would drop.
    public func checkClosedLists() throws(Failure) {
        guard isOneOf(ConnectParameters.knownClientIDs, clientID) else {
            throw ConnectParameters.unknown("client_id", clientID, ConnectParameters.knownClientIDs)
        }
        guard isOneOf(ConnectParameters.knownClientModes, clientMode) else {
            throw ConnectParameters.unknown("client_mode", clientMode, ConnectParameters.knownClientModes)
        }
        guard isOneOf(ConnectParameters.knownRoles, role) else {
            throw ConnectParameters.unknown("role", role, ConnectParameters.knownRoles)
        }
        for scope in scopes ?? [] where !Scope.isKnown(scope) {
            throw ConnectParameters.unknown("scope", scope, Scope.known)
        }
    }

    /// Refuses members that the oldest gateway in the offered range does not know: it would refuse the whole request.
    public func checkAge(_ credentials: Credentials) throws(Failure) {
        // Gateways of protocol 3 know none of these, those of protocol 4 not all.
        let later: [(name: StaticString, isSet: Bool, sinceProtocol4: Bool)] = [
            ("build_id", !buildID.isEmpty, false), ("time_zone", !timeZone.isEmpty, false),
            ("extra_params", !extraMembers.isEmpty, false),
            ("approval_runtime_token", !credentials.approvalRuntimeToken.isEmpty, true),
            ("agent_identity_token", !credentials.agentIdentityToken.isEmpty, true),
        ]
        for (name, isSet, sinceProtocol4) in later where isSet && !(sinceProtocol4 && minProtocol >= 4) {
            var text = "\(name) makes older gateways refuse the whole connect request; if yours knows it, "
            text += "allow it with GW_CLIENT_NEW_PARAMS"
            if sinceProtocol4 { text += ", or offer protocol 4 alone (min_protocol)" }
            throw Failure(.argument, .program, text)
        }
    }

    private static func unknown(_ what: StaticString, _ given: [UInt8], _ known: [StaticString]) -> Failure {
        var list = ""
        for name in known { list += list.utf8.isEmpty ? "\(name)" : ", \(name)" }
        return Failure(
            .argument, .program,
            "\(what) \(String(printable: given, limit: 60)) would be refused by every gateway; known are \(list)")
    }

    /// Writes the whole connect request; nil if the device could not sign.
    ///
    /// `challenge` is answered with a proof of the device; the time signed is the gateway's own where it gave one, so that a clock that
    /// is wrong here does no harm.
    public func request(
        id: UInt64, answering challenge: Challenge, wallMilliseconds: UInt64, signer: (any DeviceSigner)?,
        presenting choice: CredentialChoice
    ) -> ByteBuffer? {
        var buffer = ByteBuffer()
        let method: StaticString = "connect"
        FrameWriter.request(
            id: id, method: UnsafeRawBufferPointer(start: method.utf8Start, count: method.utf8CodeUnitCount),
            hasParams: true, into: &buffer)
        buffer.append("{\"minProtocol\":")
        buffer.append(decimalText(UInt64(minProtocol)))
        buffer.append(",\"maxProtocol\":")
        buffer.append(decimalText(UInt64(maxProtocol)))
        writeClient(into: &buffer)
        buffer.append(",\"caps\":")
        ConnectParameters.writeArray(caps, into: &buffer)
        writeNodeMembers(into: &buffer)
        buffer.append(",\"role\":")
        buffer.appendJSONString(role)
        buffer.append(",\"scopes\":")
        ConnectParameters.writeArray(choice.scopes, into: &buffer)
        if let signer {
            let signedAt = challenge.timestampMilliseconds ?? wallMilliseconds
            guard writeDevice(signer, challenge.nonce, signedAt, choice, into: &buffer) else { return nil }
        }
        ConnectParameters.writeMember(",\"locale\":", locale, into: &buffer)
        ConnectParameters.writeMember(",\"userAgent\":", userAgent, into: &buffer)
        if !extraMembers.isEmpty {
            buffer.append(0x2c)
            buffer.append(extraMembers)
        }
        // Last, so that nothing else makes the buffer grow with a secret in it.
        choice.write(into: &buffer)
        buffer.append("}}")
        return buffer
    }

    private func writeClient(into buffer: inout ByteBuffer) {
        buffer.append(",\"client\":{\"id\":")
        buffer.appendJSONString(clientID)
        ConnectParameters.writeMember(",\"displayName\":", displayName, into: &buffer)
        ConnectParameters.writeMember(",\"buildId\":", buildID, into: &buffer)
        buffer.append(",\"version\":")
        buffer.appendJSONString(clientVersion)
        buffer.append(",\"platform\":")
        buffer.appendJSONString(platform)
        ConnectParameters.writeMember(",\"deviceFamily\":", deviceFamily, into: &buffer)
        ConnectParameters.writeMember(",\"modelIdentifier\":", modelIdentifier, into: &buffer)
        ConnectParameters.writeMember(",\"timeZone\":", timeZone, into: &buffer)
        buffer.append(",\"mode\":")
        buffer.appendJSONString(clientMode)
        ConnectParameters.writeMember(",\"instanceId\":", instanceID, into: &buffer)
        buffer.append(0x7d)
    }

    private func writeNodeMembers(into buffer: inout ByteBuffer) {
        if !commands.isEmpty {
            buffer.append(",\"commands\":")
            ConnectParameters.writeArray(commands, into: &buffer)
        }
        for (index, permission) in permissions.enumerated() {
            buffer.append(index == 0 ? ",\"permissions\":{" : ",")
            buffer.appendJSONString(permission.name)
            buffer.append(permission.isGranted ? ":true" : ":false")
        }
        if !permissions.isEmpty { buffer.append(0x7d) }
        ConnectParameters.writeMember(",\"pathEnv\":", pathEnvironment, into: &buffer)
    }

    private func writeDevice(
        _ signer: any DeviceSigner, _ nonce: [UInt8], _ signedAt: UInt64, _ choice: CredentialChoice,
        into buffer: inout ByteBuffer
    ) -> Bool {
        let proof = DeviceAuth(
            deviceID: signer.deviceID, clientID: clientID, clientMode: clientMode, role: role, scopes: choice.scopes,
            signedAtMilliseconds: signedAt, token: choice.signedToken, nonce: nonce, platform: platform,
            deviceFamily: deviceFamily)
        let payload = proof.payload(signatureVersion)
        defer { Credentials.wipe(payload) }
        guard let signature = signer.sign(payload) else { return false }
        buffer.append(",\"device\":{\"id\":")
        buffer.appendJSONString(signer.deviceID)
        buffer.append(",\"publicKey\":")
        buffer.appendJSONString(signer.publicKeyText)
        buffer.append(",\"signature\":")
        buffer.appendJSONString(signature)
        buffer.append(",\"signedAt\":")
        buffer.append(decimalText(signedAt))
        buffer.append(",\"nonce\":")
        buffer.appendJSONString(nonce)
        buffer.append(0x7d)
        return true
    }

    private static func writeMember(_ name: StaticString, _ value: [UInt8], into buffer: inout ByteBuffer) {
        guard !value.isEmpty else { return }
        buffer.append(name)
        buffer.appendJSONString(value)
    }

    private static func writeArray(_ values: [[UInt8]], into buffer: inout ByteBuffer) {
        buffer.append(0x5b)
        for (index, value) in values.enumerated() {
            if index > 0 { buffer.append(0x2c) }
            buffer.appendJSONString(value)
        }
        buffer.append(0x5d)
    }
}

/// The gateway's challenge.
public struct Challenge {
    public var nonce: [UInt8]
    /// The gateway's clock, if it gave one that can be used.
    public var timestampMilliseconds: UInt64?

    /// Gateways count in doubles: above it, what they would verify is not what was signed.
    private static let largestSafeInteger: Int64 = 9_007_199_254_740_991

    /// nil if there is no nonce to sign.
    public init?(payload: JSONSlice?, in text: UnsafeRawBufferPointer) {
        guard let payload, payload.kind == .object, let value = JSON.member("nonce", of: payload, in: text),
            let string = JSON.string(value, in: text)
        else { return nil }
        nonce = DeviceAuth.trimmed(string)
        guard !nonce.isEmpty else { return nil }
        if let ts = JSON.member("ts", of: payload, in: text), let number = JSON.integer(ts, in: text),
            number >= 0, number <= Challenge.largestSafeInteger
        {
            timestampMilliseconds = UInt64(number)
        }
    }
}

/// Whether bytes are one of a closed list.
func isOneOf(_ list: [StaticString], _ bytes: [UInt8]) -> Bool {
    list.contains { isEqual($0, bytes) }
}

func isEqual(_ text: StaticString, _ bytes: [UInt8]) -> Bool {
    bytes.count == text.utf8CodeUnitCount
        && bytes.elementsEqual(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}
