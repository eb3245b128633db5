import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

private let key: [UInt8] = [0x37, 0xfa, 0x21, 0x3d]

/// What a peer of that role gives for a frame, for every cut; only the events.
private func client(_ bytes: [UInt8], deflate: DeflateParameters? = nil) -> [Event]? {
    outcomeOfEveryCut(bytes) { Peer(.client, deflate: deflate) }?.events
}

private func server(_ bytes: [UInt8], deflate: DeflateParameters? = nil) -> [Event]? {
    outcomeOfEveryCut(bytes) { Peer(.server, deflate: deflate) }?.events
}

private let protocolError: [Event] = [.failed(.protocolError, 1002)]

@Suite("RFC 6455 section 5.2: frames")
struct FrameTests {
    @Test("section 5.7 examples, received")
    func examplesReceived() {
        #expect(client(hex("810548656c6c6f")) == [.text("Hello")])
        #expect(server(hex("818537fa213d7f9f4d5158")) == [.text("Hello")])
        #expect(client(hex("010348656c 80026c6f")) == [.text("Hello")])
        #expect(client(hex("c107f248cdc9c90700"), deflate: deflated) == [.text("Hello")])
        #expect(server(hex("c18737fa213dc5b2ecf4fefd21"), deflate: deflated) == [.text("Hello")])
        #expect(client(hex("4103f248cd 8004c9c90700"), deflate: deflated) == [.text("Hello")])
    }

    @Test("section 5.7 examples, sent")
    func examplesSent() {
        let client = Peer(.client)
        #expect(client.send(.text, Array("Hello".utf8)) == nil)
        #expect(client.output == hex("818537fa213d7f9f4d5158"))
        let server = Peer(.server)
        #expect(server.send(.text, Array("Hello".utf8)) == nil)
        #expect(server.output == hex("810548656c6c6f"))
    }

    @Test("RFC 7692 section 7.2.3.1: a compressed message, sent")
    func compressedSent() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 0
        let client = Peer(.client, settings: settings, deflate: deflated)
        #expect(client.send(.text, Array("Hello".utf8), compress: true) == nil)
        #expect(client.output == hex("c18737fa213dc5b2ecf4fefd21"))
        let server = Peer(.server, settings: settings, deflate: deflated)
        #expect(server.send(.text, Array("Hello".utf8), compress: true) == nil)
        #expect(server.output == hex("c107f248cdc9c90700"))
    }

    @Test(
        "length forms and masks at their borders",
        arguments: [
            (0, "8200", "828037fa213d"), (125, "827d", "82fd37fa213d"), (126, "827e007e", "82fe007e37fa213d"),
            (127, "827e007f", "82fe007f37fa213d"), (65535, "827effff", "82feffff37fa213d"),
            (65536, "827f0000000000010000", "82ff000000000001000037fa213d"),
        ])
    func lengthForms(_ length: Int, _ plain: String, _ masked: String) {
        var random = Random(UInt64(length))
        let payload = random.bytes(length)
        let server = Peer(.server)
        #expect(server.send(.binary, payload) == nil)
        #expect(server.output == hex(plain) + payload)
        let client = Peer(.client)
        #expect(client.send(.binary, payload) == nil)
        #expect(client.output == hex(masked) + payload.enumerated().map { $1 ^ key[$0 & 3] })

        let receiver = Peer(.client)
        receiver.receive(server.output)
        #expect(receiver.events == [.binary(payload)])
        let second = Peer(.server)
        for byte in client.output { second.receive([byte]) }
        #expect(second.events == [.binary(payload)])
    }

    @Test("section 5.2: reserved bits without an extension, and RSV2 and RSV3 always")
    func reservedBits() {
        for bits: UInt8 in [0x40, 0x20, 0x10, 0x70] {
            for opcode: UInt8 in [0, 1, 2, 8, 9, 10] {
                #expect(client([0x80 | bits | opcode]) == protocolError)
                if bits != 0x40 { #expect(client([0x80 | bits | opcode], deflate: deflated) == protocolError) }
            }
        }
    }

    @Test("RFC 7692 section 6.1: RSV1 on continuations and control frames")
    func misplacedCompression() {
        for opcode: UInt8 in [8, 9, 10] { #expect(client([0xc0 | opcode], deflate: deflated) == protocolError) }
        #expect(client(hex("0101 61 c0"), deflate: deflated) == protocolError)
    }

    @Test("section 5.2: reserved opcodes fail with the first byte")
    func reservedOpcodes() {
        for opcode: UInt8 in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            #expect(client([0x80 | opcode]) == protocolError)
            #expect(server([0x80 | opcode]) == protocolError)
        }
    }

    @Test("section 5.1: masks in the wrong direction fail with the second byte")
    func maskDirection() {
        for opcode: UInt8 in [1, 2, 8, 9, 10] {
            #expect(client([0x80 | opcode, 0x80]) == protocolError)
            #expect(server([0x80 | opcode, 0x00]) == protocolError)
        }
        #expect(server(hex("8105 48656c6c6f")) == protocolError)
        #expect(client(hex("818537fa213d7f9f4d5158")) == protocolError)
    }

    @Test("section 5.3: a key of zeros is a key")
    func zeroKey() {
        #expect(server(frame(0x81, Array("Hello".utf8), key: [0, 0, 0, 0])) == [.text("Hello")])
        #expect(server(frame(0x81, hex("c3a9"), key: [0, 0, 0, 0])) == [.text("é")])
    }

    @Test("section 5.5: control frames are whole and have at most 125 bytes")
    func controlFrames() {
        for opcode: UInt8 in [8, 9, 10] {
            #expect(client([opcode]) == protocolError)
            #expect(client([0x80 | opcode, 126]) == protocolError)
            #expect(client([0x80 | opcode, 127]) == protocolError)
            #expect(server([0x80 | opcode, 0xfe]) == protocolError)
        }
        #expect(client(frame(0x89, Array(repeating: 7, count: 125))) == [])
        #expect(client(frame(0x89, [1], length: 16)) == protocolError)
    }

    @Test("section 5.2: lengths in their shortest form")
    func minimalLengths() {
        for length in [0, 5, 125] {
            let payload = [UInt8](repeating: 0x61, count: length)
            #expect(client(frame(0x82, payload, length: 16)) == protocolError)
            #expect(client(frame(0x82, payload, length: 64)) == protocolError)
        }
        #expect(client(frame(0x82, declared: 65535).prefix(2) + hex("7f")) == [])
        #expect(client(frame(0x82, [], length: 64, declared: 126)) == protocolError)
        #expect(client(frame(0x82, [], length: 64, declared: 65535)) == protocolError)
        // Judged before the key and the payload are there.
        #expect(server(hex("82fe007d")) == protocolError)
        #expect(server(hex("82ff000000000000ffff")) == protocolError)
    }

    @Test("section 5.2: the top bit of a 64-bit length")
    func topBit() {
        #expect(client(hex("827f8000000000000000")) == protocolError)
        #expect(client(hex("827fffffffffffffffff")) == protocolError)
        #expect(client(hex("827f7fffffffffffffff")) == [.failed(.tooBig, 1009)])
    }

    @Test("section 5.3: a fresh key for every frame, in the order of the pool")
    func freshKeys() {
        let peer = Peer(.client, random: seededPool(1))
        let pool = seededPool(1)
        for _ in 0..<3000 {
            #expect(peer.send(.binary, [0, 0, 0, 0]) == nil)
            var word = pool.nextUInt32()
            let bytes = withUnsafeBytes(of: &word) { Array($0) }
            #expect(peer.drain() == [0x82, 0x84] + bytes + bytes)
        }
    }
}

@Suite("RFC 6455 section 5.3: masking")
struct MaskTests {
    @Test("every length, alignment and phase, in place and copied")
    func everyLength() {
        var random = Random(5)
        let key = random.bytes(4)
        let word = key.withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
        for length in 0...140 {
            for alignment in 0..<8 {
                let plain = random.bytes(length + 16, alphabet: length % 2 == 0 ? 127 : 255)
                for phase in 0..<4 {
                    let expected = (0..<length).map { plain[alignment + $0] ^ key[(phase + $0) & 3] }
                    let rotated = Mask.rotated(word, by: phase)
                    var memory = plain
                    let isASCII = memory.withUnsafeMutableBytes {
                        Mask.apply(rotated, $0.baseAddress! + alignment, length)
                    }
                    #expect(Array(memory[alignment..<(alignment + length)]) == expected)
                    // Nothing beside the range is touched.
                    #expect(memory[..<alignment] == plain[..<alignment])
                    #expect(memory[(alignment + length)...] == plain[(alignment + length)...])
                    #expect(isASCII == expected.allSatisfy { $0 < 128 })
                    var copy = [UInt8](repeating: 0, count: length + 16)
                    copy.withUnsafeMutableBytes { target in
                        plain.withUnsafeBytes {
                            _ = Mask.copy(rotated, $0.baseAddress! + alignment, to: target.baseAddress! + 3, length)
                        }
                    }
                    #expect(Array(copy[3..<(3 + length)]) == expected)
                    #expect(copy[(3 + length)...].allSatisfy { $0 == 0 })
                }
            }
        }
    }

    @Test("one byte above 127 anywhere is seen")
    func ascii() {
        for length in 0...140 {
            var bytes = [UInt8](repeating: 0x61, count: length)
            #expect(
                bytes.withUnsafeBytes {
                    UTF8Validator.isASCII($0.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, length)
                })
            for index in 0..<length {
                bytes[index] = 0x80
                #expect(!bytes.withUnsafeBytes { UTF8Validator.isASCII($0.baseAddress!, length) })
                bytes[index] = 0x61
            }
        }
        var long = [UInt8](repeating: 0x61, count: 5000)
        for index in stride(from: 0, to: 5000, by: 7) {
            long[index] = 0xff
            #expect(!long.withUnsafeBytes { UTF8Validator.isASCII($0.baseAddress!, 5000) })
            long[index] = 0x61
        }
    }
}
