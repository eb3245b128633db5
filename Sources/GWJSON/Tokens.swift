import GWBase

/// The tokens of RFC 8259 over raw memory.  Reading at or past `end` gives NUL, which no token may contain, so that the
/// end of the text needs no test of its own.
struct Tokens {
    let base: UnsafeRawPointer
    let end: Int

    @inline(__always)
    init(_ base: UnsafeRawPointer, _ end: Int) {
        self.base = base
        self.end = end
    }

    /// The byte at an offset that is not negative.
    @inline(__always)
    func byte(_ at: Int) -> UInt8 { at < end ? base.load(fromByteOffset: at, as: UInt8.self) : 0 }

    /// The offset of the next byte that is no white space (section 2).
    @inline(__always)
    func skipSpace(_ start: Int) -> Int { byte(start) > 0x20 ? start : skipSpaceSlowly(start) }

    /// Moves to the next byte that is no white space, and gives it.
    @inline(__always)
    func next(_ at: inout Int) -> UInt8 {
        let first = byte(at)
        if first > 0x20 { return first }
        at = skipSpaceSlowly(at)
        return byte(at)
    }

    @inline(never)
    private func skipSpaceSlowly(_ start: Int) -> Int {
        var at = start
        while true {
            switch byte(at) {
            case 0x20, 0x0a, 0x0d, 0x09: at &+= 1
            default: return at
            }
        }
    }

    // MARK: Strings (section 7)

    /// The offset behind the closing quote of a string whose first byte behind the opening quote is at `start`.
    @inline(__always)
    func endOfString(_ start: Int) -> Int? {
        var at = start
        while true {
            at = skipPlain(at)
            switch byte(at) {
            case Tokens.quote:
                return at &+ 1
            case Tokens.backslash:
                guard let next = endOfEscape(at) else { return nil }
                at = next
            default:
                return nil  // a control character, or the end
            }
        }
    }

    /// The offset of the next quote, backslash or control character, or of the end.
    @inline(__always)
    private func skipPlain(_ start: Int) -> Int {
        var at = start
        while end &- at >= 8 {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            // In each byte: quote and control characters are below 0x21 once bit 1 is flipped, a backslash is 0 once its
            // own bits are.  A borrow can only set bits above the first true one.
            let low = (word ^ 0x0202_0202_0202_0202) &- 0x2121_2121_2121_2121
            let slash = (word ^ 0x5c5c_5c5c_5c5c_5c5c) &- 0x0101_0101_0101_0101
            let found = (low | slash) & ~word & 0x8080_8080_8080_8080
            if found != 0 { return at &+ (found.trailingZeroBitCount &>> 3) }
            at &+= 8
        }
        while at < end {
            let byte = byte(at)
            if byte < 0x20 || byte == Tokens.quote || byte == Tokens.backslash { break }
            at &+= 1
        }
        return at
    }

    private func endOfEscape(_ backslash: Int) -> Int? {
        switch byte(backslash &+ 1) {
        case 0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74:
            return backslash &+ 2
        case 0x75:
            return codeUnit(backslash &+ 2) == nil ? nil : backslash &+ 6
        default:
            return nil
        }
    }

    /// The number that four hex digits write.
    private func codeUnit(_ at: Int) -> UInt32? {
        var unit: UInt32 = 0
        for offset in 0..<4 {
            guard let digit = byte(at &+ offset).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    /// The scalar that the escape at `backslash` stands for, and the offset behind it.  A surrogate without its partner
    /// stands for U+FFFD (section 8.2 leaves it open).
    func unescape(_ backslash: Int) -> (scalar: UInt32, next: Int) {
        let letter = byte(backslash &+ 1)
        switch letter {
        case 0x62: return (0x08, backslash &+ 2)
        case 0x66: return (0x0c, backslash &+ 2)
        case 0x6e: return (0x0a, backslash &+ 2)
        case 0x72: return (0x0d, backslash &+ 2)
        case 0x74: return (0x09, backslash &+ 2)
        case 0x75:
            guard let unit = codeUnit(backslash &+ 2) else { return (0xfffd, backslash &+ 2) }
            let next = backslash &+ 6
            guard unit >= 0xd800, unit < 0xe000 else { return (unit, next) }
            if unit < 0xdc00, byte(next) == Tokens.backslash, byte(next &+ 1) == 0x75,
                let low = codeUnit(next &+ 2), low >= 0xdc00, low < 0xe000
            {
                return (0x1_0000 + (unit - 0xd800) << 10 + (low - 0xdc00), next &+ 6)
            }
            return (0xfffd, next)
        default: return (UInt32(letter), backslash &+ 2)
        }
    }

    /// Whether the content of a string, which starts at `start` and ends at `end`, is `name` once unescaped.
    func unescapedEquals(_ start: Int, _ name: StaticString) -> Bool {
        let wanted = name.utf8Start
        let count = name.utf8CodeUnitCount
        var matched = 0
        var at = start
        while at < end {
            let byte = byte(at)
            if byte == Tokens.backslash {
                let (scalar, next) = unescape(at)
                let code = UTF8Code(scalar)
                guard count &- matched >= code.count else { return false }
                for index in 0..<code.count where wanted[matched &+ index] != code[index] { return false }
                matched &+= code.count
                at = next
            } else {
                guard matched < count, wanted[matched] == byte else { return false }
                matched &+= 1
                at &+= 1
            }
        }
        return matched == count
    }

    // MARK: Numbers (section 6) and literals (section 3)

    /// The offset behind the number that starts at `start` with a digit or a minus sign.
    @inline(__always)
    func endOfNumber(_ start: Int) -> Int? {
        var at = start
        if byte(at) == 0x2d { at &+= 1 }
        if byte(at) == 0x30 {
            at &+= 1
        } else {
            guard let next = skipDigits(at) else { return nil }
            at = next
        }
        if byte(at) == 0x2e {
            guard let next = skipDigits(at &+ 1) else { return nil }
            at = next
        }
        if byte(at) | 0x20 == 0x65 {
            at &+= 1
            if byte(at) == 0x2b || byte(at) == 0x2d { at &+= 1 }
            guard let next = skipDigits(at) else { return nil }
            at = next
        }
        return at
    }

    /// The offset behind one or more digits.
    @inline(__always)
    private func skipDigits(_ start: Int) -> Int? {
        var at = start
        while byte(at).isASCIIDigit { at &+= 1 }
        return at > start ? at : nil
    }

    @inline(__always)
    func isTrue(_ at: Int) -> Bool { fourBytes(at) == 0x6575_7274 }

    @inline(__always)
    func isNull(_ at: Int) -> Bool { fourBytes(at) == 0x6c6c_756e }

    @inline(__always)
    func isFalse(_ at: Int) -> Bool { fourBytes(at &+ 1) == 0x6573_6c61 }

    /// Four bytes as a little-endian number, 0 where fewer are left.
    @inline(__always)
    private func fourBytes(_ at: Int) -> UInt32 {
        guard end &- at >= 4 else { return 0 }
        return UInt32(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt32.self))
    }

    static let quote: UInt8 = 0x22
    static let backslash: UInt8 = 0x5c
    static let comma: UInt8 = 0x2c
    static let colon: UInt8 = 0x3a
    static let openBracket: UInt8 = 0x5b
    static let closeBracket: UInt8 = 0x5d
    static let openBrace: UInt8 = 0x7b
    static let closeBrace: UInt8 = 0x7d
}

/// The one to four bytes of a scalar in UTF-8 (RFC 3629 section 3).
struct UTF8Code {
    private let bytes: UInt32
    let count: Int

    init(_ scalar: UInt32) {
        switch scalar {
        case 0..<0x80:
            bytes = scalar
            count = 1
        case 0x80..<0x800:
            bytes = 0xc0 | scalar >> 6 | (0x80 | scalar & 0x3f) << 8
            count = 2
        case 0x800..<0x1_0000:
            bytes = 0xe0 | scalar >> 12 | (0x80 | scalar >> 6 & 0x3f) << 8 | (0x80 | scalar & 0x3f) << 16
            count = 3
        default:
            bytes =
                0xf0 | scalar >> 18 & 7 | (0x80 | scalar >> 12 & 0x3f) << 8 | (0x80 | scalar >> 6 & 0x3f) << 16
                | (0x80 | scalar & 0x3f) << 24
            count = 4
        }
    }

    subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: bytes >> (8 &* UInt32(truncatingIfNeeded: index))) }
}
