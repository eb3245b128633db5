/// Random bytes for machines that draw none themselves: filled by a secure source a few KiB at a time, each byte used
/// once and then erased.
public final class RandomPool {
    private static let size = 4096
    private let memory = UnsafeMutableRawPointer.allocate(byteCount: RandomPool.size, alignment: 16)
    private var used = RandomPool.size
    private let fill: (UnsafeMutableRawBufferPointer) -> Void

    /// `fill` overwrites the whole buffer with random bytes: a secure source, or a seeded one in tests.
    public init(fill: @escaping (UnsafeMutableRawBufferPointer) -> Void) { self.fill = fill }

    deinit {
        secureZero(memory, RandomPool.size)
        memory.deallocate()
    }

    /// A fresh masking key (RFC 6455 section 5.3).
    public func nextUInt32() -> UInt32 {
        if RandomPool.size &- used < 4 { refill() }
        let value = memory.loadUnaligned(fromByteOffset: used, as: UInt32.self)
        memory.storeBytes(of: 0, toByteOffset: used, as: UInt32.self)
        used &+= 4
        return value
    }

    public func nextUInt64() -> UInt64 { UInt64(nextUInt32()) << 32 | UInt64(nextUInt32()) }

    /// `count` random bytes.
    public func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            var word = nextUInt32()
            for _ in 0..<min(4, count - result.count) {
                result.append(UInt8(truncatingIfNeeded: word))
                word >>= 8
            }
        }
        return result
    }

    /// A random UUID (RFC 9562 section 5.4) as text.
    public func uuid() -> [UInt8] {
        var bytes = bytes(16)
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text = hexText(bytes)
        for place in [8, 13, 18, 23] { text.insert(0x2d, at: place) }
        return text
    }

    /// Evenly spread over 0...limit.
    public func uniform(upTo limit: UInt32) -> UInt32 {
        // The product's high half; its bias is below 2^-32 and no secret hangs on it.
        UInt32(truncatingIfNeeded: (UInt64(nextUInt32()) * (UInt64(limit) + 1)) >> 32)
    }

    private func refill() {
        fill(UnsafeMutableRawBufferPointer(start: memory, count: RandomPool.size))
        used = 0
    }
}
