import GWBase

/// Seeded (SplitMix64), so that a kept input does the same again.
struct Random {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

func seededPool(_ seed: UInt64) -> RandomPool {
    var random = Random(seed)
    return RandomPool { memory in
        for offset in stride(from: 0, to: memory.count - 7, by: 8) {
            memory.storeBytes(of: random.next(), toByteOffset: offset, as: UInt64.self)
        }
    }
}
