import GWBase
import Testing

@Suite("UTF-8 (RFC 3629, RFC 6455 section 8.1)")
struct UTF8ValidatorTests {
    private enum Verdict: Equatable {
        case whole
        case partial
        case invalid
    }

    private func verdict(_ bytes: [UInt8], cut: Int = 0) -> Verdict {
        var validator = UTF8Validator()
        guard Array(bytes[..<cut]).withRaw({ validator.check($0) }),
            Array(bytes[cut...]).withRaw({ validator.check($0) })
        else { return .invalid }
        return validator.isComplete ? .whole : .partial
    }

    @Test("section 4: every scalar is accepted, cut anywhere")
    func scalars() {
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            guard value < 0x3000 || value % 37 == 0 || value & 0xff00 == 0xff00 else { continue }
            let bytes = Array(String(scalar).utf8)
            for cut in 0...bytes.count where verdict(bytes, cut: cut) != .whole {
                Issue.record("U+\(String(value, radix: 16)) cut at \(cut)")
            }
            for count in 1..<bytes.count where verdict(Array(bytes[..<count])) != .partial {
                Issue.record("U+\(String(value, radix: 16)) of which \(count) bytes arrived")
            }
        }
    }

    @Test("section 4: the same verdict as the grammar for all sequences of two bytes and for chosen ones of four")
    func grammar() {
        for first in UInt8(0)...255 {
            for second in UInt8(0)...255 { compare([first, second]) }
        }
        let edges: [UInt8] = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
            0xf0, 0xf1, 0xf3,
            0xf4, 0xf5, 0xff,
        ]
        for a in edges {
            for b in edges {
                for c in edges {
                    for d in edges { compare([a, b, c, d]) }
                }
            }
        }
    }

    private func compare(_ bytes: [UInt8]) {
        let isWhole = String(validating: bytes, as: UTF8.self) != nil
        if (verdict(bytes) == .whole) != isWhole { Issue.record("\(bytes)") }
    }

    @Test(
        "RFC 6455 section 8.1: fails at the first byte after which nothing valid can follow",
        arguments: [
            [0x80], [0xc0], [0xc1], [0xf5], [0xff], [0xe0, 0x9f], [0xed, 0xa0], [0xf0, 0x8f], [0xf4, 0x90],
            [0xe1, 0x80, 0x41],
        ] as [[UInt8]])
    func earliest(_ bytes: [UInt8]) {
        for prefix in [0, 1, 31, 32, 33, 64, 100] {
            let text = [UInt8](repeating: 0x61, count: prefix) + bytes
            #expect(verdict(text) == .invalid)
            #expect(verdict(Array(text.dropLast())) != .invalid)
        }
    }

    @Test("a bad byte is found at every place of a long text")
    func everyPlace() {
        for place in 0..<200 {
            var text = [UInt8](repeating: 0x61, count: 200)
            text[place] = 0xff
            if verdict(text) != .invalid { Issue.record("not seen at \(place)") }
        }
    }

    @Test("RFC 3629 section 4: long text, valid and broken, has the same verdict whole as byte by byte")
    func vectors() {
        var random = Seeded(7)
        for round in 0..<20_000 {
            var text: [UInt8] = []
            let count = Int.random(in: 0...400, using: &random)
            while text.count < count {
                let limit: UInt32 = [0x7f, 0x7ff, 0xffff, 0x10ffff].randomElement(using: &random) ?? 0x7f
                guard let scalar = Unicode.Scalar(UInt32.random(in: 0...limit, using: &random)) else { continue }
                text += Array(String(scalar).utf8)
            }
            for _ in 0..<round % 3 where !text.isEmpty {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var byByte = UTF8Validator()
            let isValid = text.allSatisfy { byte in [byte].withRaw { byByte.check($0) } }
            let expected: Verdict = isValid ? (byByte.isComplete ? .whole : .partial) : .invalid
            let cut = Int.random(in: 0...text.count, using: &random)
            if verdict(text) != expected || verdict(text, cut: cut) != expected {
                Issue.record("\(text), cut at \(cut)")
            }
        }
    }

    @Test("once it has failed it stays failed, whatever follows")
    func staysFailed() {
        var validator = UTF8Validator()
        #expect(![0xff].withRaw { validator.check($0) })
        #expect(!Array("ok".utf8).withRaw { validator.check($0) })
        let accepted = validator.check(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(!accepted)
        #expect(!validator.isComplete)
    }

    @Test("no bytes at all are whole")
    func empty() {
        var validator = UTF8Validator()
        let accepted = validator.check(UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(accepted)
        #expect(validator.isComplete)
    }
}
