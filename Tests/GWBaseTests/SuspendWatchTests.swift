import GWBase
import Testing

@Suite("The machine's sleep, from a pair of clocks")
struct SuspendWatchTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    @Test("clocks that run together say nothing, however long they run")
    func together() {
        var watch = SuspendWatch(monotonic: at(1_000), boot: at(5_000))
        for step in stride(from: UInt64(0), to: 10_000_000, by: 999_983) {
            #expect(!watch.hasSlept(monotonic: at(1_000 + step), boot: at(5_000 + step)))
        }
    }

    @Test("each sleep is told once")
    func sleeps() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(0))
        #expect(watch.hasSlept(monotonic: at(10), boot: at(60_010)))
        #expect(!watch.hasSlept(monotonic: at(10), boot: at(60_010)))
        #expect(!watch.hasSlept(monotonic: at(20_000), boot: at(80_000)))
        #expect(watch.hasSlept(monotonic: at(20_001), boot: at(81_001)))
    }

    @Test("short sleeps add up to one that counts")
    func shortSleeps() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(0))
        #expect(!watch.hasSlept(monotonic: at(0), boot: at(600)))
        #expect(watch.hasSlept(monotonic: at(0), boot: at(1_200)))
    }

    @Test("a reader that is held up between the clocks hides no sleep that follows")
    func heldUp() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(800))
        #expect(!watch.hasSlept(monotonic: at(5), boot: at(5)))
        #expect(watch.hasSlept(monotonic: at(10), boot: at(1_010)))
    }

    @Test("clocks that stand still, go back or end do no harm")
    func extremes() {
        var watch = SuspendWatch(monotonic: .never, boot: at(0))
        #expect(!watch.hasSlept(monotonic: .never, boot: at(0)))
        #expect(watch.hasSlept(monotonic: at(0), boot: .never))
        #expect(!watch.hasSlept(monotonic: .never, boot: .never))
    }
}
