import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

@Suite("What a connection counts")
struct TrafficTests {
    @Test("messages, bytes and frames of both ends agree, however the input is cut", arguments: [1, 7, 70_000])
    func both(_ piece: Int) {
        let sender = Peer(.client, random: seededPool(1))
        let receiver = Peer(.server)
        var random = Random(2)
        for size in [0, 1, 125, 126, 65_535, 65_536, 200_000] {
            #expect(sender.send(.binary, random.bytes(size)) == nil)
        }
        #expect(sender.connection.sendPing([1]) == nil)
        let wire = sender.drain()
        var rest = wire[...]
        while !rest.isEmpty {
            receiver.receive(Array(rest.prefix(piece)))
            rest = rest.dropFirst(piece)
        }
        let sent = sender.connection.statistics
        let received = receiver.connection.statistics
        #expect(sent.messagesSent == 7 && received.messagesReceived == 7)
        #expect(sent.bytesSent == 331_323 && received.bytesReceived == 331_323)
        #expect(sent.wireBytesSent == UInt64(wire.count) && received.wireBytesReceived == UInt64(wire.count))
        #expect(received.wireBytesSent == UInt64(receiver.output.count))
        #expect(received.receivedBeforeInflate == 0 && sent.sentBeforeDeflate == 0)
    }

    @Test("RFC 7692: bytes before and after compression, of compressed messages only")
    func ratio() {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 100
        let sender = Peer(.server, settings: settings, deflate: deflated)
        let receiver = Peer(.client, deflate: deflated)
        #expect(sender.send(.text, [UInt8](repeating: 0x61, count: 5000), compress: true) == nil)
        #expect(sender.send(.text, [UInt8](repeating: 0x61, count: 99), compress: true) == nil)
        #expect(sender.send(.text, [UInt8](repeating: 0x61, count: 5000), compress: false) == nil)
        receiver.receive(sender.drain())
        let sent = sender.connection.statistics
        let received = receiver.connection.statistics
        #expect(sent.sentBeforeDeflate == 5000 && received.receivedAfterInflate == 5000)
        #expect(sent.sentAfterDeflate == received.receivedBeforeInflate)
        #expect(sent.sentAfterDeflate > 0 && sent.sentAfterDeflate < 100)
        #expect(sent.bytesSent == 10_099 && received.bytesReceived == 10_099)
    }

    @Test("RFC 7692 section 6: a message below the threshold is compressed if that is asked for")
    func belowThreshold() {
        let sender = Peer(.server, deflate: deflated)
        let failure = Array("Hello".utf8).withUnsafeBytes {
            sender.connection.send(.text, $0, compress: true, belowThreshold: true)
        }
        #expect(failure == nil)
        #expect(sender.output == hex("c107f248cdc9c90700"))
    }

    @Test("a message in fragments is one message")
    func fragments() {
        let receiver = Peer(.client)
        receiver.receive(hex("0103 48656c 8900 8002 6c6f"))
        #expect(receiver.connection.statistics.messagesReceived == 1)
        #expect(receiver.connection.statistics.bytesReceived == 5)
    }
}

@Suite("Limits of frames and memory")
struct FrameAndMemoryLimitTests {
    @Test("RFC 6455 section 10.4: a frame above its limit fails at its header, also where the message may be larger")
    func frameLimit() {
        var settings = WebSocketSettings()
        settings.maxFrameBytes = 130
        for role in [Role.client, .server] {
            let key: [UInt8]? = role == .server ? [9, 8, 7, 6] : nil
            let payload = [UInt8](repeating: 1, count: 130)
            let make = { Peer(role, settings: settings) }
            let two = frame(0x02, payload, key: key) + frame(0x80, payload, key: key)
            #expect(outcomeOfEveryCut(two, make)?.events == [.binary(payload + payload)])
            let larger = Array(frame(0x82, payload + [1], key: key).prefix(4))
            #expect(outcome([larger], make).events == [.failed(.tooBig, 1009)])
        }
    }

    @Test("an unfinished message above the memory limit fails before it is stored")
    func declared() {
        var settings = WebSocketSettings()
        settings.maxMemoryBytes = 1000
        let fits = Peer(.client, settings: settings)
        fits.receive(Array(frame(0x82, [UInt8](repeating: 1, count: 1000)).prefix(100)))
        #expect(fits.events == [] && fits.connection.heldBytes == 1000)
        let larger = Peer(.client, settings: settings)
        larger.receive(Array(frame(0x82, [UInt8](repeating: 1, count: 1001)).prefix(100)))
        #expect(larger.events == [.failed(.limit, 1009)])
    }

    @Test("what is queued to be sent counts too")
    func shared() {
        var settings = WebSocketSettings()
        settings.maxMemoryBytes = 1000
        let peer = Peer(.client, settings: settings)
        #expect(peer.send(.binary, [UInt8](repeating: 1, count: 500)) == nil)
        peer.receive(Array(frame(0x82, [UInt8](repeating: 1, count: 600)).prefix(100)))
        #expect(peer.events == [.failed(.limit, 1009)])
    }

    @Test("RFC 7692: inflating stops at the memory limit, and the streams count")
    func inflating() {
        var settings = WebSocketSettings()
        settings.maxMemoryBytes = 60_000
        let sender = Peer(.server, deflate: deflated)
        #expect(sender.connection.beginFragments(.binary, compress: true) == nil)
        let piece = [UInt8](repeating: 0, count: 15_000)
        for _ in 0..<2 {
            let failure = piece.withUnsafeBytes { sender.connection.appendFragment($0, isFinal: false) }
            #expect(failure == nil)
        }
        let peer = Peer(.client, settings: settings, deflate: deflated)
        let wire = sender.drain()
        peer.receive(wire)
        #expect(peer.events == [.failed(.limit, 1009)])
        settings.maxMemoryBytes = 80_000
        let roomy = Peer(.client, settings: settings, deflate: deflated)
        roomy.receive(wire)
        #expect(roomy.events == [])
        #expect(roomy.connection.heldBytes > 30_000 + 32_768)
    }
}
