import GWBase
import Testing

@testable import GWWebSocket

private let protocolError: [Event] = [.failed(.protocolError, 1002)]

private func closeFrame(_ code: UInt16, _ reason: String = "", key: [UInt8]? = nil) -> [UInt8] {
    frame(0x88, [UInt8(code >> 8), UInt8(code & 255)] + Array(reason.utf8), key: key)
}

private func clean(_ sent: UInt16?, _ received: UInt16?, _ reason: String = "", first: CloseSummary.Side)
    -> CloseSummary
{
    CloseSummary(
        sentCode: sent, receivedCode: received, reason: Array(reason.utf8), first: first, hasSent: true,
        hasReceived: true)
}

@Suite("RFC 6455 section 7.4: close codes")
struct CloseCodeTests {
    @Test("what may be on the wire")
    func onWire() {
        let valid = Array(UInt16(1000)...1003) + Array(1007...1014) + Array(3000...4999)
        #expect((UInt16(0)...UInt16.max).filter(CloseCode.isValidOnWire) == valid)
    }

    @Test(
        "section 7.4.1: valid codes are answered with the same code",
        arguments: [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
            as [UInt16])
    func echoed(_ code: UInt16) {
        let result = outcomeOfEveryCut(closeFrame(code, key: [1, 2, 3, 4])) { Peer(.server) }
        #expect(result?.events == [.closed(clean(code, code, first: .peer))])
        #expect(result?.output == closeFrame(code))
    }

    @Test("1010 is accepted but not sent by a server")
    func mandatoryExtension() {
        let result = outcomeOfEveryCut(closeFrame(1010, key: [1, 2, 3, 4])) { Peer(.server) }
        #expect(result?.events == [.closed(clean(1000, 1010, first: .peer))])
        let server = Peer(.server)
        #expect(server.connection.sendClose(1010, [], server.now)?.status == .argument)
        #expect(server.output == [])
        let client = Peer(.client)
        #expect(client.connection.sendClose(1010, [], client.now) == nil)
    }

    @Test(
        "invalid codes fail with 1002",
        arguments: [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16])
    func invalid(_ code: UInt16) {
        let result = outcomeOfEveryCut(closeFrame(code, key: [1, 2, 3, 4])) { Peer(.server) }
        #expect(result?.events == protocolError)
        #expect(result?.output.prefix(4).suffix(2) == [0x03, 0xea])
        let peer = Peer(.client)
        if code != 0 { #expect(peer.connection.sendClose(code, [], peer.now)?.status == .argument) }
        #expect(peer.output == [])
    }
}

@Suite("RFC 6455 section 5.5.1: close frames")
struct CloseFrameTests {
    private func server(_ bytes: [UInt8]) -> Outcome? { outcomeOfEveryCut(bytes) { Peer(.server) } }
    private let key: [UInt8] = [9, 8, 7, 6]

    @Test("empty: reported as 1005, answered with an empty one")
    func empty() {
        let result = server(frame(0x88, key: key))
        #expect(result?.events == [.closed(clean(nil, nil, first: .peer))])
        #expect(result?.output == hex("8800"))
        #expect(clean(nil, nil, first: .peer).code == 1005)
    }

    @Test("a body of one byte")
    func oneByte() { #expect(server(frame(0x88, [3], key: key))?.events == protocolError) }

    @Test("the examples")
    func examples() {
        let peer = Peer(.server)
        #expect(peer.connection.sendClose(1001, Array("relay shutting down".utf8), peer.now) == nil)
        #expect(peer.output == hex("881503e972656c6179207368757474696e6720646f776e"))
        let other = Peer(.server)
        #expect(other.connection.sendClose(4001, Array("rate limit exceeded".utf8), other.now) == nil)
        #expect(other.output == hex("88150fa172617465206c696d6974206578636565646564"))
        let plain = Peer(.server)
        #expect(plain.connection.sendClose(1000, [], plain.now) == nil)
        #expect(plain.output == hex("880203e8"))
        let bare = Peer(.server)
        #expect(bare.connection.sendClose(0, [], bare.now) == nil)
        #expect(bare.output == hex("8800"))
    }

    @Test("the reason is reported, not echoed")
    func reason() {
        let result = server(closeFrame(4000, "später", key: key))
        #expect(result?.events == [.closed(clean(4000, 4000, "später", first: .peer))])
        #expect(result?.output == closeFrame(4000))
    }

    @Test("a reason that is not UTF-8 fails with 1007")
    func badReason() {
        for text in ["ff", "c3", "eda080"] {
            #expect(server(frame(0x88, [3, 0xe8] + hex(text), key: key))?.events == [.failed(.utf8, 1007)])
        }
        let peer = Peer(.client)
        #expect(peer.connection.sendClose(1000, [0xff], peer.now)?.status == .argument)
    }

    @Test("section 5.5: a reason of 123 bytes is the longest; a longer one is cut between code points")
    func longReason() {
        let longest = String(repeating: "r", count: 123)
        #expect(
            server(closeFrame(1000, longest, key: key))?.events == [.closed(clean(1000, 1000, longest, first: .peer))])
        for (reason, kept) in [
            (String(repeating: "r", count: 200), 123), (String(repeating: "é", count: 100), 122),
            (String(repeating: "€", count: 41), 123), (String(repeating: "€", count: 42), 123),
            (String(repeating: "😀", count: 40), 120),
        ] {
            let peer = Peer(.server)
            #expect(peer.connection.sendClose(1000, Array(reason.utf8), peer.now) == nil)
            #expect(
                peer.output == closeFrame(1000).prefix(1) + [UInt8(kept + 2), 3, 0xe8] + Array(reason.utf8).prefix(kept)
            )
        }
    }
}

@Suite("RFC 6455 section 7.1: order of the closing handshake")
struct CloseOrderTests {
    @Test("the peer closes: told with its code and reason at once, whoever ends the transport, and answered")
    func peerCloses() {
        let client = Peer(.client)
        client.receive(closeFrame(1001, "bye"))
        #expect(client.events == [.closed(clean(1001, 1001, "bye", first: .peer))])
        #expect(client.output == hex("888237fa213d3413"))
        #expect(client.connection.isEnded && client.connection.deadline == .never)
        client.record(client.connection.endOfStream(client.now))
        #expect(client.events.count == 1)
        let server = Peer(.server)
        server.receive(closeFrame(1001, "bye", key: [1, 2, 3, 4]))
        #expect(server.events == client.events)
        #expect(server.output == closeFrame(1001))
    }

    @Test("we close: data before the answer is delivered, pings are not answered")
    func weClose() {
        let peer = Peer(.server)
        #expect(peer.connection.sendClose(1000, [], peer.now) == nil)
        #expect(peer.drain() == hex("880203e8"))
        peer.receive(
            frame(0x81, [0x61], key: [1, 2, 3, 4]) + frame(0x89, [1], key: [1, 2, 3, 4])
                + closeFrame(1000, key: [1, 2, 3, 4]))
        #expect(peer.events == [.text("a"), .closed(clean(1000, 1000, first: .local))])
        #expect(peer.output == [])
        #expect(peer.connection.isEnded)
    }

    @Test("nothing is sent after our close frame")
    func nothingAfterClose() {
        let peer = Peer(.client)
        #expect(peer.connection.sendClose(1000, [], peer.now) == nil)
        let sent = peer.drain()
        #expect(sent.count == 8)
        #expect(peer.send(.text, [0x61])?.status == .closed)
        #expect(peer.connection.beginFragments(.text, compress: false)?.status == .closed)
        #expect(peer.connection.sendPing([])?.status == .closed)
        #expect(peer.connection.sendClose(1001, [], peer.now) == nil)
        #expect(peer.output == [])
    }

    @Test("both close at once: each takes the other's frame as the answer")
    func both() {
        let peer = Peer(.client)
        #expect(peer.connection.sendClose(4000, [], peer.now) == nil)
        _ = peer.drain()
        peer.receive(closeFrame(1001))
        #expect(peer.output == [])
        #expect(peer.events == [.closed(clean(4000, 1001, first: .local))])
    }

    @Test("Autobahn 7.1.3 to 7.1.6: what comes after the peer's close frame is ignored, also what is wrong")
    func afterClose() {
        for rest in ["8900", "8101 61", "ff", "880203e9", "ffffffffffffffff"] {
            let result = outcomeOfEveryCut(closeFrame(1000) + hex(rest)) { Peer(.client) }
            #expect(result?.events == [.closed(clean(1000, 1000, first: .peer))])
            #expect(result?.output == hex("888237fa213d3412"))
        }
    }

    @Test("Autobahn 7.1.5: a close frame inside a message ends it, cleanly")
    func insideMessage() {
        let result = outcomeOfEveryCut(frame(0x01, [0x61], key: [1, 2, 3, 4]) + closeFrame(1000, key: [1, 2, 3, 4])) {
            Peer(.server)
        }
        #expect(result?.events == [.closed(clean(1000, 1000, first: .peer))])
    }

    @Test("section 7.1.5: the end of the transport without a close frame is 1006, also inside a frame")
    func lost() {
        for bytes in ["", "8105 4865", "81", "0101 61"] {
            let peer = Peer(.client)
            peer.receive(hex(bytes))
            peer.record(peer.connection.endOfStream(peer.now))
            #expect(peer.events == [.failed(.lost, 1006)])
            #expect(peer.output == [])
            #expect(!peer.connection.isOpen)
        }
    }

    @Test("a peer that ends the transport in place of an answer, or never answers, is unclean: 1006")
    func noAnswer() {
        let unclean = CloseSummary(
            sentCode: 1000, receivedCode: nil, reason: [], first: .local, hasSent: true, hasReceived: false)
        #expect(unclean.code == 1006 && !unclean.isClean && unclean.failure.status == .lost)
        let peer = Peer(.client)
        #expect(peer.connection.sendClose(1000, [], peer.now) == nil)
        peer.record(peer.connection.endOfStream(peer.now))
        #expect(peer.events == [.closed(unclean)])
        let silent = Peer(.client)
        #expect(silent.connection.sendClose(1000, [], silent.now) == nil)
        #expect(silent.connection.deadline == silent.now.adding(milliseconds: Limits.closeMilliseconds))
        silent.record(silent.connection.tick(silent.connection.deadline))
        var unanswered = unclean
        unanswered.unansweredMilliseconds = Limits.closeMilliseconds
        #expect(silent.events == [.closed(unanswered)])
        #expect(unanswered.failure.text.contains("within \(Limits.closeMilliseconds) ms"))
    }

    @Test("section 7.1.7: a failure sends one close frame and ignores the rest")
    func failure() {
        let peer = Peer(.server)
        peer.receive([0x83] + frame(0x81, [0x61], key: [1, 2, 3, 4]))
        peer.receive(frame(0x81, [0x61], key: [1, 2, 3, 4]))
        #expect(peer.events == protocolError)
        #expect(peer.output.prefix(1) == [0x88] && peer.output[2...3] == [0x03, 0xea])
        #expect(peer.output.count == Int(peer.output[1]) + 2)
        #expect(peer.send(.text, [0x61])?.status == .closed)
        #expect(peer.connection.isEnded && peer.connection.deadline == .never)
        peer.record(peer.connection.endOfStream(peer.now))
        #expect(peer.events == protocolError)
    }

    private func brokenAfterMessage() -> Peer {
        let peer = Peer(.server)
        peer.isHeld = true
        peer.receive(frame(0x81, [0x61], key: [1, 2, 3, 4]) + frame(0xf1, key: [1, 2, 3, 4]))
        #expect(peer.events == [.text("a")])
        #expect(peer.connection.isOpen && peer.connection.deadline <= peer.now)
        return peer
    }

    @Test("section 7.1.7: what came before the failure can be answered before its close frame")
    func answerBeforeFailure() {
        let peer = brokenAfterMessage()
        #expect(peer.send(.text, [0x62]) == nil)
        peer.receive(frame(0x81, [0x63], key: [1, 2, 3, 4]))
        peer.record(peer.connection.tick(peer.now))
        #expect(peer.events == [.text("a")] + protocolError)
        #expect(peer.output.starts(with: frame(0x81, [0x62]) + [0x88]))
        #expect(!peer.connection.isOpen && peer.connection.deadline == .never)
    }

    @Test("the end of the transport right behind what was wrong is not told in its place")
    func endBehindFailure() {
        let peer = brokenAfterMessage()
        peer.record(peer.connection.endOfStream(peer.now))
        #expect(peer.events == [.text("a")] + protocolError)
    }

    @Test("a failure after our close frame sends no second one")
    func failureWhileClosing() {
        let peer = Peer(.server)
        #expect(peer.connection.sendClose(1000, [], peer.now) == nil)
        _ = peer.drain()
        peer.receive([0x83])
        #expect(peer.events == protocolError)
        #expect(peer.output == [])
    }
}
