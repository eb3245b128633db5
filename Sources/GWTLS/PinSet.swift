import COpenSSL
import GWBase

/// What a pin is the digest of.
public enum PinKind: Sendable {
    /// The leaf certificate, DER.
    case certificate
}

/// SHA-256 pins of a peer.  One that matches is enough.
public struct PinSet: Equatable {
    private struct Pin: Equatable {
        var kind: PinKind
        var digest: [UInt8]
    }

    private var pins: [Pin] = []

    public init() {}

    public var isEmpty: Bool { pins.isEmpty }

    /// The pins as 64 lower-case hex digits each.
    public var hex: [[UInt8]] { pins.map { hexText($0.digest) } }

    /// Adds the certificate pin that a text writes, in one of the forms that `normalize` reads.
    public mutating func add(_ text: [UInt8]) throws(Failure) {
        guard let digest = PinSet.normalize(text) else {
            let given = String(printable: text, limit: 100)
            throw Failure(
                .pinText, .user,
                "\"\(given)\" is not a SHA-256 fingerprint: 64 hex digits are wanted, with or without colons or sha256:"
            )
        }
        pins.append(Pin(kind: .certificate, digest: digest))
    }

    public mutating func add(_ text: String) throws(Failure) { try add(text.bytes) }

    /// Whether one of the certificate pins is this SHA-256 digest.  Takes the same time whichever it is.
    public func matches(_ digest: [UInt8]) -> Bool {
        var isFound = false
        for pin in pins where isSameDigest(pin.digest, digest) { isFound = true }
        return isFound
    }

    /// The 32 bytes that a pin text writes: what `strict` reads, a line that `openssl x509 -fingerprint -sha256`
    /// prints, or what `lenientStrip` makes exactly 64 digits of.
    public static func normalize(_ text: [UInt8]) -> [UInt8]? {
        if let digits = strict(text) { return digest(digits) }
        if let value = fingerprintLine(text) { return strict(value).flatMap(digest) }
        let digits = lenientStrip(text)
        return digits.count == 64 ? digest(digits) : nil
    }

    /// 64 lower-case digits of: spaces around, one `sha256:` in any case, then 64 hex digits or 32 pairs of them joined
    /// by colons; nil for everything else.
    static func strict(_ text: some Collection<UInt8>) -> [UInt8]? {
        var rest = trimmed(text)[...]
        if hasPrefix(rest, "sha256:") { rest = rest.dropFirst(7) }
        guard rest.count == 64 || rest.count == 95 else { return nil }
        let isJoined = rest.count == 95
        var digits: [UInt8] = []
        for (place, byte) in rest.enumerated() {
            if isJoined, place % 3 == 2 {
                guard byte == UInt8(ascii: ":") else { return nil }
            } else {
                guard byte.hexDigitValue != nil else { return nil }
                digits.append(byte.asciiLowercased)
            }
        }
        return digits
    }

    /// What is left of a text without spaces around, a `sha256` or `sha-256` label with an optional colon, and all
    /// that is no hex digit; lower-case, of any length.
    static func lenientStrip(_ text: some Collection<UInt8>) -> [UInt8] {
        var rest = trimmed(text)[...]
        if hasPrefix(rest, "sha256") {
            rest = rest.dropFirst(6)
        } else if hasPrefix(rest, "sha-256") {
            rest = rest.dropFirst(7)
        }
        // Spaces and a colon after the label are no hex digits, so they go with the others.
        return rest.filter { $0.hexDigitValue != nil }.map { $0.asciiLowercased }
    }

    /// What follows `sha256 Fingerprint=` at the start of a text.
    private static func fingerprintLine(_ text: [UInt8]) -> ArraySlice<UInt8>? {
        let line = trimmed(text)[...]
        return hasPrefix(line, "sha256 fingerprint=") ? line.dropFirst(19) : nil
    }

    /// The bytes that an even number of hex digits write.
    private static func digest(_ digits: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = digit.hexDigitValue else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }

    private static func hasPrefix(_ text: ArraySlice<UInt8>, _ lowercase: StaticString) -> Bool {
        guard text.count >= lowercase.utf8CodeUnitCount else { return false }
        let prefix = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
        return zip(text, prefix).allSatisfy { $0.asciiLowercased == $1 }
    }

    private static func trimmed(_ text: some Collection<UInt8>) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
        var bytes = Array(text.drop(while: isSpace))
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }
}
