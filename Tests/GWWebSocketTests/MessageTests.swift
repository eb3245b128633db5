import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

private let protocolError: [Event] = [.failed(.protocolError, 1002)]
private let invalidText: [Event] = [.failed(.utf8, 1007)]
private let invalidDeflate: [Event] = [.failed(.deflate, 1007)]

private func client(_ bytes: [UInt8], deflate: DeflateParameters? = nil) -> [Event]? {
    outcomeOfEveryCut(bytes) { Peer(.client, deflate: deflate) }?.events
}

@Suite("RFC 6455 section 5.4: fragmentation")
struct FragmentationTests {
    @Test("control frames between fragments are handled at once and change nothing")
    func controlBetween() {
        let bytes = hex("0103 48656c 8901 2a 8a00 0000 0002 6c6f 8a01 09 8001 21")
        let result = outcomeOfEveryCut(bytes) { Peer(.client) }
        #expect(result?.events == [.text("Hello!")])
        #expect(result?.output == hex("8a8137fa213d1d"))
    }

    @Test("a continuation with nothing to continue")
    func continuationFirst() {
        #expect(client(hex("80")) == protocolError)
        #expect(client(hex("00")) == protocolError)
        #expect(client(hex("8101 61 80")) == [.text("a")] + protocolError)
        #expect(client(hex("0101 61 8001 62 80")) == [.text("ab")] + protocolError)
    }

    @Test("a new message inside another one")
    func nested() {
        for first: UInt8 in [0x81, 0x82, 0x01, 0x02] {
            #expect(client(hex("0101 61") + [first]) == protocolError)
            #expect(client(hex("0201 61 0001 61") + [first]) == protocolError)
        }
        #expect(client(hex("0101 61 c1"), deflate: deflated) == protocolError)
    }

    @Test("empty fragments and all-empty messages")
    func emptyFragments() {
        #expect(client(hex("8100")) == [.text("")])
        #expect(client(hex("8200")) == [.binary([])])
        #expect(client(hex("0100 0000 8000")) == [.text("")])
        #expect(client(hex("0100 0001 61 0000 8000 8200")) == [.text("a"), .binary([])])
    }

    @Test("the number of fragments is bounded")
    func fragmentCount() {
        var settings = WebSocketSettings()
        settings.maxFragments = 3
        let make = { Peer(.client, settings: settings) }
        #expect(outcomeOfEveryCut(hex("0100 0000 8000 0100"), make)?.events == [.text("")])
        #expect(outcomeOfEveryCut(hex("0100 0000 0000 8000"), make)?.events == [.failed(.limit, 1008)])
        // The second byte is there when it is known; the payload is not waited for.
        #expect(outcomeOfEveryCut(hex("0101 61 0001 61 0001 61 007d"), make)?.events == [.failed(.limit, 1008)])
    }

    @Test("messages of unknown length, sent in fragments")
    func sent() {
        let peer = Peer(.server)
        #expect(peer.connection.beginFragments(.text, compress: false) == nil)
        for (piece, isFinal) in [("Hel", false), ("", false), ("lo", true)] {
            let failure = Array(piece.utf8).withUnsafeBytes { peer.connection.appendFragment($0, isFinal: isFinal) }
            #expect(failure == nil)
        }
        #expect(peer.output == hex("0103 48656c 0000 8002 6c6f"))
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        #expect(peer.connection.appendFragment(nothing, isFinal: true)?.status == .state)
    }

    @Test("control frames may be sent between fragments, other messages not")
    func sentBetween() {
        let peer = Peer(.server)
        #expect(peer.connection.beginFragments(.text, compress: false) == nil)
        let failure = Array("a".utf8).withUnsafeBytes { peer.connection.appendFragment($0, isFinal: false) }
        #expect(failure == nil)
        #expect(peer.send(.text, [0x62])?.status == .state)
        #expect(peer.connection.beginFragments(.text, compress: false)?.status == .state)
        #expect(peer.connection.sendPing([1]) == nil)
        let last = Array("c".utf8).withUnsafeBytes { peer.connection.appendFragment($0, isFinal: true) }
        #expect(last == nil)
        #expect(peer.send(.text, [0x64]) == nil)
        #expect(peer.output == hex("0101 61 8901 01 8001 63 8101 64"))
    }
}

@Suite("RFC 6455 section 8.1: UTF-8")
struct TextTests {
    @Test(
        "legal though often refused",
        arguments: [
            "00", "efbfbe", "efbfbf", "ed9fbf", "ee8080", "f48fbfbf", "efbbbf", "c280", "dfbf", "e0a080", "f0908080",
        ])
    func legal(_ text: String) {
        let bytes = hex(text)
        #expect(client(frame(0x81, bytes)) == [.text(bytes)])
        // A code point may be cut by frames anywhere.
        for cut in 0...bytes.count {
            #expect(client(frame(0x01, Array(bytes[..<cut])) + frame(0x80, Array(bytes[cut...]))) == [.text(bytes)])
        }
        let long = [UInt8](repeating: 0x61, count: 61) + bytes + [UInt8](repeating: 0x61, count: 40)
        #expect(client(frame(0x81, long)) == [.text(long)])
    }

    @Test(
        "the first hopeless byte, in an unfinished frame",
        arguments: [
            ("c080", 0), ("c1bf", 0), ("80", 0), ("fe", 0), ("ff", 0), ("f888808080", 0), ("e08080", 1),
            ("f0808080", 1),
            ("eda080", 1), ("edaf80edbf80", 1), ("f4908080", 1), ("cebae1bdb9cf83cebcceb5eda080656469746564", 12),
            ("cebae1bdb9cf83cebcceb5f4908080656469746564", 12), ("c3c3", 1), ("e282e2", 2),
        ])
    func hopeless(_ text: String, _ index: Int) {
        let bytes = hex(text)
        for first: UInt8 in [0x81, 0x01] {
            let peer = Peer(.client)
            peer.receive(frame(first, declared: 100))
            for byte in bytes[..<index] { peer.receive([byte]) }
            #expect(peer.events == [])
            peer.receive([bytes[index]])
            #expect(peer.events == invalidText)
            #expect(client(frame(first, Array(bytes[...index]), declared: 100)) == invalidText)
        }
        #expect(client(frame(0x81, bytes)) == invalidText)
        // Binary messages are not looked at.
        #expect(client(frame(0x82, bytes)) == [.binary(bytes)])
        #expect(client(frame(0x89, bytes)) == [])
    }

    @Test("an unfinished code point at the end")
    func unfinished() {
        for text in ["c3", "e282", "f09f98", "61f0"] {
            #expect(client(frame(0x81, hex(text))) == invalidText)
            #expect(client(frame(0x01, hex(text)) + hex("8000")) == invalidText)
        }
    }

    @Test("a code point over frames, with a control frame inside")
    func overFrames() {
        #expect(client(hex("0101 e2 8900 0001 82 8a00 8001 ac")) == [.text("€")])
        #expect(client(hex("0101 e2 8900 0001 82 8a00 0001 63")) == invalidText)
    }

    @Test("the state is each message's own")
    func ownState() {
        #expect(client(hex("0201 e2 8000 8101 61")) == [.binary([0xe2]), .text("a")])
        #expect(client(hex("0201 61 8001 e2 8103 e282ac")) == [.binary([0x61, 0xe2]), .text("€")])
    }

    @Test("inflated text is checked as it comes")
    func inflated() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 0
        for (text, isGood) in [("e282ac", true), ("eda080", false), ("61e282", false)] {
            let sender = Peer(.server, settings: settings, deflate: deflated)
            #expect(sender.send(.text, hex(text), compress: true) == nil)
            #expect(client(sender.output, deflate: deflated) == (isGood ? [.text(hex(text))] : invalidText))
        }
    }

    @Test("a server checks masked text likewise")
    func masked() {
        let make = { Peer(.server) }
        let key: [UInt8] = [0x80, 0, 0xff, 0x7f]
        let good = Array("aé€😀 and so on for more than one step of a loop: ééé".utf8)
        #expect(outcomeOfEveryCut(frame(0x81, good, key: key), make)?.events == [.text(good)])
        #expect(outcomeOfEveryCut(frame(0x81, good + [0xe2], key: key), make)?.events == invalidText)
        #expect(outcomeOfEveryCut(frame(0x81, good + [0xff, 0x61], key: key), make)?.events == invalidText)
    }
}

@Suite("RFC 6455 section 10.4: limits, inclusive, met before the bytes")
struct LimitTests {
    private let tooBig: [Event] = [.failed(.tooBig, 1009)]

    private func make(_ limit: UInt32, _ role: Role = .client, deflate: DeflateParameters? = nil) -> () -> Peer {
        var settings = WebSocketSettings()
        settings.maxMessageBytes = limit
        settings.deflate.thresholdBytes = 0
        return { Peer(role, settings: settings, deflate: deflate) }
    }

    @Test("plain, at the limit and one above")
    func plain() {
        for limit in [0, 10, 125, 126, 300] {
            let good = [UInt8](repeating: 0x61, count: limit)
            #expect(outcomeOfEveryCut(frame(0x81, good), make(UInt32(limit)))?.events == [.text(good)])
            // The header alone is enough to fail.
            let header = frame(0x81, declared: UInt64(limit + 1))
            #expect(outcomeOfEveryCut(header, make(UInt32(limit)))?.events == tooBig)
            #expect(outcomeOfEveryCut(header + good + [0x61], make(UInt32(limit)))?.events == tooBig)
        }
        for limit in [65535, 65536, 70000] {
            let good = [UInt8](repeating: 0x61, count: limit)
            #expect(outcome([frame(0x82, good)], make(UInt32(limit))).events == [.binary(good)])
            #expect(outcome([frame(0x82, declared: UInt64(limit + 1))], make(UInt32(limit))).events == tooBig)
        }
    }

    @Test("the key of a frame above the limit is not waited for")
    func beforeKey() {
        #expect(outcomeOfEveryCut(hex("828b"), make(10, .server))?.events == tooBig)
        #expect(outcomeOfEveryCut(hex("82fe0100"), make(255, .server))?.events == tooBig)
    }

    @Test("fragmented, on the running total")
    func fragmented() {
        #expect(outcomeOfEveryCut(hex("0203 616161 8002 6161"), make(5))?.events == [.binary(Array("aaaaa".utf8))])
        #expect(outcomeOfEveryCut(hex("0203 616161 8003"), make(5))?.events == tooBig)
        #expect(outcomeOfEveryCut(hex("0203 616161 0002 6161 0000 8001"), make(5))?.events == tooBig)
        // The top of the number range does not wrap around.
        #expect(outcomeOfEveryCut(hex("0203 616161 807f7fffffffffffffff"), make(5))?.events == tooBig)
    }

    @Test("inflated, at the limit and one above, plain and fragmented, into the arena and beyond it")
    func inflated() {
        for limit in [1, 100, 1024, 4096, 65_536, 100_000, 300_000] {
            for size in [limit, limit + 1] {
                let message = [UInt8](repeating: 0x61, count: size)
                let sender = make(.max, .server, deflate: deflated)()
                #expect(sender.send(.text, message, compress: true) == nil)
                let bytes = sender.drain()
                let expected = size == limit ? [Event.text(message)] : tooBig
                #expect(outcome([bytes], make(UInt32(limit), deflate: deflated)).events == expected)
                #expect(outcome(bytes.map { [$0] }, make(UInt32(limit), deflate: deflated)).events == expected)
            }
        }
    }

    @Test("incompressible messages of exactly the limit pass though their payload is longer")
    func incompressible() {
        var random = Random(1)
        for limit in [1, 10, 1000, 70_000] {
            let message = random.bytes(limit)
            let sender = make(.max, .server, deflate: deflated)()
            #expect(sender.send(.binary, message, compress: true) == nil)
            let bytes = sender.drain()
            #expect(outcome([bytes], make(UInt32(limit), deflate: deflated)).events == [.binary(message)])
        }
    }

    @Test("a bomb stops at the limit; blocks that yield nothing are bounded too")
    func bombs() {
        let sender = make(.max, .server, deflate: deflated)()
        #expect(sender.send(.binary, [UInt8](repeating: 0, count: 16_777_216), compress: true) == nil)
        let bytes = sender.drain()
        #expect(bytes.count < 20_000)
        let peer = make(65_536, deflate: deflated)()
        peer.receive(bytes)
        #expect(peer.events == tooBig)

        let empty = make(1000, deflate: deflated)()
        let blocks = (0..<200).flatMap { _ in hex("000000ffff") }
        empty.receive(frame(0x42, blocks))
        for _ in 0..<4 where empty.events == [] { empty.receive(frame(0x00, blocks)) }
        #expect(empty.events == tooBig)
    }

    @Test("a new limit holds from the next frame on")
    func changed() {
        let peer = make(10)()
        peer.receive(frame(0x82, [UInt8](repeating: 1, count: 10)))
        peer.connection.maxMessageBytes = 20
        peer.receive(frame(0x82, [UInt8](repeating: 1, count: 20)))
        peer.receive(frame(0x82, declared: 21))
        #expect(peer.events.count == 3 && peer.events.last == tooBig.first)
    }

    @Test("a declared length allocates nothing by itself")
    func declaredLength() {
        let peer = Peer(.client)
        peer.receive(frame(0x82, declared: 26_214_400))
        #expect(peer.connection.directRoom()?.count == 65_536)
    }
}

@Suite("RFC 7692: compressed messages")
struct CompressedMessageTests {
    @Test("uncompressed messages are always allowed and leave the window alone (section 6)")
    func mixed() {
        #expect(
            client(hex("c107f248cdc9c90700 8103 616263 c105f200110000"), deflate: deflated)
                == [.text("Hello"), .text("abc"), .text("Hello")])
    }

    @Test("section 7.2.3.4: a final block, then a message")
    func finalBlock() {
        #expect(
            client(hex("c108f348cdc9c9070000 c107f248cdc9c90700"), deflate: deflated) == [
                .text("Hello"), .text("Hello"),
            ])
        #expect(
            client(hex("c107f348cdc9c90700 c105f200110000"), deflate: deflated) == [.text("Hello"), .text("Hello")])
    }

    @Test(
        "streams that are wrong fail before anything is delivered",
        arguments: [
            "c103ffffff", "c105f200110000", "c100", "c103f248cd", "c205000500faff", "c10bf248cdc9c907000000ffff",
            "4103f248cd 8000",
        ])
    func wrong(_ bytes: String) {
        #expect(client(hex(bytes), deflate: deflated) == invalidDeflate)
    }

    @Test("the message is empty: one byte")
    func empty() {
        #expect(client(hex("c10100"), deflate: deflated) == [.text("")])
        #expect(client(hex("4100 0000 800100"), deflate: deflated) == [.text("")])
    }

    @Test("below the threshold, or not wished for, or with a window of 256 bytes, messages go plain")
    func plain() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 10
        let peer = Peer(.server, settings: settings, deflate: deflated)
        #expect(peer.send(.text, [UInt8](repeating: 0x61, count: 9), compress: true) == nil)
        #expect(peer.drain().first == 0x81)
        #expect(peer.send(.text, [UInt8](repeating: 0x61, count: 10), compress: false) == nil)
        #expect(peer.drain().first == 0x81)
        #expect(peer.send(.text, [UInt8](repeating: 0x61, count: 10), compress: true) == nil)
        #expect(peer.drain().first == 0xc1)
        let small = Peer(.server, settings: settings, deflate: DeflateParameters(serverMaxWindowBits: 8))
        #expect(small.connection.isDeflating)
        #expect(small.send(.text, [UInt8](repeating: 0x61, count: 10), compress: true) == nil)
        #expect(small.drain().first == 0x81)
    }

    @Test("a payload that grows over a border of the length forms")
    func grows() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 0
        var random = Random(9)
        for role in [Role.client, .server] {
            for size in [0, 1, 119, 120, 121, 122, 123, 124, 125, 126, 65_500, 65_515, 65_520, 65_530, 65_535, 65_536] {
                let message = random.bytes(size)
                let sender = Peer(role, settings: settings, deflate: deflated)
                #expect(sender.send(.binary, message, compress: true) == nil)
                let receiver = Peer(role == .client ? .server : .client, deflate: deflated)
                receiver.receive(sender.drain())
                #expect(receiver.events == [.binary(message)])
            }
        }
    }

    @Test("fragments of unknown length, compressed; each can be read when it is there")
    func fragments() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 0
        let sender = Peer(.client, settings: settings, deflate: deflated)
        let receiver = Peer(.server, deflate: deflated)
        for _ in 0..<3 {
            #expect(sender.connection.beginFragments(.text, compress: true) == nil)
            for (piece, isFinal) in [("Hel", false), ("", false), ("lo", false), ("", true)] {
                let failure = Array(piece.utf8).withUnsafeBytes {
                    sender.connection.appendFragment($0, isFinal: isFinal)
                }
                #expect(failure == nil)
            }
            receiver.receive(sender.drain())
        }
        #expect(receiver.events == [.text("Hello"), .text("Hello"), .text("Hello")])
    }
}
