import GWBase
import Testing

@testable import GWWebSocket

@Suite("RFC 6455 section 5.5.2: pings")
struct KeepaliveTests {
    private func peer(_ ping: UInt32 = 1000, _ pong: UInt32 = 400) -> Peer {
        var settings = WebSocketSettings()
        settings.pingMilliseconds = ping
        settings.pongMilliseconds = pong
        return Peer(.server, settings: settings)
    }

    /// Moves to the deadline and does what is due.
    private func step(_ peer: Peer) {
        peer.now = peer.connection.deadline
        peer.record(peer.connection.tick(peer.now))
    }

    @Test("a ping is answered with its payload, at once")
    func answered() {
        let result = outcomeOfEveryCut(
            frame(0x89, Array("abc".utf8), key: [1, 2, 3, 4]) + frame(0x89, key: [1, 2, 3, 4])
        ) { Peer(.server) }
        #expect(result == Outcome(events: [], output: hex("8a03 616263 8a00")))
    }

    @Test("pings and pongs are given on wish")
    func reported() {
        var settings = WebSocketSettings()
        settings.reportsControlFrames = true
        let result = outcomeOfEveryCut(hex("8901 61 8a01 62")) { Peer(.client, settings: settings) }
        #expect(result?.events == [.ping([0x61]), .pong([0x62])])
    }

    @Test("section 5.5.3: a flood is answered up to a bound, then only the newest ping")
    func flood() {
        let peer = Peer(.server)
        for number in UInt8(0)..<200 { peer.receive(frame(0x89, [number], key: [1, 2, 3, 4])) }
        let expected: [UInt8] = (UInt8(0)..<63).flatMap { [0x8a, 1, $0] as [UInt8] } + [0x8a, 1, 199]
        #expect(peer.output == expected)
        // What is half sent is not taken back.
        _ = peer.drain(expected.count - 1)
        peer.receive(frame(0x89, [200], key: [1, 2, 3, 4]))
        #expect(peer.output == [199, 0x8a, 1, 200])
        // A message is never taken back either.
        #expect(peer.send(.text, [0x61]) == nil)
        peer.receive(frame(0x89, [201], key: [1, 2, 3, 4]))
        #expect(peer.output == [199, 0x8a, 1, 200, 0x81, 1, 0x61, 0x8a, 1, 201])
        _ = peer.drain()
        for number in UInt8(0)..<10 { peer.receive(frame(0x89, [number], key: [1, 2, 3, 4])) }
        #expect(peer.output == (UInt8(0)..<10).flatMap { [0x8a, 1, $0] as [UInt8] })
    }

    @Test("our pings carry a number; the pong for the newest measures the round trip")
    func roundTrip() {
        let peer = peer()
        #expect(peer.connection.roundTripMicroseconds == 0)
        #expect(peer.connection.deadline == peer.now.adding(milliseconds: 1000))
        step(peer)
        #expect(peer.drain() == hex("8908 0000000000000001"))
        peer.now = Instant(microseconds: peer.now.microseconds + 250)
        peer.receive(frame(0x8a, [7], key: [1, 2, 3, 4]) + frame(0x8a, [0, 0, 0, 0, 0, 0, 0, 2], key: [1, 2, 3, 4]))
        #expect(peer.connection.roundTripMicroseconds == 0)
        peer.receive(frame(0x8a, [0, 0, 0, 0, 0, 0, 0, 1], key: [1, 2, 3, 4]))
        #expect(peer.connection.roundTripMicroseconds == 250)
        peer.receive(frame(0x8a, [0, 0, 0, 0, 0, 0, 0, 1], key: [1, 2, 3, 4]))
        #expect(peer.connection.roundTripMicroseconds == 250)
        #expect(peer.events == [])
    }

    @Test("silence after a ping ends the connection at the limit")
    func silence() {
        let peer = peer()
        step(peer)
        let sent = peer.now
        _ = peer.drain()
        #expect(peer.connection.deadline == sent.adding(milliseconds: 400))
        peer.record(peer.connection.tick(Instant(microseconds: peer.connection.deadline.microseconds - 1)))
        #expect(peer.events == [])
        step(peer)
        #expect(peer.events == [.failed(.pongTimeout, 1006)])
        #expect(peer.connection.deadline == .never)
    }

    @Test("any byte proves that the peer lives")
    func liveness() {
        let peer = peer()
        for _ in 0..<10 {
            step(peer)
            if !peer.drain().isEmpty {
                peer.now = Instant(microseconds: peer.now.microseconds + 1)
                peer.receive([0x81])
                peer.receive(hex("8001020304"))
            }
        }
        #expect(peer.events.isEmpty == false && peer.events.allSatisfy { $0 != .failed(.pongTimeout, 1006) })
    }

    @Test("a limit above the interval is kept over further pings")
    func longLimit() {
        let peer = peer(100, 350)
        let start = peer.now
        while peer.events.isEmpty { step(peer) }
        #expect(peer.events == [.failed(.pongTimeout, 1006)])
        #expect(peer.now == start.adding(milliseconds: 450))
    }

    @Test("a ping that waits behind a long upload has not been unanswered as long as the upload moves")
    func slowUpload() {
        let peer = peer()
        #expect(peer.send(.binary, [UInt8](repeating: 1, count: 100_000)) == nil)
        step(peer)
        for _ in 0..<5 {
            _ = peer.drain(10_000)
            step(peer)
            #expect(peer.events == [])
        }
        while peer.events.isEmpty { step(peer) }
        #expect(peer.events == [.failed(.pongTimeout, 1006)])
    }

    @Test("no pings on wish")
    func never() { #expect(peer(.max).connection.deadline == .never) }

    @Test("a probe is a ping at once, with a limit of its own; what follows has the usual one again")
    func probe() {
        let peer = peer(600_000, 20_000)
        peer.connection.probe(peer.now)
        #expect(peer.connection.deadline == peer.now)
        step(peer)
        #expect(peer.drain() == hex("8908 0000000000000001"))
        #expect(peer.connection.deadline == peer.now.adding(milliseconds: Limits.probeMilliseconds))
        peer.now = Instant(microseconds: peer.now.microseconds + 1)
        peer.receive(frame(0x8a, [0, 0, 0, 0, 0, 0, 0, 1], key: [1, 2, 3, 4]))
        step(peer)
        #expect(peer.events == [])
        #expect(peer.connection.deadline > peer.now.adding(milliseconds: 590_000))
        step(peer)
        #expect(peer.drain() == hex("8908 0000000000000002"))
        #expect(peer.connection.deadline == peer.now.adding(milliseconds: 20_000))
    }

    @Test("silence after a probe ends the connection at the short limit, and the text says which")
    func probeLost() {
        let peer = peer(600_000, 20_000)
        peer.connection.probe(peer.now)
        step(peer)
        step(peer)
        #expect(peer.events == [.failed(.pongTimeout, 1006)])
    }

    @Test("a probe shortens the limit of an unanswered ping and never lengthens it")
    func probeBesidePing() {
        let later = peer(1000, 20_000)
        step(later)
        let sent = later.now
        later.connection.probe(sent.adding(milliseconds: 100))
        step(later)
        #expect(later.now == sent.adding(milliseconds: 100))
        #expect(later.connection.deadline == sent.adding(milliseconds: 1100))
        while later.events.isEmpty { step(later) }
        #expect(later.now == sent.adding(milliseconds: 100 + Limits.probeMilliseconds))

        let sooner = peer(1000, 400)
        step(sooner)
        let first = sooner.now
        sooner.connection.probe(first.adding(milliseconds: 300))
        while sooner.events.isEmpty { step(sooner) }
        #expect(sooner.now == first.adding(milliseconds: 400))
    }

    @Test("no probe where pings or their limit are switched off, or the connection closes")
    func noProbe() {
        for peer in [peer(.max), peer(1000, .max)] {
            let deadline = peer.connection.deadline
            peer.connection.probe(peer.now)
            #expect(peer.connection.deadline == deadline)
        }
        let closing = peer()
        _ = closing.connection.sendClose(1000, [], closing.now)
        _ = closing.drain()
        let deadline = closing.connection.deadline
        closing.connection.probe(closing.now)
        #expect(closing.connection.deadline == deadline)
        step(closing)
        #expect(closing.drain() == [])
    }

    @Test("a host's own pings")
    func ownPings() {
        let peer = Peer(.server)
        #expect(peer.connection.sendPing([1, 2]) == nil)
        #expect(peer.connection.sendPong([]) == nil)
        #expect(peer.output == hex("8902 0102 8a00"))
        #expect(peer.connection.sendPing([UInt8](repeating: 0, count: 126))?.status == .argument)
    }
}
