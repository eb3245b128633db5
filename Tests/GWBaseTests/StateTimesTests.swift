import GWBase
import Testing

@Suite struct StateTimesTests {
    @Test("the times of all states add up to the time that has passed, the present state's counts on")
    func sums() {
        func at(_ microseconds: UInt64) -> Instant { Instant(microseconds: 1000 + microseconds) }
        var times = StateTimes(at(0))
        times.enter(.connecting, at(10))
        times.enter(.ready, at(30))
        times.enter(.waiting, at(70))
        times.enter(.connecting, at(75))
        times.enter(.closing, at(80))
        #expect(times.microseconds(at(100)) == (15, 25, 40, 20))
        #expect(times.microseconds(at(110)) == (15, 25, 40, 30))
        // A clock that goes back takes nothing away.
        #expect(times.microseconds(at(0)) == (15, 25, 40, 0))
    }
}
