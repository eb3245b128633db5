import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

@Suite("Sending")
struct SendingTests {
    @Test("pieces are masked as one payload, however they are cut")
    func pieces() {
        let message = Array("The quick brown fox jumps over the lazy dog, again and again.".utf8)
        let whole = Peer(.client)
        #expect(whole.send(.text, message) == nil)
        for size in 1...message.count {
            let peer = Peer(.client)
            peer.connection.beginMessage(.text, length: message.count, compress: false)
            for start in stride(from: 0, to: message.count, by: size) {
                Array(message[start..<min(start + size, message.count)]).withUnsafeBytes { peer.connection.append($0) }
            }
            #expect(peer.connection.endMessage() == nil)
            #expect(peer.output == whole.output)
        }
    }

    @Test("pieces that do not add up send nothing, and harm nothing", arguments: [0, 1, 1000] as [UInt32])
    func mismatch(_ threshold: UInt32) {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = threshold
        settings.deflate.clientNoContextTakeover = false
        let sender = Peer(.client, settings: settings, deflate: deflated)
        let receiver = Peer(.server, deflate: deflated)
        let bytes = Array("some words that repeat, some words that repeat".utf8)
        for (length, isGood) in [(46, true), (45, false), (47, false), (46, true), (-1, false), (46, true)] {
            sender.connection.beginMessage(.text, length: length, compress: true)
            bytes.withUnsafeBytes { sender.connection.append($0) }
            #expect((sender.connection.endMessage() == nil) == isGood)
            receiver.receive(sender.drain())
        }
        #expect(receiver.events == [Event](repeating: .text(bytes), count: 3))
    }

    @Test("a message begun inside another one: neither is sent")
    func nested() {
        let peer = Peer(.server)
        peer.connection.beginMessage(.text, length: 1, compress: false)
        peer.connection.beginMessage(.text, length: 1, compress: false)
        [0x61].withUnsafeBytes { peer.connection.append($0) }
        #expect(peer.connection.endMessage()?.status == .state)
        #expect(peer.connection.endMessage()?.status == .internal)
        #expect(peer.connection.endMessage()?.status == .state)
        #expect(peer.output == [])
        #expect(peer.send(.text, [0x61]) == nil)
        #expect(peer.output == hex("8101 61"))
    }

    @Test("closing inside a message takes back what was written of it")
    func closeInside() {
        let peer = Peer(.server)
        peer.connection.beginMessage(.text, length: 2, compress: false)
        [UInt8(0x61)].withUnsafeBytes { peer.connection.append($0) }
        #expect(peer.connection.sendClose(1000, [], peer.now) == nil)
        #expect(peer.output == hex("880203e8"))
        [UInt8(0x61)].withUnsafeBytes { peer.connection.append($0) }
        #expect(peer.connection.endMessage() != nil)
        #expect(peer.output == hex("880203e8"))
    }

    @Test("buffered bytes and memory")
    func memory() {
        let peer = Peer(.server)
        #expect(peer.send(.text, [UInt8](repeating: 0x61, count: 1000)) == nil)
        #expect(peer.connection.bufferedAmount == 1004)
        _ = peer.drain()
        #expect(peer.connection.bufferedAmount == 0)
        peer.connection.releaseMemory()
        #expect(peer.connection.output.capacity == 0)
    }

    @Test("an idle connection gives its compression streams back, where nothing refers to them")
    func idleStreams() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 0
        let peer = Peer(
            .client, settings: settings, deflate: DeflateParameters(serverNoContextTakeover: true))
        let other = Peer(
            .server, settings: settings, deflate: DeflateParameters(serverNoContextTakeover: true))
        func exchange() {
            #expect(peer.send(.text, Array("Hello".utf8), compress: true) == nil)
            other.receive(peer.drain())
            #expect(other.send(.text, Array("Hello".utf8), compress: true) == nil)
            peer.receive(other.drain())
        }
        exchange()
        #expect(peer.connection.deflator!.isAllocated && peer.connection.inflator!.isAllocated)
        for isIdle in [false, true] {
            repeat {
                peer.now = peer.connection.deadline
                peer.record(peer.connection.tick(peer.now))
            } while peer.output.isEmpty
            other.receive(peer.drain())
            peer.now = Instant(microseconds: peer.now.microseconds + 1)
            peer.receive(other.drain())
            #expect(peer.connection.deflator!.isAllocated == !isIdle)
            #expect(peer.connection.inflator!.isAllocated == !isIdle)
        }
        exchange()
        #expect(peer.events == [.text("Hello"), .text("Hello")])
        #expect(other.events == [.text("Hello"), .text("Hello")])
    }
}

@Suite("Receiving")
struct ReceivingTests {
    @Test("a whole message in one frame is a slice of the window")
    func noCopy() {
        let connection = WebSocketConnection(
            role: .server, settings: WebSocketSettings(), deflate: nil, random: fixedPool(),
            now: Instant(microseconds: 0))
        let arena = Arena(chunkSize: 1024)
        var bytes =
            frame(0x81, Array("Hello".utf8), key: [1, 2, 3, 4])
            + frame(0x82, [UInt8](repeating: 9, count: 200), key: [1, 2, 3, 4])
        bytes.withUnsafeMutableBytes { window in
            var offset = 0
            guard case .message(.text, let first) = connection.next(window, &offset, arena, Instant(microseconds: 1))
            else {
                Issue.record("no message")
                return
            }
            #expect(first.baseAddress == UnsafeRawPointer(window.baseAddress! + 6))
            #expect(offset == 11)
            guard case .message(.binary, let second) = connection.next(window, &offset, arena, Instant(microseconds: 1))
            else {
                Issue.record("no message")
                return
            }
            #expect(second.baseAddress == UnsafeRawPointer(window.baseAddress! + 19))
            #expect(offset == window.count)
        }
    }

    @Test("large payloads are received directly, and give the same")
    func direct() {
        var random = Random(4)
        for role in [Role.client, .server] {
            for kind in [MessageKind.text, .binary] {
                let message =
                    kind == .binary
                    ? random.bytes(1_000_000) : Array(String(repeating: "naïve € 😀 ", count: 60_000).utf8)
                let sender = Peer(role == .client ? .server : .client, random: seededPool(3))
                #expect(sender.send(kind, message) == nil)
                #expect(sender.send(kind, [0x61]) == nil)
                let bytes = sender.drain()
                let expected: [Event] =
                    kind == .binary ? [.binary(message), .binary([0x61])] : [.text(message), .text("a")]
                for usesDirectRoom in [true, false] {
                    for piece in [1000, 16_411, 300_001] {
                        let peer = Peer(role)
                        peer.usesDirectRoom = usesDirectRoom
                        for start in stride(from: 0, to: bytes.count, by: piece) {
                            peer.receive(Array(bytes[start..<min(start + piece, bytes.count)]))
                        }
                        #expect(peer.events == expected)
                        #expect((peer.directBytes > 500_000) == usesDirectRoom)
                    }
                }
            }
        }
    }

    @Test("a wrong byte in a direct payload fails at once")
    func directFailure() {
        let peer = Peer(.client)
        peer.receive(frame(0x81, declared: 1_000_000))
        peer.receive([UInt8](repeating: 0x61, count: 100_000) + [0xff])
        #expect(peer.events == [.failed(.utf8, 1007)])
        #expect(peer.directBytes == 100_001)
        #expect(peer.connection.directRoom() == nil)
    }

    @Test("text that is not UTF-8 counts on the wire, but not as a message", arguments: ["ff", "e282"])
    func badTextIsNotCounted(_ end: String) {
        for isCut in [false, true] {
            let peer = Peer(.client)
            let bytes = frame(0x81, Array("naïve".utf8)) + frame(0x81, Array("bad ".utf8) + hex(end))
            for piece in isCut ? bytes.map({ [$0] }) : [bytes] { peer.receive(piece) }
            #expect(peer.events == [.text("naïve"), .failed(.utf8, 1007)])
            #expect(peer.connection.statistics.messagesReceived == 1)
            #expect(peer.connection.statistics.bytesReceived == 6)
            #expect(peer.connection.statistics.wireBytesReceived == UInt64(bytes.count))
        }
    }

    @Test("nonsense from the transport does no harm")
    func nonsense() {
        let peer = Peer(.client)
        var offset = 5
        var bytes: [UInt8] = [0x81]
        bytes.withUnsafeMutableBytes { peer.record(peer.connection.next($0, &offset, peer.arena, peer.now)) }
        offset = -1
        bytes.withUnsafeMutableBytes { peer.record(peer.connection.next($0, &offset, peer.arena, peer.now)) }
        peer.record(peer.connection.directReceived(100, peer.arena, peer.now))
        peer.record(
            peer.connection.next(UnsafeMutableRawBufferPointer(start: nil, count: 0), &offset, peer.arena, peer.now))
        #expect(peer.events == [])
    }
}

@Suite("Both roles, joined")
struct JoinedTests {
    /// Text or bytes that compress well, badly or not at all.
    private func message(_ random: inout Random) -> (MessageKind, [UInt8]) {
        let size = [0, 1, 5, 125, 126, 127, 1000, 5000, 65_535, 65_536, 200_000].randomElement(using: &random)!
        switch Int.random(in: 0...3, using: &random) {
        case 0: return (.binary, random.bytes(size))
        case 1: return (.binary, random.bytes(size, alphabet: 3))
        case 2: return (.text, random.bytes(size, alphabet: 127))
        default:
            let words = ["é", "€", "😀", "plain words ", "ж", "\u{0}"]
            var text: [UInt8] = []
            while text.count < size { text += Array(words.randomElement(using: &random)!.utf8) }
            return (.text, text)
        }
    }

    @Test("seeded sessions of messages, fragments, pings and cuts, over all parameter sets", arguments: 0..<24)
    func sessions(_ seed: UInt64) {
        var random = Random(seed)
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = UInt32.random(in: 0...200, using: &random)
        settings.deflate.clientNoContextTakeover = Bool.random(using: &random)
        settings.deflate.serverNoContextTakeover = Bool.random(using: &random)
        settings.deflate.level = Int32.random(in: 0...9, using: &random)
        settings.deflate.memoryLevel = Int32.random(in: 1...9, using: &random)
        let parameters: DeflateParameters? =
            seed % 4 == 0
            ? nil
            : DeflateParameters(
                serverNoContextTakeover: Bool.random(using: &random),
                clientNoContextTakeover: Bool.random(using: &random),
                serverMaxWindowBits: UInt8.random(in: 8...15, using: &random),
                clientMaxWindowBits: UInt8.random(in: 8...15, using: &random))
        let client = Peer(.client, settings: settings, deflate: parameters, random: seededPool(seed))
        let server = Peer(.server, settings: settings, deflate: parameters)
        client.usesDirectRoom = Bool.random(using: &random)
        server.usesDirectRoom = Bool.random(using: &random)
        var sent: [[Event]] = [[], []]
        let ends = [client, server]

        for _ in 0..<40 {
            let side = Int.random(in: 0...1, using: &random)
            let from = ends[side]
            let to = ends[1 - side]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let (kind, bytes) = message(&random)
                let compress = Bool.random(using: &random)
                sent[side].append(kind == .text ? .text(bytes) : .binary(bytes))
                if Int.random(in: 0...2, using: &random) > 0 {
                    #expect(from.send(kind, bytes, compress: compress) == nil)
                } else {
                    #expect(from.connection.beginFragments(kind, compress: compress) == nil)
                    var start = 0
                    repeat {
                        let end = min(bytes.count, start + Int.random(in: 0...max(bytes.count / 2, 1), using: &random))
                        let isFinal = end == bytes.count
                        let failure = Array(bytes[start..<end]).withUnsafeBytes {
                            from.connection.appendFragment($0, isFinal: isFinal)
                        }
                        #expect(failure == nil)
                        if Bool.random(using: &random), !isFinal { #expect(from.connection.sendPing([1]) == nil) }
                        start = end
                        if isFinal { break }
                    } while true
                }
                if Bool.random(using: &random) { #expect(from.connection.sendPing(random.bytes(5)) == nil) }
            }
            while !from.output.isEmpty {
                to.receive(from.drain(Int.random(in: 1...100_000, using: &random)))
            }
        }
        for end in ends { _ = end.drain() }
        #expect(server.events == sent[0])
        #expect(client.events == sent[1])

        #expect(client.connection.sendClose(4321, Array("done".utf8), client.now) == nil)
        server.receive(client.drain())
        client.receive(server.drain())
        #expect(client.connection.isEnded && server.connection.isEnded)
        #expect(client.connection.closeSummary.isClean && server.connection.closeSummary.isClean)
        #expect(server.connection.closeSummary.first == .peer && client.connection.closeSummary.first == .local)
    }

    @Test("random bytes give the same for every way of cutting, and reach no trap")
    func randomBytes() {
        var random = Random(77)
        for round in 0..<3000 {
            let role: Role = round % 2 == 0 ? .client : .server
            let deflate = round % 3 == 0 ? deflated : nil
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let first = [
                    0x81, 0x82, 0x01, 0x80, 0x00, 0x89, 0x8a, 0xc1, 0x41, 0x88,
                    UInt8.random(in: 0...255, using: &random),
                ]
                .randomElement(using: &random)!
                let payload = random.bytes(
                    Int.random(in: 0...8, using: &random), alphabet: [127, 255].randomElement(using: &random)!)
                let isMasked = (role == .server) != (Int.random(in: 0...30, using: &random) == 0)
                bytes += frame(first, payload, key: isMasked ? random.bytes(4) : nil)
            }
            #expect(outcomeOfEveryCut(bytes) { Peer(role, deflate: deflate) } != nil, "round \(round)")
        }
    }
}
