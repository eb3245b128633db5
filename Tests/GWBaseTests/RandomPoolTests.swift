import GWBase
import Testing

@Suite("RandomPool")
struct RandomPoolTests {
    /// A pool over bytes that count up, so that each can be recognised.
    private func counting(_ fills: @escaping () -> Void = {}) -> RandomPool {
        var next: UInt32 = 0
        return RandomPool { memory in
            fills()
            for offset in stride(from: 0, to: memory.count, by: 4) {
                memory.storeBytes(of: next, toByteOffset: offset, as: UInt32.self)
                next += 1
            }
        }
    }

    @Test("each byte of the source is used once")
    func once() {
        var fills = 0
        let pool = counting { fills += 1 }
        for number in UInt32(0)..<5000 { #expect(pool.nextUInt32() == number) }
        #expect(fills == 5)
    }

    @Test("as many bytes as were asked for")
    func bytes() {
        let pool = counting()
        for count in [0, 1, 3, 4, 5, 16, 5000] { #expect(pool.bytes(count).count == count) }
        #expect(counting().bytes(6) == [0, 0, 0, 0, 1, 0])
        #expect(counting().nextUInt64() == 1)
    }

    @Test("spread over the whole range and not beyond")
    func uniform() {
        var random = Seeded(5)
        let pool = RandomPool { memory in
            for index in memory.indices { memory[index] = UInt8.random(in: 0...255, using: &random) }
        }
        var seen = [Int](repeating: 0, count: 8)
        for _ in 0..<8000 { seen[Int(pool.uniform(upTo: 7))] += 1 }
        #expect(seen.allSatisfy { $0 > 800 && $0 < 1200 })
        #expect(pool.uniform(upTo: 0) == 0)
        let highest = RandomPool { $0.initializeMemory(as: UInt8.self, repeating: 0xff) }
        #expect(highest.uniform(upTo: .max) == .max)
        #expect(highest.uniform(upTo: 9) == 9)
    }
}
