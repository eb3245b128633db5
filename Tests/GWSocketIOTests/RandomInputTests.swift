import GWBase
import GWJSON
import GWSocketIO
import Testing

/// A trap would end the host's process, so getting through is the test.
@Suite("Random and broken messages")
struct RandomInputTests {
    /// Messages of the vectors, to be broken.
    private func seeds() throws -> [[UInt8]] {
        try vectors("cases", of: "packets.json").compactMap { ($0["wire"] as? String)?.bytes }
            + vectors("cases", of: "engineio.json").compactMap { ($0["text"] as? String)?.bytes }
    }

    @Test("25,000 of them into a machine, in each of its states")
    func machine() throws {
        let seeds = try seeds()
        var random = Seeded(7)
        var told = 0
        for _ in 0..<500 {
            let end = ClientEnd(seed: random.next())
            _ = end.join("/", auth: random.chance(50) ? .asked : .none)
            _ = end.join("/admin")
            end.connect(openPacket: random.chance(90) ? ClientEnd.open : nil)
            if random.chance(80) {
                end.receive(#"40{"sid":"S","pid":"P"}"#)
                end.receive(#"40/admin,{"sid":"S","pid":"P"}"#)
            }
            for _ in 0..<50 {
                if random.chance(15) {
                    end.receive(binary: (0..<random.below(9)).map { UInt8(truncatingIfNeeded: $0) })
                } else {
                    end.receive(mutated(seeds[random.below(seeds.count)], &random))
                }
                if random.chance(5) { end.advance(UInt32(random.below(60_000))) }
                if end.closing != nil {
                    end.lose()
                    end.connect()
                    end.receive(#"40/admin,{"sid":"S","pid":"P"}"#)
                }
            }
            told += end.take().count
        }
        #expect(told > 3000)
    }

    @Test("what the codec takes for a packet points into its text, and can be written again")
    func codec() throws {
        let seeds = try seeds().map { Array($0.dropFirst()) }
        var random = Seeded(11)
        var packets = 0
        for _ in 0..<30_000 {
            let memory = Memory(mutated(seeds[random.below(seeds.count)], &random))
            defer { withExtendedLifetime(memory) {} }
            guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 10) else { continue }
            packets += 1
            for range in [packet.namespace, packet.payload?.range, packet.name?.range].compactMap(\.self) {
                #expect(range.upperBound <= memory.bytes.count)
            }
            if packet.payload?.isArray == true, let arguments = packet.arguments(in: memory.readable) {
                memory.bytes[arguments.lowerBound] = UInt8(ascii: "[")
                let array = UnsafeRawBufferPointer(rebasing: memory.readable[arguments])
                #expect(JSON.isValid(array), "\(text(memory.readable))")
            }
        }
        #expect(packets > 300)
    }

    /// A message with some bytes changed, cut out, doubled or put in.
    private func mutated(_ message: [UInt8], _ random: inout Seeded) -> [UInt8] {
        let tokens = Array(#"0123456789-/,[]{}":_"\abtrue"#.utf8) + [0, 0x1f, 0xc3, 0xff]
        if random.chance(2) { return (0..<random.below(30)).map { _ in tokens[random.below(tokens.count)] } }
        var bytes = message
        for _ in 0..<random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            let end = min(bytes.count, place + 1 + random.below(12))
            switch random.below(4) {
            case 0: bytes[place] = tokens[random.below(tokens.count)]
            case 1: bytes.removeSubrange(place..<end)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
            default: bytes.insert(tokens[random.below(tokens.count)], at: place)
            }
        }
        return bytes
    }
}
