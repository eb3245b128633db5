import GWBase
import Testing

@Suite("The machine's sleep, from a pair of clocks")
struct SuspendWatchTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    private func look(
        _ watch: inout SuspendWatch, _ monotonic: UInt64, _ boot: UInt64, hasSlept: Bool,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let told = watch.hasSlept(monotonic: at(monotonic), boot: at(boot))
        #expect(told == hasSlept, sourceLocation: sourceLocation)
    }

    @Test("clocks that run together say nothing, however long they run")
    func together() {
        var watch = SuspendWatch(monotonic: at(1_000), boot: at(5_000))
        for step in stride(from: UInt64(0), to: 10_000_000, by: 999_983) {
            look(&watch, 1_000 + step, 5_000 + step, hasSlept: false)
        }
    }

    @Test("each sleep is told once")
    func sleeps() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(0))
        look(&watch, 10, 60_010, hasSlept: true)
        look(&watch, 10, 60_010, hasSlept: false)
        look(&watch, 20_000, 80_000, hasSlept: false)
        look(&watch, 20_001, 81_001, hasSlept: true)
    }

    @Test("short sleeps add up to one that counts")
    func shortSleeps() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(0))
        look(&watch, 0, 600, hasSlept: false)
        look(&watch, 0, 1_200, hasSlept: true)
    }

    @Test("a reader that is held up between the clocks hides no sleep that follows")
    func heldUp() {
        var watch = SuspendWatch(monotonic: at(0), boot: at(800))
        look(&watch, 5, 5, hasSlept: false)
        look(&watch, 10, 1_010, hasSlept: true)
    }

    @Test("clocks that stand still, go back or end do no harm")
    func extremes() {
        var watch = SuspendWatch(monotonic: .never, boot: at(0))
        let told = [
            watch.hasSlept(monotonic: .never, boot: at(0)), watch.hasSlept(monotonic: at(0), boot: .never),
            watch.hasSlept(monotonic: .never, boot: .never),
        ]
        #expect(told == [false, true, false])
    }
}
