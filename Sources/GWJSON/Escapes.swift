extension Tokens {
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
