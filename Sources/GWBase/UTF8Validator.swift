import CUTF8

/// Incremental UTF-8 check (RFC 3629; RFC 6455 section 8.1) that fails at the first byte after which nothing valid can
/// follow.
///
/// The state is one number, so a code point may be cut anywhere: between reads, frames or inflated pieces.  Nine states
/// of six bits lie in each table word; a step is one load and one shift, free of branches.  Where whole code points follow each
/// other, vectors take as many of them as they can; what they leave, and every error, is this table's.
public struct UTF8Validator {
    private var state: UInt64 = UTF8Validator.accept

    public init() {}

    /// Whether the bytes so far end with a whole code point.
    public var isComplete: Bool { state == UTF8Validator.accept }

    /// Checks further bytes; false as soon as they cannot be UTF-8.
    public mutating func check(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let base = bytes.baseAddress else { return state != UTF8Validator.reject }
        let count = bytes.count
        var offset = 0
        var current = state
        utf8Table.withUnsafeBufferPointer { table in
            while offset < count {
                if current == UTF8Validator.accept {
                    offset = UTF8Validator.skipASCII(base, offset, count)
                    offset &+= UTF8Validator.skipValid(base + offset, count &- offset)
                }
                let end = min(offset &+ 64, count)
                while offset < end {
                    let byte = base.load(fromByteOffset: offset, as: UInt8.self)
                    current = (table[Int(byte)] &>> current) & 63
                    offset &+= 1
                }
                if current == UTF8Validator.reject { return }
            }
        }
        state = current
        return current != UTF8Validator.reject
    }

    /// Whether a whole text is UTF-8.
    public static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        if let base = text.baseAddress, isASCII(base, text.count) { return true }
        var validator = UTF8Validator()
        return validator.check(text) && validator.isComplete
    }

    /// Whether all bytes are below 128.
    @inline(__always)
    public static func isASCII(_ bytes: UnsafeRawPointer, _ count: Int) -> Bool {
        var seen: UInt64 = 0
        var offset = 0
        if count >= 32 {
            while count &- offset >= 32 {
                seen |= word(bytes, offset) | word(bytes, offset &+ 8)
                seen |= word(bytes, offset &+ 16) | word(bytes, offset &+ 24)
                offset &+= 32
                // Looking up now and then: what is not ASCII is seen early, what is runs at full width.
                if offset & 1023 == 0, seen & high != 0 { return false }
            }
            // The last 32 bytes once more, in place of a loop over what is left.
            offset = count &- 32
            seen |= word(bytes, offset) | word(bytes, offset &+ 8)
            seen |= word(bytes, offset &+ 16) | word(bytes, offset &+ 24)
        } else if count >= 8 {
            seen = word(bytes, 0) | word(bytes, count &- 8)
            if count > 16 { seen |= word(bytes, 8) | word(bytes, count &- 16) }
        } else {
            while offset < count {
                seen |= UInt64(bytes.load(fromByteOffset: offset, as: UInt8.self))
                offset &+= 1
            }
        }
        return seen & high == 0
    }

    /// The first offset at or after `start` from which 32 bytes are not all ASCII.
    private static func skipASCII(_ base: UnsafeRawPointer, _ start: Int, _ count: Int) -> Int {
        var offset = start
        while count &- offset >= 32 {
            let a = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            let b = base.loadUnaligned(fromByteOffset: offset &+ 8, as: UInt64.self)
            let c = base.loadUnaligned(fromByteOffset: offset &+ 16, as: UInt64.self)
            let d = base.loadUnaligned(fromByteOffset: offset &+ 24, as: UInt64.self)
            if (a | b | c | d) & 0x8080_8080_8080_8080 != 0 { break }
            offset &+= 32
        }
        return offset
    }

    /// Bytes of whole code points that vectors find; 0 for what is not worth the call.
    private static func skipValid(_ base: UnsafeRawPointer, _ count: Int) -> Int {
        guard count >= 64 else { return 0 }
        return min(gw_utf8_valid_prefix(base.assumingMemoryBound(to: UInt8.self), count), count)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    private static let high: UInt64 = 0x8080_8080_8080_8080

    // States, as the shift that reaches their field of a table word.
    fileprivate static let accept: UInt64 = 0
    fileprivate static let reject: UInt64 = 6
    fileprivate static let oneMore: UInt64 = 12
    fileprivate static let twoMore: UInt64 = 18
    fileprivate static let threeMore: UInt64 = 24
    fileprivate static let afterE0: UInt64 = 30
    fileprivate static let afterED: UInt64 = 36
    fileprivate static let afterF0: UInt64 = 42
    fileprivate static let afterF4: UInt64 = 48
}

private let utf8Table: [UInt64] = {
    (0...255).map { value in
        let byte = UInt8(truncatingIfNeeded: value)
        func next(_ from: UInt64) -> UInt64 {
            switch (from, byte) {
            case (UTF8Validator.accept, 0x00...0x7f): UTF8Validator.accept
            case (UTF8Validator.accept, 0xc2...0xdf): UTF8Validator.oneMore
            case (UTF8Validator.accept, 0xe0): UTF8Validator.afterE0
            case (UTF8Validator.accept, 0xed): UTF8Validator.afterED
            case (UTF8Validator.accept, 0xe1...0xef): UTF8Validator.twoMore
            case (UTF8Validator.accept, 0xf0): UTF8Validator.afterF0
            case (UTF8Validator.accept, 0xf1...0xf3): UTF8Validator.threeMore
            case (UTF8Validator.accept, 0xf4): UTF8Validator.afterF4
            case (UTF8Validator.oneMore, 0x80...0xbf): UTF8Validator.accept
            case (UTF8Validator.twoMore, 0x80...0xbf): UTF8Validator.oneMore
            case (UTF8Validator.threeMore, 0x80...0xbf): UTF8Validator.twoMore
            case (UTF8Validator.afterE0, 0xa0...0xbf): UTF8Validator.oneMore
            case (UTF8Validator.afterED, 0x80...0x9f): UTF8Validator.oneMore
            case (UTF8Validator.afterF0, 0x90...0xbf): UTF8Validator.twoMore
            case (UTF8Validator.afterF4, 0x80...0x8f): UTF8Validator.twoMore
            default: UTF8Validator.reject
            }
        }
        var word: UInt64 = 0
        for state in stride(from: UInt64(0), through: 48, by: 6) { word |= next(state) << state }
        return word
    }
}()
