import GWBase
import Testing

@testable import GWRoute

@Suite("RFC 8305: Happy Eyeballs")
struct ConnectionRaceTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(microseconds: 1_000_000 + milliseconds * 1000) }

    @Test(
        "section 4: families take turns, the preferred one first",
        arguments: [
            ([true, true, false, false], [0, 2, 1, 3]), ([false, true, true, true], [0, 1, 2, 3]), ([true], [0]),
            ([false, false, true], [0, 2, 1]),
        ])
    func order(isIPv6: [Bool], expected: [Int]) {
        var race = ConnectionRace(isIPv6: isIPv6)
        var order: [Int] = []
        while case .begin(let place) = race.step(at(UInt64(order.count) * 250)) { order.append(place) }
        #expect(order == expected)
    }

    @Test("section 5: the next attempt begins after 250 ms, and no live one is given up")
    func stagger() {
        var race = ConnectionRace(isIPv6: [true, false])
        #expect(race.step(at(0)) == .begin(0))
        #expect(race.step(at(0)) == .wait)
        #expect(race.deadline == at(250))
        #expect(race.step(at(249)) == .wait)
        #expect(race.step(at(250)) == .begin(1))
        #expect(race.step(at(9000)) == .wait)
        #expect(race.deadline == .never)
    }

    @Test("section 5: a failure begins the next attempt at once")
    func failure() {
        var race = ConnectionRace(isIPv6: [true, false, false])
        #expect(race.step(at(0)) == .begin(0))
        race.attemptFailed()
        #expect(race.step(at(1)) == .begin(1))
        #expect(race.step(at(1)) == .wait)
    }

    @Test("the race is lost when the last attempt has failed, not before")
    func lost() {
        var race = ConnectionRace(isIPv6: [true, false])
        _ = race.step(at(0))
        _ = race.step(at(250))
        race.attemptFailed()
        #expect(race.step(at(300)) == .wait)
        race.attemptFailed()
        #expect(race.step(at(301)) == .lost)
        var none = ConnectionRace(isIPv6: [])
        #expect(none.step(at(0)) == .lost)
    }
}
