import CJSON
import GWBase

extension ByteBuffer {
    /// Appends a JSON string: in quotes, escaped (RFC 8259 section 7), with U+FFFD in place of what is not UTF-8.
    public mutating func appendJSONString(_ utf8: UnsafeRawBufferPointer) {
        append(Tokens.quote)
        if isPlain(utf8) {
            append(utf8)
            append(Tokens.quote)
            return
        }
        var pieces = StringPieces(utf8)
        while let piece = pieces.next() {
            switch piece {
            case .plain(let bytes): append(bytes)
            case .short(let letter):
                append(Tokens.backslash)
                append(letter)
            case .control(let byte):
                append("\\u00")
                append(byte >> 4 &+ 0x30)
                append(byte & 15 < 10 ? byte & 15 &+ 0x30 : byte & 15 &+ 0x57)
            case .replacement: append("\u{fffd}")
            }
        }
        append(Tokens.quote)
    }

    public mutating func appendJSONString(_ utf8: [UInt8]) {
        utf8.withUnsafeBufferPointer { appendJSONString(UnsafeRawBufferPointer($0)) }
    }

    public mutating func appendJSONString(_ text: String) {
        var text = text
        text.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0)) }
    }

    /// Appends the decimal digits of a number, with a minus sign in front if it is negative.
    @inlinable
    public mutating func appendDecimal(_ number: some FixedWidthInteger) {
        appendDecimal(isNegative: number < 0, UInt64(truncatingIfNeeded: number.magnitude))
    }

    @usableFromInline
    mutating func appendDecimal(isNegative: Bool, _ magnitude: UInt64) {
        // 20 digits and a sign are the most that 64 bits can have; they are written from the end.
        let room = reserve(21)
        var start = 21
        var rest = magnitude
        repeat {
            start &-= 1
            room.storeBytes(of: UInt8(truncatingIfNeeded: rest % 10) &+ 0x30, toByteOffset: start, as: UInt8.self)
            rest /= 10
        } while rest > 0
        if isNegative {
            start &-= 1
            room.storeBytes(of: 0x2d, toByteOffset: start, as: UInt8.self)
        }
        room.copyMemory(from: room + start, byteCount: 21 &- start)
        commit(21 &- start)
    }
}

extension JSON {
    /// How many bytes `appendJSONString` writes, so that the length of a frame is known before it is written.
    public static func stringLength(_ utf8: UnsafeRawBufferPointer) -> Int {
        if isPlain(utf8) { return utf8.count &+ 2 }
        var length = 2
        var pieces = StringPieces(utf8)
        while let piece = pieces.next() {
            switch piece {
            case .plain(let bytes): length &+= bytes.count
            case .short: length &+= 2
            case .control: length &+= 6
            case .replacement: length &+= 3
            }
        }
        return length
    }

    public static func stringLength(_ utf8: [UInt8]) -> Int {
        utf8.withUnsafeBufferPointer { stringLength(UnsafeRawBufferPointer($0)) }
    }

    public static func stringLength(_ text: String) -> Int {
        var text = text
        return text.withUTF8 { stringLength(UnsafeRawBufferPointer($0)) }
    }
}

/// Whether a JSON string carries these bytes as they are, all of them ASCII: what most names are.
private func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let count = bytes.count
    // What is left at the end is read together with bytes in front of it, which are judged twice.
    if count >= 16 {
        var at = 0
        while count &- at >= 16 {
            guard gw_json_special(base + at) | gw_json_not_ascii(base + at) == 0 else { return false }
            at &+= 16
        }
        let last = base + (count &- 16)
        return gw_json_special(last) | gw_json_not_ascii(last) == 0
    }
    if count >= 8 {
        let first = base.loadUnaligned(as: UInt64.self)
        let last = base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        return notPlain(first) | notPlain(last) == 0
    }
    if count >= 4 {
        let first = base.loadUnaligned(as: UInt32.self)
        let last = base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        return notPlain(UInt64(first) &<< 32 | UInt64(last)) == 0
    }
    return bytes.allSatisfy { $0 >= 0x20 && $0 < 0x80 && $0 != Tokens.quote && $0 != Tokens.backslash }
}

/// 0 if all eight bytes are plain ASCII; else the lowest bit that is set belongs to the lowest byte that is not.
@inline(__always)
private func notPlain(_ word: UInt64) -> UInt64 {
    // In each byte: quote and control characters are below 0x21 once bit 1 is flipped, a backslash is 0 once its own bits
    // are.  A borrow can only set bits above the first true one.
    let low = (word ^ 0x0202_0202_0202_0202) &- 0x2121_2121_2121_2121
    let slash = (word ^ 0x5c5c_5c5c_5c5c_5c5c) &- 0x0101_0101_0101_0101
    return (low | slash | word) & 0x8080_8080_8080_8080
}

/// Cuts text into what a JSON string carries as it is and what it must write otherwise.
private struct StringPieces {
    enum Piece {
        case plain(UnsafeRawBufferPointer)
        /// A backslash and this letter.
        case short(UInt8)
        /// `\u00` and two digits.
        case control(UInt8)
        /// U+FFFD in place of the longest start of a code point that has no end, or of one byte that starts none.
        case replacement
    }

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func next() -> Piece? {
        guard at < bytes.count, let base = bytes.baseAddress else { return nil }
        let start = at
        at = endOfPlain(base)
        if at > start { return .plain(UnsafeRawBufferPointer(start: base + start, count: at &- start)) }
        let byte = bytes[at]
        if byte >= 0x80 {
            at &+= UTF8Sequence(bytes, at).length
            return .replacement
        }
        at &+= 1
        switch byte {
        case Tokens.quote, Tokens.backslash: return .short(byte)
        case 0x08: return .short(0x62)
        case 0x09: return .short(0x74)
        case 0x0a: return .short(0x6e)
        case 0x0c: return .short(0x66)
        case 0x0d: return .short(0x72)
        default: return .control(byte)
        }
    }

    private func endOfPlain(_ base: UnsafeRawPointer) -> Int {
        let end = bytes.count
        var at = at
        while true {
            while end &- at >= 8 {
                let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                let found = notPlain(word)
                guard found == 0 else {
                    at &+= found.trailingZeroBitCount &>> 3
                    break
                }
                at &+= 8
            }
            guard at < end else { return at }
            let byte = bytes[at]
            if byte >= 0x80 {
                let sequence = UTF8Sequence(bytes, at)
                guard sequence.isValid else { return at }
                at &+= sequence.length
            } else if byte < 0x20 || byte == Tokens.quote || byte == Tokens.backslash {
                return at
            } else {
                at &+= 1
            }
        }
    }
}

/// What stands at one place of bytes that should be UTF-8 (RFC 3629 section 4): a code point, or the longest start of one.
private struct UTF8Sequence {
    var length = 1
    var isValid = false

    init(_ bytes: UnsafeRawBufferPointer, _ at: Int) {
        let first = bytes[at]
        var wanted = 0
        var lowest: UInt8 = 0x80
        var highest: UInt8 = 0xbf
        switch first {
        case 0x00...0x7f: wanted = 1
        case 0xc2...0xdf: wanted = 2
        case 0xe0...0xef:
            wanted = 3
            if first == 0xe0 { lowest = 0xa0 }
            if first == 0xed { highest = 0x9f }
        case 0xf0...0xf4:
            wanted = 4
            if first == 0xf0 { lowest = 0x90 }
            if first == 0xf4 { highest = 0x8f }
        default: return
        }
        while length < wanted, at &+ length < bytes.count {
            let byte = bytes[at &+ length]
            guard byte >= lowest, byte <= highest else { return }
            lowest = 0x80
            highest = 0xbf
            length &+= 1
        }
        isValid = length == wanted
    }
}
