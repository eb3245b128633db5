import GWBase

/// What a device signs to prove itself to the gateway: fields joined with `|`, nothing escaped.
public struct DeviceAuth {
    public var deviceID: [UInt8]
    public var clientID: [UInt8]
    public var clientMode: [UInt8]
    public var role: [UInt8]
    /// In the order in which they are sent, neither sorted nor de-duplicated.
    public var scopes: [[UInt8]]
    public var signedAtMilliseconds: UInt64
    /// The token that is signed along, empty if there is none; a password never is.
    public var token: [UInt8]
    public var nonce: [UInt8]
    public var platform: [UInt8]
    public var deviceFamily: [UInt8]

    public init(
        deviceID: [UInt8], clientID: [UInt8], clientMode: [UInt8], role: [UInt8], scopes: [[UInt8]],
        signedAtMilliseconds: UInt64, token: [UInt8], nonce: [UInt8], platform: [UInt8], deviceFamily: [UInt8]
    ) {
        self.deviceID = deviceID
        self.clientID = clientID
        self.clientMode = clientMode
        self.role = role
        self.scopes = scopes
        self.signedAtMilliseconds = signedAtMilliseconds
        self.token = token
        self.nonce = nonce
        self.platform = platform
        self.deviceFamily = deviceFamily
    }

    public enum Version: Sendable {
        case v2
        /// Also binds the platform and the device family.
        case v3
    }

    public func payload(_ version: Version) -> [UInt8] {
        var fields: [[UInt8]] = [
            version == .v2 ? [0x76, 0x32] : [0x76, 0x33],
            deviceID, clientID, clientMode, role, DeviceAuth.join(scopes, separator: 0x2c),
            decimalText(signedAtMilliseconds), token, nonce,
        ]
        if version == .v3 {
            fields.append(DeviceAuth.normalized(platform))
            fields.append(DeviceAuth.normalized(deviceFamily))
        }
        return DeviceAuth.join(fields, separator: 0x7c)
    }

    /// Metadata as it is signed: white space off both ends as JavaScript's trim does, A to Z lowercased, the rest as it is.
    public static func normalized(_ text: [UInt8]) -> [UInt8] {
        trimmed(text).map { $0.asciiLowercased }
    }

    /// White space off both ends as JavaScript's trim does: with no-break space, byte order mark and the Unicode spaces.
    public static func trimmed(_ text: [UInt8]) -> [UInt8] {
        var start = 0
        var end = text.count
        while start < end, let width = spaceWidth(text, at: start, end) { start += width }
        while start < end {
            // The white space that ends the text is one to three bytes long.
            var width = 0
            for candidate in 1...3 where end - candidate >= start {
                if spaceWidth(text, at: end - candidate, end) == candidate { width = candidate }
            }
            guard width > 0 else { break }
            end -= width
        }
        return start == 0 && end == text.count ? text : Array(text[start..<end])
    }

    /// How many bytes of white space stand at an offset.
    private static func spaceWidth(_ text: [UInt8], at offset: Int, _ end: Int) -> Int? {
        switch text[offset] {
        case 0x09...0x0d, 0x20:
            return 1
        case 0xc2 where offset + 1 < end && text[offset + 1] == 0xa0:
            return 2
        case 0xe1 where offset + 2 < end && text[offset + 1] == 0x9a && text[offset + 2] == 0x80,
            0xe3 where offset + 2 < end && text[offset + 1] == 0x80 && text[offset + 2] == 0x80,
            0xef where offset + 2 < end && text[offset + 1] == 0xbb && text[offset + 2] == 0xbf:
            return 3
        case 0xe2 where offset + 2 < end && text[offset + 1] == 0x80:
            let last = text[offset + 2]
            return (last >= 0x80 && last <= 0x8a) || last == 0xa8 || last == 0xa9 || last == 0xaf ? 3 : nil
        case 0xe2 where offset + 2 < end && text[offset + 1] == 0x81 && text[offset + 2] == 0x9f:
            return 3
        default:
            return nil
        }
    }

    private static func join(_ parts: [[UInt8]], separator: UInt8) -> [UInt8] {
        // No copy is left behind by growing: one of the parts is a secret.
        var result: [UInt8] = []
        result.reserveCapacity(parts.reduce(0) { $0 + $1.count + 1 })
        for (index, part) in parts.enumerated() {
            if index > 0 { result.append(separator) }
            result.append(contentsOf: part)
        }
        return result
    }
}

/// The key of this device, as the session needs it; the key itself stays behind it.
public protocol DeviceSigner: AnyObject {
    /// SHA-256 of the raw public key, lower-case hex.
    var deviceID: [UInt8] { get }
    /// The raw public key in base64url without padding.
    var publicKeyText: [UInt8] { get }
    /// The Ed25519 signature in base64url without padding; nil if signing failed.
    func sign(_ payload: [UInt8]) -> [UInt8]?
}

/// The checks of secrets and signatures that the accepting side needs.
public protocol ProofVerifier: AnyObject {
    /// The 32 raw bytes of a public key written as base64url, base64 or PEM.
    func publicKey(_ text: [UInt8]) -> [UInt8]?
    /// Lower-case hex of SHA-256 over the raw key.
    func deviceID(_ publicKey: [UInt8]) -> [UInt8]
    /// Whether a base64url or base64 signature over the payload is the key's.
    func isSignature(_ signature: [UInt8], over payload: [UInt8], by publicKey: [UInt8]) -> Bool
    /// Whether what was shown is the secret, in a time that does not tell where they differ.
    func isEqual(_ shown: [UInt8], _ secret: Secret) -> Bool
}
