import GWBase
import Testing

@testable import GWDeflate

@Suite("RFC 7692 section 7.2.1: compression")
struct DeflatorTests {
    private func settings(_ level: Int32 = 6, _ memoryLevel: Int32 = 8) -> DeflateSettings {
        var settings = DeflateSettings()
        settings.level = level
        settings.memoryLevel = memoryLevel
        return settings
    }

    @Test("section 7.2.3.1: one block, tail taken off")
    func hello() {
        let deflator = Deflator(settings(), windowBits: 15, noContextTakeover: false)
        #expect(deflator.message(Array("Hello".utf8)) == hex("f248cdc9c90700"))
        #expect(deflator.message(Array("Hello".utf8)) == hex("f200110000"))
    }

    @Test("section 7.1.1: without context takeover each message stands for itself")
    func noTakeover() {
        let deflator = Deflator(settings(), windowBits: 15, noContextTakeover: true)
        for _ in 0..<3 { #expect(deflator.message(Array("Hello".utf8)) == hex("f248cdc9c90700")) }
    }

    @Test("section 7.2.3.6: the empty message is one byte, also behind another one")
    func empty() {
        let deflator = Deflator(settings(), windowBits: 15, noContextTakeover: false)
        #expect(deflator.message([]) == [0])
        #expect(deflator.message(Array("Hello".utf8)) != nil)
        #expect(deflator.message([]) == [0])
        #expect(deflator.message([]) == [0])
    }

    @Test("a window of 256 bytes cannot be deflated for")
    func smallestWindow() {
        #expect(!Deflator.canDeflate(windowBits: 8))
        #expect((9...15).allSatisfy { Deflator.canDeflate(windowBits: $0) })
        #expect(!Deflator.canDeflate(windowBits: 16))
    }

    @Test("an abandoned message leaves nothing that a later one refers to")
    func abandon() {
        let deflator = Deflator(settings(), windowBits: 15, noContextTakeover: false)
        let inflator = Inflator(windowBits: 15, noContextTakeover: false)
        let secret = Array("a long enough text that later text would refer to".utf8)
        #expect(inflator.message(deflator.message(Array("first".utf8))!) == .message(Array("first".utf8)))
        var dropped = ByteBuffer()
        let isGood = secret.withUnsafeBytes { deflator.deflate($0, into: &dropped) }
        #expect(isGood)
        deflator.abandonMessage()
        #expect(inflator.message(deflator.message(secret)!) == .message(secret))
        deflator.release()
        #expect(inflator.message(deflator.message(secret)!) == .message(secret))
    }

    @Test("flushed pieces can be inflated before the message ends")
    func flush() {
        let deflator = Deflator(settings(), windowBits: 15, noContextTakeover: false)
        let inflator = Inflator(windowBits: 15, noContextTakeover: false)
        var output = ByteBuffer()
        for piece in ["Hel", "", "lo"] {
            var isGood = Array(piece.utf8).withUnsafeBytes { deflator.deflate($0, into: &output) }
            isGood = isGood && deflator.flush(into: &output)
            #expect(isGood)
        }
        let isFinished = deflator.finishMessage(into: &output)
        #expect(isFinished)
        #expect(inflator.message(output.array) == .message(Array("Hello".utf8)))
        #expect(inflator.message(deflator.message(Array("Hello".utf8))!) == .message(Array("Hello".utf8)))
    }

    @Test("sessions of random messages, all windows, levels and memory levels")
    func sessions() {
        var random = Random(20)
        for windowBits in UInt8(9)...15 {
            for level in Int32(0)...9 {
                let takeover = Bool.random(using: &random)
                let deflator = Deflator(
                    settings(level, Int32.random(in: 1...9, using: &random)), windowBits: windowBits,
                    noContextTakeover: !takeover)
                let inflator = Inflator(windowBits: windowBits, noContextTakeover: !takeover)
                for _ in 0..<6 {
                    let size = [0, 1, 100, 5000, 70_000].randomElement(using: &random)!
                    let message = random.bytes(size, alphabet: [1, 20, 255].randomElement(using: &random)!)
                    let payload = deflator.message(message, piece: Int.random(in: 1000...80_000, using: &random))!
                    let room = Int.random(in: 500...5000, using: &random)
                    #expect(inflator.message(payload, piece: 777, room: room) == .message(message))
                }
            }
        }
    }

    @Test("every output size around the end of the room ends with the tail taken off")
    func exactRoom() {
        var random = Random(3)
        for size in 900...1100 {
            let deflator = Deflator(settings(0), windowBits: 15, noContextTakeover: false)
            let inflator = Inflator(windowBits: 15, noContextTakeover: false)
            let message = random.bytes(size)
            #expect(inflator.message(deflator.message(message)!) == .message(message))
        }
    }
}
