import GWBase

/// What a pin is the SHA-256 of.
public enum PinKind: CaseIterable, Sendable {
    /// The leaf certificate, DER.
    case certificate
    /// The leaf's SubjectPublicKeyInfo, DER: it stays when the certificate is renewed for the same key.
    case key
    /// The certificate of a CA above the leaf.
    case authority
    /// The SubjectPublicKeyInfo of a CA above the leaf.
    case authorityKey

    /// What stands in front of a digest in text.
    var label: StaticString {
        switch self {
        case .certificate: "cert:"
        case .key: "key:"
        case .authority: "ca:"
        case .authorityKey: "ca-key:"
        }
    }

    var isOfAuthority: Bool { self == .authority || self == .authorityKey }
}

/// One SHA-256 pin.
public struct Pin {
    public let kind: PinKind
    public let digest: [UInt8]

    /// The pin that a text writes: a digest as `PinText` reads it, behind a label that says what it is of or without.
    /// Without label, base64 is of the leaf's key, as curl and HPKP (RFC 7469 section 2.4) write it, everything else of the leaf
    /// certificate.
    public init(_ text: [UInt8]) throws(Failure) {
        guard let pin = Pin.read(text) else {
            let given = String(printable: text, limit: 100)
            throw Failure(
                .pinText, .user,
                "\"\(given)\" is no SHA-256 pin: 64 hex digits are wanted, with or without colons or sha256:, or "
                    + "sha256/ and base64; in front cert:, key:, ca: or ca-key: says what it is of")
        }
        self = pin
    }

    init(_ kind: PinKind, _ digest: [UInt8]) {
        self.kind = kind
        self.digest = digest
    }

    private static func read(_ text: [UInt8]) -> Pin? {
        // First of all, because "CA:" may be the first byte of a fingerprint with colons.
        if let digest = PinText.strictDigest(text) { return Pin(.certificate, digest) }
        let trimmed = PinText.trimmed(text)[...]
        for (label, kind) in labels where PinText.hasPrefix(trimmed, label) {
            let rest = Array(trimmed.dropFirst(label.utf8CodeUnitCount))
            return (PinText.base64Digest(rest) ?? PinText.hexDigest(rest)).map { Pin(kind, $0) }
        }
        if let digest = PinText.base64Digest(text) { return Pin(.key, digest) }
        return PinText.hexDigest(text).map { Pin(.certificate, $0) }
    }

    private static var labels: [(StaticString, PinKind)] {
        [
            ("cert:", .certificate), ("key:", .key), ("spki:", .key), ("ca:", .authority), ("ca-key:", .authorityKey),
            ("ca-spki:", .authorityKey),
        ]
    }

    /// 64 lower-case hex digits, behind the label of the kind if it is not the certificate.
    public var text: [UInt8] {
        guard kind != .certificate else { return hexText(digest) }
        let label = kind.label
        return UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount) + hexText(digest)
    }
}
