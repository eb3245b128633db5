import GWBase

/// The texts in which people write SHA-256 digests.
enum PinText {
    /// The digest in 64 hex digits: `strict`, a line that OpenSSL prints, or what `lenientStrip` makes exactly 64 digits of.
    static func hexDigest(_ text: [UInt8]) -> [UInt8]? {
        if let digest = strictDigest(text) { return digest }
        if let value = lineValue(text) { return strictDigest(value) }
        // Base64 has hex digits too.
        guard !hasPrefix(trimmed(text)[...], "sha256/") else { return nil }
        let digits = lenientStrip(text)
        return digits.count == 64 ? digest(digits) : nil
    }

    /// The digest in base64 behind `sha256/` (RFC 7469, OkHttp) or `sha256//` (curl).
    static func base64Digest(_ text: [UInt8]) -> [UInt8]? {
        var rest = trimmed(text)[...]
        guard hasPrefix(rest, "sha256/") else { return nil }
        rest = rest.dropFirst(7)
        // The first character of the digest may be a slash as well: 44 characters with padding, 43 without are the digest alone.
        let isPadded = rest.last == UInt8(ascii: "=")
        if rest.count == (isPadded ? 45 : 44) {
            guard rest.first == UInt8(ascii: "/") else { return nil }
            rest = rest.dropFirst()
        }
        guard let digest = Base64.decode(rest), digest.count == Digest.sha256Size else { return nil }
        return digest
    }

    static func strictDigest(_ text: some Collection<UInt8>) -> [UInt8]? { strict(text).flatMap(digest) }

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

    /// The value in a line of `openssl x509 -fingerprint -sha256` ("sha256 Fingerprint=AA:BB") or of `openssl dgst -sha256`
    /// ("SHA2-256(stdin)= aabb", and without the name of the digest in older releases).
    private static func lineValue(_ text: [UInt8]) -> ArraySlice<UInt8>? {
        let line = trimmed(text)[...]
        if hasPrefix(line, "sha256 fingerprint=") { return line.dropFirst(19) }
        guard hasPrefix(line, "sha2-256(") || hasPrefix(line, "sha256(") || hasPrefix(line, "(stdin)="),
            let sign = line.lastIndex(of: UInt8(ascii: "="))
        else { return nil }
        return line[(sign + 1)...]
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

    static func hasPrefix(_ text: ArraySlice<UInt8>, _ lowercase: StaticString) -> Bool {
        guard text.count >= lowercase.utf8CodeUnitCount else { return false }
        let prefix = UnsafeBufferPointer(start: lowercase.utf8Start, count: lowercase.utf8CodeUnitCount)
        return zip(text, prefix).allSatisfy { $0.asciiLowercased == $1 }
    }

    static func trimmed(_ text: some Collection<UInt8>) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
        var bytes = Array(text.drop(while: isSpace))
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }
}
