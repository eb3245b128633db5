import CJSON
import GWBase

/// The tokens of RFC 8259 over raw memory.  Reading at or past `end` gives NUL, which no token may contain, so that the
/// end of the text needs no test of its own.
struct Tokens {
    let base: UnsafeRawPointer
    let end: Int
    /// The last offset with 16 bytes behind it; negative where there are fewer.
    private let lastVector: Int

    @inline(__always)
    init(_ base: UnsafeRawPointer, _ end: Int) {
        self.base = base
        self.end = end
        lastVector = end &- 16
    }

    /// The byte at an offset that is not negative.
    @inline(__always)
    func byte(_ at: Int) -> UInt8 { at < end ? base.load(fromByteOffset: at, as: UInt8.self) : 0 }

    @inline(__always)
    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

    /// The offset of the next byte that is no white space (section 2).
    @inline(__always)
    func skipSpace(_ start: Int) -> Int { byte(start) > 0x20 ? start : skipSpaceSlowly(start) }

    @inline(never)
    private func skipSpaceSlowly(_ start: Int) -> Int {
        var at = start
        while Tokens.isSpace(byte(at)) { at &+= 1 }
        return at
    }

    /// Moves to the next byte that is no white space, and gives it.
    @inline(__always)
    func next(_ at: inout Int) -> UInt8 {
        let first = byte(at)
        if first > 0x20 { return first }
        at = skipSpaceSlowly(at)
        return byte(at)
    }

    /// Moves behind one byte and the white space in front of it; false where another byte stands there.
    @inline(__always)
    func skip(_ wanted: UInt8, _ at: inout Int) -> Bool {
        if byte(at) != wanted {
            guard next(&at) == wanted else { return false }
        }
        at &+= 1
        return true
    }

    /// The offset behind the string, number or literal that starts with `first` at `at`.
    @inline(__always)
    func endOfScalar(_ first: UInt8, _ at: Int) -> Int? {
        if first == Tokens.quote { return endOfString(at &+ 1) }
        if first < 0x3a { return endOfNumber(at) }
        if isTrue(at) || isNull(at) { return at &+ 4 }
        return first == 0x66 && isFalse(at) ? at &+ 5 : nil
    }

    // MARK: Strings (section 7)

    /// The offset behind the closing quote of a string whose first byte behind the opening quote is at `start`.
    @inline(__always)
    func endOfString(_ start: Int) -> Int? {
        // Most strings are short, and have nothing to unescape.
        if start <= lastVector {
            let found = gw_json_special(base + start)
            if found != 0 {
                let at = start &+ found.trailingZeroBitCount
                if base.load(fromByteOffset: at, as: UInt8.self) == Tokens.quote { return at &+ 1 }
            }
        }
        return endOfAnyString(start)
    }

    @inline(never)
    private func endOfAnyString(_ start: Int) -> Int? {
        var at = start
        while true {
            at = skipPlain(at)
            guard at < end else { return nil }
            switch byte(at) {
            case Tokens.quote:
                return at &+ 1
            case Tokens.backslash:
                guard let next = endOfEscape(at) else { return nil }
                at = next
            default:
                return nil  // a control character
            }
        }
    }

    /// The offset of the next quote, backslash or control character, or of the end.
    @inline(__always)
    private func skipPlain(_ start: Int) -> Int {
        var at = start
        while at <= lastVector {
            let found = gw_json_special(base + at)
            if found != 0 { return at &+ found.trailingZeroBitCount }
            at &+= 16
        }
        if at < end, lastVector >= 0 {
            // The last 16 bytes once more, without those that were seen.
            let found = gw_json_special(base + lastVector) &>> UInt32(truncatingIfNeeded: at &- lastVector)
            return found == 0 ? end : at &+ found.trailingZeroBitCount
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
    func codeUnit(_ at: Int) -> UInt32? {
        var unit: UInt32 = 0
        for offset in 0..<4 {
            guard let digit = byte(at &+ offset).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }

    // MARK: Numbers (section 6) and literals (section 3)

    /// The offset behind the number that starts at `start` with a digit or a minus sign.
    @inline(never)
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
        while at <= lastVector {
            let found = gw_json_not_digit(base + at)
            if found != 0 {
                at &+= found.trailingZeroBitCount
                return at > start ? at : nil
            }
            at &+= 16
        }
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
