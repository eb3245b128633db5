import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

private func settings(_ bytes: UInt32) -> WebSocketSettings {
    var settings = WebSocketSettings()
    settings.partBytes = bytes
    return settings
}

/// What the parts of one message add up to, and how many there were; nil if an event is no part of it.
private func joined(_ events: [Event]) -> (bytes: [UInt8], parts: Int)? {
    var bytes: [UInt8] = []
    for (index, event) in events.enumerated() {
        switch event {
        case .textPart(let part), .binaryPart(let part):
            guard index + 1 < events.count else { return nil }
            bytes += part
        case .text(let part), .binary(let part):
            guard index + 1 == events.count else { return nil }
            bytes += part
        default: return nil
        }
    }
    return (bytes, events.count)
}

@Suite("RFC 6455 section 5.4: messages received in parts")
struct PartsTests {
    @Test("what has arrived is given before the message ends; the last part may be empty")
    func asItArrives() {
        let peer = Peer(.client, settings: settings(1))
        peer.receive(hex("0203 010203"))
        #expect(peer.events == [.binaryPart([1, 2, 3])])
        peer.receive(hex("0002 04"))
        #expect(peer.events == [.binaryPart([1, 2, 3]), .binaryPart([4])])
        peer.receive(hex("05 8000"))
        #expect(peer.events.suffix(2) == [.binaryPart([5]), .binary([])])
    }

    @Test("a message that arrives whole in one frame is given whole")
    func whole() {
        let peer = Peer(.client, settings: settings(1))
        peer.receive(hex("8203 010203"))
        #expect(peer.events == [.binary([1, 2, 3])])
    }

    @Test("section 8.1: each part of a text is valid UTF-8, however it is cut inside its code points")
    func codePoints() {
        let text = Array("aé€😀é€😀z".utf8)
        for cut in 1..<text.count {
            for (final, role) in [(UInt8(0x80), Role.client), (0x80, .server)] {
                let key: [UInt8]? = role == .server ? [1, 2, 3, 4] : nil
                let peer = Peer(role, settings: settings(1))
                for byte in frame(0x01, Array(text[..<cut]), key: key) + frame(final, Array(text[cut...]), key: key) {
                    peer.receive([byte])
                }
                for case .textPart(let part) in peer.events {
                    #expect(String(validating: part, as: UTF8.self) != nil, "cut \(cut)")
                }
                #expect(joined(peer.events)?.bytes == text)
            }
        }
    }

    @Test("section 8.1: a wrong byte fails at once, an unfinished code point at the end")
    func invalid() {
        let peer = Peer(.client, settings: settings(1))
        peer.receive(hex("0103 61 c3 28"))
        #expect(peer.events == [.failed(.utf8, 1007)])
        let unfinished = Peer(.client, settings: settings(1))
        unfinished.receive(hex("0102 61 c3 8000"))
        #expect(unfinished.events == [.textPart([0x61]), .failed(.utf8, 1007)])
    }

    @Test("parts have the least size that was asked for, and are not much larger", arguments: [false, true])
    func sizes(_ isDirect: Bool) {
        let peer = Peer(.client, settings: settings(100_000))
        peer.usesDirectRoom = isDirect
        var random = Random(7)
        let payload = random.bytes(1_000_000)
        var rest = frame(0x82, payload)[...]
        while !rest.isEmpty {
            peer.receive(Array(rest.prefix(30_000)))
            rest = rest.dropFirst(30_000)
        }
        #expect(joined(peer.events)?.bytes == payload)
        for case .binaryPart(let part) in peer.events {
            #expect(part.count >= 100_000 && part.count <= 100_000 + 65_536)
        }
        #expect(peer.connection.heldBytes == 0)
    }

    @Test("RFC 7692 section 7.2.2: compressed messages too, without one part growing to the whole")
    func compressed() {
        let sender = Peer(.server, deflate: deflated)
        let text = [UInt8](repeating: 0x61, count: 8_000_000)
        #expect(sender.send(.text, text, compress: true) == nil)
        let wire = sender.drain()
        let peer = Peer(.client, settings: settings(65_536), deflate: deflated)
        peer.receive(wire)
        let result = joined(peer.events)
        #expect(result?.bytes == text)
        for case .textPart(let part) in peer.events { #expect(part.count <= 65_536 + 1_200_000) }
        #expect(peer.events.count > 4)
        #expect(peer.connection.statistics.receivedAfterInflate == 8_000_000)
    }

    @Test("the limits hold for the message, not for its parts")
    func limit() {
        var settings = settings(1)
        settings.maxMessageBytes = 10
        for deflate in [nil, deflated] {
            let sender = Peer(.server, deflate: deflate)
            let letters = Array("abcdefghijk".utf8)
            #expect(sender.connection.beginFragments(.text, compress: true) == nil)
            for letter in letters { sender.appendFragment([letter]) }
            let peer = Peer(.client, settings: settings, deflate: deflate)
            peer.receive(sender.drain())
            #expect(peer.events.last == .failed(.tooBig, 1009))
            #expect(joined(peer.events.dropLast() + [.text([])])?.bytes == Array(letters.prefix(10)))
        }
    }

    @Test(
        "section 5.4: every cut gives the same bytes, in both roles, compressed or not, with control frames between",
        arguments: [Role.client, .server], [nil, deflated] as [DeflateParameters?])
    func everyCut(_ role: Role, _ deflate: DeflateParameters?) {
        let sender = Peer(role == .client ? .server : .client, deflate: deflate, random: seededPool(3))
        let text = Array("naïve €uro 😀 and so on, and so on, and so on".utf8)
        #expect(sender.connection.beginFragments(.text, compress: true) == nil)
        sender.appendFragment(Array(text[..<3]))
        #expect(sender.connection.sendPing([1, 2]) == nil)
        sender.appendFragment(Array(text[3..<16]))
        sender.appendFragment(Array(text[16...]), isFinal: true)
        let wire = sender.drain()
        let make = { Peer(role, settings: settings(1), deflate: deflate) }
        let output = outcome([wire], make).output
        for cut in wire.indices {
            let result = outcome([Array(wire[..<cut]), Array(wire[cut...])], make)
            #expect(joined(result.events)?.bytes == text, "cut at \(cut)")
            #expect(result.output == output, "cut at \(cut)")
        }
        let bytewise = outcome(wire.map { [$0] }, make)
        #expect(joined(bytewise.events)?.bytes == text)
    }
}

extension Peer {
    fileprivate func appendFragment(_ bytes: [UInt8], isFinal: Bool = false) {
        let failure = bytes.withUnsafeBytes { connection.appendFragment($0, isFinal: isFinal) }
        #expect(failure == nil)
    }
}
