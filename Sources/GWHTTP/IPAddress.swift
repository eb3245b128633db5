import GWBase

/// An IPv4 address as a number, the first octet highest.
public struct IPv4Address: Equatable, Sendable {
    public let number: UInt32

    public init(_ number: UInt32) { self.number = number }

    /// Reads the canonical form only: four decimal parts without leading zeros.
    public init?(canonical text: ArraySlice<UInt8>) {
        var number: UInt32 = 0
        var parts = 0
        for part in text.split(separator: 0x2e, maxSplits: 4, omittingEmptySubsequences: false) {
            guard part.count <= 3, part.count == 1 || part.first != 0x30, let value = decimalNumber(part), value <= 255
            else { return nil }
            number = number << 8 | UInt32(truncatingIfNeeded: value)
            parts += 1
        }
        guard parts == 4 else { return nil }
        self.number = number
    }

    /// Reads what a URL may hold (WHATWG URL, "IPv4 parser"): one to four parts, each decimal, octal (`0`) or hex
    /// (`0x`), the last of which fills all octets that are left; one dot may follow.
    init?(url text: ArraySlice<UInt8>) {
        var parts = text.split(separator: 0x2e, maxSplits: 5, omittingEmptySubsequences: false)
        if parts.count > 1, let last = parts.last, last.isEmpty { parts.removeLast() }
        guard parts.count <= 4, let last = parts.popLast(), let tail = IPv4Address.part(last) else { return nil }
        var head: UInt64 = 0
        for part in parts {
            guard let octet = IPv4Address.part(part), octet <= 255 else { return nil }
            head = head << 8 | octet
        }
        let tailBits = UInt64(8 * (4 - parts.count))
        guard tail < 1 << tailBits else { return nil }
        number = UInt32(truncatingIfNeeded: head << tailBits | tail)
    }

    /// Whether a host must be an IPv4 address or is none at all: its last label is a number.
    static func endsInNumber(_ host: ArraySlice<UInt8>) -> Bool {
        var host = host
        if host.count > 1, host.last == 0x2e { host = host.dropLast() }
        let label = host[(host.lastIndex(of: 0x2e).map { $0 + 1 } ?? host.startIndex)...]
        guard !label.isEmpty else { return false }
        return label.allSatisfy { $0.isASCIIDigit } || part(label) != nil
    }

    /// One number of an address in a URL.  What does not fit 32 bits is held at a value that no place allows.
    private static func part(_ text: ArraySlice<UInt8>) -> UInt64? {
        guard !text.isEmpty else { return nil }
        var digits = text
        var radix: UInt64 = 10
        if text.count >= 2, text.first == 0x30 {
            digits = text.dropFirst()
            radix = 8
            if digits.first?.asciiLowercased == 0x78 {
                digits = digits.dropFirst()
                radix = 16
            }
        }
        var value: UInt64 = 0
        for byte in digits {
            guard let digit = byte.hexDigitValue, digit < radix else { return nil }
            value = min(value * radix + UInt64(digit), 1 << 32)
        }
        return value
    }

    public var text: [UInt8] {
        var text = decimalText(UInt64(number >> 24))
        for shift in [UInt32(16), 8, 0] {
            text.append(0x2e)
            text += decimalText(UInt64(number >> shift & 255))
        }
        return text
    }

    /// Whether the first `length` (0 to 32) bits are those of `network`.
    public func isIn(_ network: UInt32, _ length: UInt32) -> Bool {
        length == 0 || (number ^ network) >> (32 - min(length, 32)) == 0
    }
}

/// An IPv6 address as two numbers, the first group highest.
public struct IPv6Address: Equatable, Sendable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads RFC 4291 section 2.2: groups of hex digits, `::` once for groups of zeros, an IPv4 address in place of the
    /// last two groups.  No brackets, no zone.
    public init?(_ text: ArraySlice<UInt8>) {
        var groups: [UInt64] = []
        var gap: Int?
        var rest = text
        if rest.starts(with: [0x3a, 0x3a]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            let piece = rest.prefix { $0 != 0x3a }
            rest = rest[piece.endIndex...]
            guard groups.count < 8 else { return nil }
            if piece.contains(0x2e) {
                guard rest.isEmpty, groups.count < 7, let address = IPv4Address(canonical: piece) else { return nil }
                groups.append(UInt64(address.number >> 16))
                groups.append(UInt64(address.number & 0xffff))
                break
            }
            guard let group = IPv6Address.group(piece) else { return nil }
            groups.append(group)
            if rest.isEmpty { break }
            rest = rest.dropFirst()
            if rest.first == 0x3a {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            } else if rest.isEmpty {
                return nil
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        high = groups[0] << 48 | groups[1] << 32 | groups[2] << 16 | groups[3]
        low = groups[4] << 48 | groups[5] << 32 | groups[6] << 16 | groups[7]
    }

    private static func group(_ text: ArraySlice<UInt8>) -> UInt64? {
        guard !text.isEmpty, text.count <= 4 else { return nil }
        var value: UInt64 = 0
        for byte in text {
            guard let digit = byte.hexDigitValue else { return nil }
            value = value << 4 | UInt64(digit)
        }
        return value
    }

    private func group(_ index: Int) -> UInt64 {
        (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)) & 0xffff
    }

    /// The canonical text (RFC 5952 section 4, and always in hex as the WHATWG URL standard has it), without brackets.
    public var text: [UInt8] {
        var gapStart = 8
        var gapLength = 1
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, group(end) == 0 { end += 1 }
            if end - index > gapLength {
                gapStart = index
                gapLength = end - index
            }
            index = max(end, index + 1)
        }
        var text: [UInt8] = []
        index = 0
        while index < 8 {
            if index == gapStart {
                text += [0x3a, 0x3a]
                index += gapLength
                continue
            }
            if let last = text.last, last != 0x3a { text.append(0x3a) }
            let group = group(index)
            let digits = hexText([UInt8(truncatingIfNeeded: group >> 8), UInt8(truncatingIfNeeded: group)])
            text += digits.prefix(3).drop { $0 == 0x30 } + digits.suffix(1)
            index += 1
        }
        return text
    }

    /// The address inside `::ffff:0:0/96` (RFC 4291 section 2.5.5.2).
    public var mappedIPv4: IPv4Address? {
        high == 0 && low >> 32 == 0xffff ? IPv4Address(UInt32(truncatingIfNeeded: low)) : nil
    }

    /// Whether the first `length` (0 to 128) bits are those of `network`.
    public func isIn(_ network: IPv6Address, _ length: UInt32) -> Bool {
        guard length > 0 else { return true }
        guard length > 64 else { return isIn(network.high, UInt64(length)) }
        return high == network.high && (low ^ network.low) >> UInt64(128 - min(length, 128)) == 0
    }

    /// Whether the first `length` (1 to 64) bits are those of `network`.
    func isIn(_ network: UInt64, _ length: UInt64) -> Bool { (high ^ network) >> (64 - length) == 0 }
}
