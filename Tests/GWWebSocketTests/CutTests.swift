import GWBase
import GWDeflate
import Testing

@testable import GWWebSocket

@Suite("RFC 6455 section 5.2: a stream has no borders but those of its frames")
struct CutTests {
    private static let roles = [Role.client, .server]

    /// One session: messages whole and in fragments, compressed and not, control frames between, and the close.
    private func session(to role: Role, _ deflate: DeflateParameters?) -> [UInt8] {
        var settings = WebSocketSettings()
        settings.deflate.thresholdBytes = 4
        let sender = Peer(
            role == .client ? .server : .client, settings: settings, deflate: deflate, random: seededPool(5))
        let text = Array("Grüße, 世界 😀, and again Grüße, 世界 😀".utf8)
        #expect(sender.send(.text, text, compress: true) == nil)
        #expect(sender.connection.beginFragments(.text, compress: true) == nil)
        for (range, isFinal) in [(0..<3, false), (3..<3, false), (3..<20, false), (20..<text.count, true)] {
            let failure = text[range].withUnsafeBytes { sender.connection.appendFragment($0, isFinal: isFinal) }
            #expect(failure == nil)
            if !isFinal { #expect(sender.connection.sendPing([1, 2, 3]) == nil) }
        }
        #expect(sender.send(.binary, [UInt8](repeating: 0, count: 130), compress: true) == nil)
        #expect(sender.send(.binary, [], compress: true) == nil)
        #expect(sender.send(.binary, [0xff], compress: false) == nil)
        #expect(sender.connection.sendClose(4000, Array("bye".utf8), sender.now) == nil)
        return sender.drain()
    }

    @Test(
        "every cut into two, and single bytes, give the same events and answers; both roles, with and without compression",
        arguments: roles, [nil, false, true])
    func everyCut(_ role: Role, _ takesOver: Bool?) {
        let deflate = takesOver.map {
            DeflateParameters(serverNoContextTakeover: !$0, clientNoContextTakeover: !$0)
        }
        var settings = WebSocketSettings()
        settings.reportsControlFrames = true
        let result = outcomeOfEveryCut(session(to: role, deflate)) { Peer(role, settings: settings, deflate: deflate) }
        #expect(result?.events.count == 9)
        #expect(result?.events.first == .text("Grüße, 世界 😀, and again Grüße, 世界 😀"))
    }

    @Test(
        "the same where the session ends in a violation",
        arguments: roles,
        [
            hex("8101 ff"), hex("c101 00"), hex("8900 0901"), hex("8103 e282 41"), hex("817e 0005"),
            hex("8803 03e8 ff"),
            hex("8301"),
        ])
    func violations(_ role: Role, _ wrong: [UInt8]) {
        let key: [UInt8]? = role == .server ? [0, 0, 0, 0] : nil
        var bytes = frame(0x81, Array("before".utf8), key: key)
        bytes.append(wrong[0])
        if wrong.count > 1 { bytes.append(wrong[1] | (key == nil ? 0 : 0x80)) }
        if wrong.count > 1, wrong[1] == 126 {
            bytes += wrong[2...] + (key ?? [])
        } else {
            bytes += (key ?? []) + wrong.dropFirst(2)
        }
        let result = outcomeOfEveryCut(bytes + [0x81, 0x80]) { Peer(role) }
        #expect(result?.events.first == .text("before"))
        if case .failed = result?.events.last {} else { Issue.record("no failure for \(wrong)") }
    }
}

@Suite("RFC 7692 section 7.1.2.2: the window that a client deflates with")
struct ClientWindowTests {
    @Test("is not larger than the client wished, also where the server does not ask for a smaller one")
    func ownWish() {
        var settings = WebSocketSettings()
        settings.deflate.clientMaxWindowBits = 9
        let sender = Peer(.client, settings: settings, deflate: deflated)
        #expect(sender.send(.binary, [UInt8](repeating: 0, count: 5000), compress: true) == nil)
        let streams = sender.connection.heldBytes - sender.output.count
        #expect(streams > 0 && streams <= (1 << 11) + (1 << 17))
        let receiver = Peer(.server, deflate: deflated)
        receiver.receive(sender.drain())
        #expect(receiver.events == [.binary([UInt8](repeating: 0, count: 5000))])
    }
}
