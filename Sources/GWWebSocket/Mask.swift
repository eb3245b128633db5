/// Masking (RFC 6455 section 5.3) in words.  A key is the four bytes of the wire loaded as one word; after a part of
/// a payload, `rotated` gives the key for the rest.
///
/// Each function also says whether all bytes it wrote are ASCII, which it sees for free: such text needs no further UTF-8 check.
enum Mask {
    /// The key as it applies behind `count` further bytes.
    @inline(__always)
    static func rotated(_ key: UInt32, by count: Int) -> UInt32 {
        let bits = UInt32(truncatingIfNeeded: count & 3) &* 8
        let word = UInt32(littleEndian: key)
        return (word &>> bits | word &<< (32 &- bits)).littleEndian
    }

    /// Masks or unmasks in place.
    @inline(__always)
    static func apply(_ key: UInt32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Bool {
        transform(key, UnsafeRawPointer(bytes), bytes, count)
    }

    /// Copies while masking or unmasking.  Source and target do not overlap, or are the same.
    @inline(__always)
    static func copy(
        _ key: UInt32, _ source: UnsafeRawPointer, to target: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        transform(key, source, target, count)
    }

    @inline(__always)
    private static func transform(
        _ key: UInt32, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int
    ) -> Bool {
        let wide = UInt64(key) << 32 | UInt64(key)
        var seen: UInt64 = 0
        var offset = 0
        if count >= 64 {
            seen = transformBlocks(wide, source, target, count & ~63)
            offset = count & ~63
        }
        while count &- offset >= 8 {
            let value = word(source, offset) ^ wide
            target.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
            seen |= value
            offset &+= 8
        }
        if count &- offset >= 4 {
            let value = source.loadUnaligned(fromByteOffset: offset, as: UInt32.self) ^ key
            target.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
            seen |= UInt64(value)
            offset &+= 4
        }
        var rest = UInt32(littleEndian: key)
        while offset < count {
            let value = source.load(fromByteOffset: offset, as: UInt8.self) ^ UInt8(truncatingIfNeeded: rest)
            target.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
            seen |= UInt64(value)
            rest &>>= 8
            offset &+= 1
        }
        return seen & high == 0
    }

    /// `count` is a multiple of 64.  Vectors of two words by hand: where source and target are the same, the compiler cannot
    /// make them from single words.
    @inline(never)
    private static func transformBlocks(
        _ wide: UInt64, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int
    ) -> UInt64 {
        let keys = SIMD2<UInt64>(wide, wide)
        var seen = SIMD2<UInt64>(0, 0)
        var offset = 0
        while offset < count {
            let a = pair(source, offset) ^ keys
            let b = pair(source, offset &+ 16) ^ keys
            let c = pair(source, offset &+ 32) ^ keys
            let d = pair(source, offset &+ 48) ^ keys
            target.storeBytes(of: a, toByteOffset: offset, as: SIMD2<UInt64>.self)
            target.storeBytes(of: b, toByteOffset: offset &+ 16, as: SIMD2<UInt64>.self)
            target.storeBytes(of: c, toByteOffset: offset &+ 32, as: SIMD2<UInt64>.self)
            target.storeBytes(of: d, toByteOffset: offset &+ 48, as: SIMD2<UInt64>.self)
            seen |= (a | b) | (c | d)
            offset &+= 64
        }
        return seen[0] | seen[1]
    }

    @inline(__always)
    private static func pair(_ bytes: UnsafeRawPointer, _ offset: Int) -> SIMD2<UInt64> {
        bytes.loadUnaligned(fromByteOffset: offset, as: SIMD2<UInt64>.self)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    private static let high: UInt64 = 0x8080_8080_8080_8080
}
