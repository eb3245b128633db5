import COpenSSL
import GWBase

/// The name of a peer as URLs write it: a DNS name or the literal of an IP address.
enum PeerName {
    /// The octets of an IPv4 or IPv6 literal, without brackets; the caller frees them.  nil for everything else.
    static func address(_ name: String) -> UnsafeMutablePointer<ASN1_OCTET_STRING>? {
        // What cannot be a literal is not shown to OpenSSL, whose reader forgives more than it should.
        let isLiteral = name.utf8.allSatisfy { $0.hexDigitValue != nil || $0 == 0x2e || $0 == 0x3a }
        guard isLiteral, !name.utf8.isEmpty else { return nil }
        defer { OpenSSLError.clearQueue() }
        return name.withCString { a2i_IPADDRESS($0) }
    }

    static func isAddress(_ name: String) -> Bool {
        guard let octets = address(name) else { return false }
        ASN1_OCTET_STRING_free(octets)
        return true
    }

    /// Whether a certificate can be for it: host names (RFC 1123 section 2.1), with `_` and a wildcard label allowed.
    static func isDNSName(_ name: String) -> Bool {
        guard !name.utf8.isEmpty, name.utf8.count <= 253 else { return false }
        var labelLength = 0
        for byte in name.utf8 {
            if byte == UInt8(ascii: ".") {
                guard labelLength > 0 else { return false }
                labelLength = 0
                continue
            }
            let lower = byte.asciiLowercased
            let isLetter = lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
            let isMark = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "*")
            guard isLetter || isMark || byte.isASCIIDigit else { return false }
            labelLength += 1
            guard labelLength <= 63 else { return false }
        }
        return labelLength > 0
    }

    /// Without the brackets of an IPv6 literal and without the dot at the end of an absolute DNS name, which neither
    /// SNI (RFC 6066 section 3) nor certificates write.
    static func bare(_ name: String) -> String {
        var bytes = name.bytes
        if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
            bytes.removeFirst()
            bytes.removeLast()
        } else if bytes.count > 1, bytes.last == UInt8(ascii: ".") {
            bytes.removeLast()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
