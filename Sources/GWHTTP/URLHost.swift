import GWBase

/// The host of a URL.
public enum URLHost: Equatable, Sendable {
    /// A name in lower-case ASCII.
    case name([UInt8])
    case ipv4(IPv4Address)
    case ipv6(IPv6Address)

    /// Without brackets.
    public var text: [UInt8] {
        switch self {
        case .name(let name): name
        case .ipv4(let address): address.text
        case .ipv6(let address): address.text
        }
    }

    /// Whether there is nothing to look up.
    public var isAddress: Bool {
        if case .name = self { return false }
        return true
    }

    /// As it stands in a URL and in a Host header: an IPv6 address in brackets.
    public var bracketed: [UInt8] {
        if case .ipv6(let address) = self { return [0x5b] + address.text + [0x5d] }
        return text
    }

    /// Reads the host of a `ws`, `wss`, `http`, `https` or `ftp` URL (WHATWG URL, "host parsing").
    static func parse(_ text: ArraySlice<UInt8>) throws(Failure) -> URLHost {
        guard !text.isEmpty else { throw .url("the URL has no host; expected ws://host or wss://host") }
        if text.first == 0x5b {
            let inside = text.dropFirst().dropLast()
            guard text.count > 2, text.last == 0x5d, let address = IPv6Address(inside) else {
                throw .url("\(shown(text)) is no IPv6 address; expected for example [::1], without a zone")
            }
            return .ipv6(address)
        }
        let name = try asciiName(percentDecoded(text), text)
        guard !name.isEmpty else { throw .url("the URL has no host; expected ws://host or wss://host") }
        if IPv4Address.endsInNumber(name[...]) {
            guard let address = IPv4Address(url: name[...]) else {
                throw .url("host \(shown(text)) ends in a number but is no IPv4 address")
            }
            return .ipv4(address)
        }
        return .name(name)
    }

    /// Folds case, width and kinds of dots to ASCII, as far as that needs no Unicode tables.
    private static func asciiName(_ bytes: [UInt8], _ text: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var name: [UInt8] = []
        name.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte >= 0x80 {
                guard let folded = foldWide(bytes[(index - 1)...].prefix(3)) else {
                    throw .url("host \(shown(text)) is not ASCII; write an international name in its xn-- form")
                }
                byte = folded
                index += 2
            }
            guard !isForbidden(byte) else {
                throw .url("host \(shown(text)) has a character that no host may have")
            }
            name.append(byte.asciiLowercased)
        }
        return name
    }

    /// ASCII for the UTF-8 of a fullwidth form (U+FF01 to U+FF5E) or an ideographic full stop (U+3002, U+FF61).
    private static func foldWide(_ code: ArraySlice<UInt8>) -> UInt8? {
        guard code.count == 3 else { return nil }
        var scalar: UInt32 = 0
        for (byte, lead) in zip(code, [UInt8(0xe0), 0x80, 0x80]) {
            let isLead = lead == 0xe0
            guard byte & (isLead ? 0xf0 : 0xc0) == lead else { return nil }
            scalar = scalar << 6 | UInt32(byte & (isLead ? 0x0f : 0x3f))
        }
        switch scalar {
        case 0xff01...0xff5e: return UInt8(truncatingIfNeeded: scalar - 0xfee0)
        case 0x3002, 0xff61: return 0x2e
        default: return nil
        }
    }

    /// The forbidden domain code points of the WHATWG URL standard.
    private static func isForbidden(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7f: true
        case 0x23, 0x25, 0x2f, 0x3a, 0x3c, 0x3e, 0x3f, 0x40, 0x5b, 0x5c, 0x5d, 0x5e, 0x7c: true
        default: false
        }
    }
}

/// Undoes `%` and two hex digits; a `%` without them stays.
public func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var index = text.startIndex
    while index < text.endIndex {
        let byte = text[index]
        index += 1
        if byte == 0x25, text.endIndex - index >= 2,
            let high = text[index].hexDigitValue, let low = text[index + 1].hexDigitValue
        {
            result.append(high << 4 | low)
            index += 2
        } else {
            result.append(byte)
        }
    }
    return result
}

extension Failure {
    static func url(_ text: String) -> Failure { Failure(.url, .program, text) }
}

/// A part of a URL for an error text.
func shown(_ text: ArraySlice<UInt8>) -> String { "\"" + String(printable: text, limit: 80) + "\"" }
