import GWBase
import Testing

@testable import GWDeflate

private let hello: InflateResult = .message(Array("Hello".utf8))
private let empty: InflateResult = .message([])

@Suite("RFC 7692 section 7.2.2: decompression")
struct InflatorTests {
    @Test(
        "section 7.2.3 examples",
        arguments: ["f248cdc9c90700", "000500faff48656c6c6f00", "f348cdc9c9070000", "f248050000 00ffffcac9c90700"])
    func examples(_ payload: String) {
        for piece in 1...12 {
            for room in [1, 2, 5, 6, 64] {
                let inflator = Inflator(windowBits: 15, noContextTakeover: false)
                #expect(inflator.message(hex(payload), piece: piece, room: room) == hello)
                // The stream stands where the next message begins.
                #expect(inflator.message("f248cdc9c90700") == hello)
            }
        }
    }

    @Test("section 7.2.3.6: the empty message is one byte")
    func emptyMessage() {
        let inflator = Inflator(windowBits: 15, noContextTakeover: false)
        #expect(inflator.message("00") == empty)
        #expect(inflator.message("00") == empty)
        #expect(inflator.message("f248cdc9c90700") == hello)
    }

    @Test("ten times a")
    func run() {
        let inflator = Inflator(windowBits: 15, noContextTakeover: false)
        #expect(inflator.message("4a4c84010000") == .message(Array(repeating: 0x61, count: 10)))
    }

    @Test("section 7.2.3.2: a shared window, and none")
    func takeover() {
        let kept = Inflator(windowBits: 15, noContextTakeover: false)
        #expect(kept.message("f248cdc9c90700") == hello)
        #expect(kept.message("f200110000") == hello)
        let forgets = Inflator(windowBits: 15, noContextTakeover: true)
        #expect(forgets.message("f248cdc9c90700") == hello)
        #expect(forgets.message("f200110000") == .invalid)
    }

    @Test("section 7.2.3.4: a final block, with the byte behind it and without, hides no later message")
    func finalBlock() {
        for payload in ["f348cdc9c9070000", "f348cdc9c90700"] {
            for noContextTakeover in [false, true] {
                let inflator = Inflator(windowBits: 15, noContextTakeover: noContextTakeover)
                #expect(inflator.message(payload) == hello)
                #expect(inflator.message("f248cdc9c90700") == hello)
                #expect(inflator.message(payload) == hello)
                #expect(inflator.message(payload) == hello)
            }
        }
    }

    @Test("a later message may refer to what came before a final block")
    func windowOutlivesFinalBlock() {
        for payload in ["f348cdc9c9070000", "f348cdc9c90700"] {
            let inflator = Inflator(windowBits: 15, noContextTakeover: false)
            #expect(inflator.message(payload) == hello)
            #expect(inflator.message("f200110000") == hello)
        }
    }

    @Test("junk behind a final block is no end of a message")
    func junkBehindFinalBlock() {
        for junk in ["ff", "00ff", "f248cd", "0000"] {
            let inflator = Inflator(windowBits: 15, noContextTakeover: false)
            #expect(inflator.message("f348cdc9c90700" + junk) != hello, "\(junk)")
        }
    }

    @Test("two final blocks in one message")
    func twoFinalBlocks() {
        let inflator = Inflator(windowBits: 15, noContextTakeover: false)
        #expect(inflator.message("f348cdc9c90700 f348cdc9c90700 00") == .message(Array("HelloHello".utf8)))
        #expect(inflator.message("f248cdc9c90700") == hello)
    }

    @Test("damaged streams", arguments: ["ffffff", "f200110000", "07"])
    func damaged(_ payload: String) {
        #expect(Inflator(windowBits: 15, noContextTakeover: false).message(payload) == .invalid)
    }

    @Test(
        "cut off, empty, or with the tail that belongs to the receiver",
        arguments: ["", "f248cd", "f248cdc9c9", "000500faff", "000500faff48", "f248cdc9c907000000ffff", "000400fbff"])
    func cutOff(_ payload: String) {
        for piece in 1...4 {
            let result = Inflator(windowBits: 15, noContextTakeover: false).message(hex(payload), piece: piece)
            #expect(result == .cutOff || result == .invalid)
        }
    }

    @Test("section 7.1.2: what refers behind the agreed window is refused or right, never other bytes")
    func beyondWindow() throws {
        var random = Random(11)
        let repeated = random.bytes(300)
        let message = repeated + repeated
        let payload = try #require(
            Deflator(DeflateSettings(), windowBits: 15, noContextTakeover: true).message(message))
        for piece in [1, 7, payload.count] {
            for room in [1, 61, 4096] {
                let result = Inflator(windowBits: 8, noContextTakeover: true).message(payload, piece: piece, room: room)
                #expect(result == .message(message) || result == .invalid)
            }
        }
        #expect(Inflator(windowBits: 8, noContextTakeover: true).message(payload, piece: 1, room: 1) == .invalid)
    }

    @Test("memory is given back and made again")
    func release() {
        let inflator = Inflator(windowBits: 15, noContextTakeover: true)
        #expect(!inflator.isAllocated)
        #expect(inflator.message("f248cdc9c90700") == hello)
        #expect(inflator.isAllocated && inflator.isDroppable)
        inflator.release()
        #expect(!inflator.isAllocated)
        #expect(inflator.message("f248cdc9c90700") == hello)
        #expect(!Inflator(windowBits: 15, noContextTakeover: false).isDroppable)
    }

    @Test("no bytes reach a trap; a valid prefix is never lost")
    func randomBytes() {
        var random = Random(7)
        for _ in 0..<5000 {
            let inflator = Inflator(
                windowBits: 8 + UInt8.random(in: 0...7, using: &random), noContextTakeover: Bool.random(using: &random))
            for _ in 0..<3 {
                let payload = random.bytes(Int.random(in: 0...40, using: &random))
                if case .message = inflator.message(payload, piece: 3, room: 7) { continue }
                break
            }
        }
    }
}
