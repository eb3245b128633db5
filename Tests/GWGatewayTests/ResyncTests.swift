import GWBase
import GWGateway
import Testing

@Suite("Catching up after a loss (openclaw-gateway 6.4, 7.4)")
struct ResyncTests {
    private func end(holds: Bool = true, _ change: (inout ClientMachine.ResyncSettings) -> Void = { _ in })
        -> MachineEnd
    {
        MachineEnd {
            $0.resync.holds = holds
            change(&$0.resync)
        }
    }

    @Test("the first connection needs none; each later one does, and says up to where the host has the events")
    func reconnect() {
        let end = end(holds: false)
        end.connect()
        end.event("chat", sequence: 7)
        end.lose()
        end.connect()
        #expect(end.told == ["connected 1", "event 7", "ended 1: lost", "connected 2", "resync 1 reconnect after 7"])
        end.event("chat", sequence: 1)
        #expect(end.told.last == "event 1", "an event was held without being asked for")
    }

    @Test("a gap needs one; the event that shows it waits, too")
    func gap() {
        let end = end()
        end.connect()
        end.event("chat", sequence: 3)
        end.event("chat", sequence: 6)
        end.event("chat", sequence: 7)
        #expect(end.told.suffix(2) == ["event 3", "resync 1 gap after 3"])
        #expect(!end.resynced(2))
        #expect(end.resynced(1) && !end.resynced(1))
        #expect(end.told.suffix(2) == ["event 6", "event 7"])
        end.event("chat", sequence: 8)
        #expect(end.told.last == "event 8")
    }

    @Test("a gap while events are held begins anew; the answer to the first one comes too late")
    func second() {
        let end = end()
        end.connect()
        end.event("chat", sequence: 1)
        end.event("chat", sequence: 3)
        end.event("chat", sequence: 5)
        #expect(end.told.suffix(2) == ["resync 1 gap after 1", "resync 2 gap after 1"], "event 3 is held")
        #expect(!end.resynced(1) && end.resynced(2))
        #expect(end.told.suffix(2) == ["event 3", "event 5"])
    }

    @Test("events go on when the time is over, and the host is told")
    func deadline() {
        let end = end { $0.timeoutMilliseconds = 50 }
        end.connect()
        end.lose()
        end.connect()
        #expect(end.machine.deadline == end.now.adding(milliseconds: 50))
        end.event("chat", sequence: 1)
        end.advance(49)
        #expect(end.told.last == "resync 1 reconnect after -")
        end.advance(1)
        #expect(
            end.told.suffix(2) == [
                "warning resync: the host has not resynced within 50 ms; the events go on", "event 1",
            ])
        #expect(!end.resynced(1))
    }

    @Test("more bytes than may be held let all of them go on, in their order")
    func overflow() {
        let end = end { $0.maxHeldBytes = 450 }
        end.connect()
        end.lose()
        end.connect()
        for sequence in 1...3 {
            end.event("chat", sequence: sequence, payload: "\"\(String(repeating: "x", count: 40))\"")
        }
        let told = end.told.suffix(4)
        #expect(told.first?.hasPrefix("warning resync: ") == true && told.first?.contains("450") == true)
        #expect(told.dropFirst() == ["event 1", "event 2", "event 3"])
    }

    @Test("no event of a connection comes after its end: what was held is dropped, and counts as not had")
    func dropped() {
        let end = end()
        end.connect()
        end.event("chat", sequence: 1)
        end.event("chat", sequence: 5)
        end.event("chat", sequence: 6)
        end.lose()
        end.connect()
        #expect(end.told.last == "resync 2 reconnect after 1")
        #expect(end.resynced(2))
        #expect(end.told.last == "resync 2 reconnect after 1")
    }

    @Test("events that were held before a second gap count as not had either")
    func droppedAfterTwoGaps() {
        let end = end()
        end.connect()
        for sequence in [1, 3, 5] { end.event("chat", sequence: sequence) }
        end.lose()
        end.connect()
        #expect(end.told.last == "resync 3 reconnect after 1")
    }

    @Test("a connection without events leaves the host with those that it had")
    func quiet() {
        let end = end(holds: false)
        end.connect()
        end.event("chat", sequence: 7)
        for _ in 0..<2 {
            end.lose()
            end.connect()
        }
        #expect(end.told.last == "resync 2 reconnect after 7")
    }
}
