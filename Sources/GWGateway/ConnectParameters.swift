import GWBase
import GWJSON

/// What a client says of itself in the connect request, and the credentials that it presents.
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
    public var instanceID: [UInt8] = []
    public var role: [UInt8] = "operator".bytes
    public var scopes: [[UInt8]] = ["operator.read".bytes, "operator.write".bytes]
    public var caps: [[UInt8]] = []
    public var locale: [UInt8] = []
    public var userAgent: [UInt8] = []
    public var credentials = Credentials()

    public init() {}

    /// Ids and modes that gateways accept; any other is refused with close 1008.
    public static let knownClientIDs: [StaticString] = [
        "webchat-ui", "openclaw-control-ui", "openclaw-tui", "webchat", "cli", "gateway-client", "openclaw-macos",
        "openclaw-ios", "openclaw-android", "node-host", "test", "fingerprint", "openclaw-probe", "openclaw-watchos",
        "openclaw-worker", "openclaw-browser-copilot", "openclaw-linux",
    ]
    public static let knownClientModes: [StaticString] = [
        "webchat", "cli", "ui", "backend", "node", "probe", "test", "worker",
    ]

    /// Refuses what every gateway would refuse.
    public func checkClosedLists() throws(Failure) {
        guard isOneOf(ConnectParameters.knownClientIDs, clientID) else {
            throw ConnectParameters.unknown("client_id", clientID, ConnectParameters.knownClientIDs)
        }
        guard isOneOf(ConnectParameters.knownClientModes, clientMode) else {
            throw ConnectParameters.unknown("client_mode", clientMode, ConnectParameters.knownClientModes)
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
    /// `challenge` is answered with a v3 proof; the time signed is the gateway's own where it gave one, so that a clock that
    /// is wrong here does no harm.
    public func request(
        id: UInt64, answering challenge: Challenge, wallMilliseconds: UInt64, signer: (any DeviceSigner)?
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
        buffer.append(",\"role\":")
        buffer.appendJSONString(role)
        buffer.append(",\"scopes\":")
        ConnectParameters.writeArray(scopes, into: &buffer)
        if let signer {
            let signedAt = challenge.timestampMilliseconds ?? wallMilliseconds
            guard writeDevice(signer, challenge.nonce, signedAt, into: &buffer) else { return nil }
        }
        ConnectParameters.writeMember(",\"locale\":", locale, into: &buffer)
        ConnectParameters.writeMember(",\"userAgent\":", userAgent, into: &buffer)
        // Last, into room that is there, so that growing leaves no copy of them behind.
        _ = buffer.reserve(64 + JSON.stringLength(credentials.token) + JSON.stringLength(credentials.password))
        credentials.write(into: &buffer)
        buffer.append("}}")
        return buffer
    }

    private func writeClient(into buffer: inout ByteBuffer) {
        buffer.append(",\"client\":{\"id\":")
        buffer.appendJSONString(clientID)
        ConnectParameters.writeMember(",\"displayName\":", displayName, into: &buffer)
        buffer.append(",\"version\":")
        buffer.appendJSONString(clientVersion)
        buffer.append(",\"platform\":")
        buffer.appendJSONString(platform)
        ConnectParameters.writeMember(",\"deviceFamily\":", deviceFamily, into: &buffer)
        buffer.append(",\"mode\":")
        buffer.appendJSONString(clientMode)
        ConnectParameters.writeMember(",\"instanceId\":", instanceID, into: &buffer)
        buffer.append(0x7d)
    }

    private func writeDevice(
        _ signer: any DeviceSigner, _ nonce: [UInt8], _ signedAt: UInt64, into buffer: inout ByteBuffer
    ) -> Bool {
        let proof = DeviceAuth(
            deviceID: signer.deviceID, clientID: clientID, clientMode: clientMode, role: role, scopes: scopes,
            signedAtMilliseconds: signedAt, token: credentials.token, nonce: nonce, platform: platform,
            deviceFamily: deviceFamily)
        let payload = proof.payload(.v3)
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

/// Shared credentials.  Never printed; wiped when the last holder goes.
public final class Credentials {
    public let token: [UInt8]
    public let password: [UInt8]

    /// White space around a credential is no part of it, and a blank one is none.  Takes the arrays over: at the end their
    /// memory is overwritten.
    public init(token: [UInt8] = [], password: [UInt8] = []) {
        self.token = Credentials.trim(token)
        self.password = Credentials.trim(password)
    }

    private static func trim(_ secret: [UInt8]) -> [UInt8] {
        let trimmed = DeviceAuth.trimmed(secret)
        if trimmed.count < secret.count { wipe(secret) }
        return trimmed
    }

    deinit {
        Credentials.wipe(token)
        Credentials.wipe(password)
    }

    fileprivate func write(into buffer: inout ByteBuffer) {
        guard !token.isEmpty || !password.isEmpty else { return }
        buffer.append(",\"auth\":{")
        if !token.isEmpty {
            buffer.append("\"token\":")
            buffer.appendJSONString(token)
        }
        if !password.isEmpty {
            if !token.isEmpty { buffer.append(0x2c) }
            buffer.append("\"password\":")
            buffer.appendJSONString(password)
        }
        buffer.append(0x7d)
    }

    /// Overwrites the array's own memory, which others may share: only for secrets at the end of their life.
    fileprivate static func wipe(_ secret: [UInt8]) {
        guard !secret.isEmpty else { return }
        secret.withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return }
            secureZero(UnsafeMutableRawPointer(mutating: base), bytes.count)
        }
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
