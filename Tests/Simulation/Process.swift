import GWBase

/// Something that runs on a machine: it sees a clock of its own, and may be stopped for a while.
class Process {
    unowned let world: World
    let name: String
    private(set) var isStopped = false
    /// How long it did not run until this very moment, while its clock went on.
    private(set) var slack: UInt64 = 0
    /// How far its clock is behind the world's, in microseconds: its machine slept so long.
    private var behind: UInt64 = 0
    /// When the timer goes off, in the world's time.
    private var armed = Instant.never

    init(_ world: World, name: String) {
        self.world = world
        self.name = name
    }

    // MARK: - For the subclass

    /// When something is due, by its own clock.
    var deadline: Instant { .never }

    func tick() {}

    /// It runs again.  With `slept` its clock did not go on meanwhile.
    func resumed(slept: Bool) {}

    // MARK: - The clock

    final var now: Instant { Instant(microseconds: world.now.microseconds - behind) }

    final func reschedule() {
        let due = deadline
        guard !isStopped, due != .never else { return }
        let time = max(Instant(microseconds: due.microseconds &+ behind), world.now)
        guard time < armed else { return }
        armed = time
        world.at(time) { [self] in timer(time) }
    }

    private func timer(_ time: Instant) {
        guard time == armed else { return }
        armed = .never
        guard !isStopped else { return }
        tickDue()
        reschedule()
    }

    private func tickDue() {
        var rounds = 0
        while deadline <= now, rounds < 20 {
            tick()
            rounds += 1
        }
        world.check(deadline > now, "\(name): a deadline has passed unseen")
    }

    // MARK: - Stopping

    /// Does not run for a while.  With `sleeps` the whole machine does not, and its monotonic clock stands still.
    final func stop(_ microseconds: UInt64, sleeps: Bool) {
        guard !isStopped else { return }
        world.trace(name, "\(sleeps ? "sleeps" : "is stopped") for \(microseconds / 1000) ms")
        isStopped = true
        armed = .never
        world.after(microseconds) { [self] in
            if sleeps { behind += microseconds }
            isStopped = false
            slack = sleeps ? 0 : microseconds
            defer { slack = 0 }
            world.trace(name, "runs again")
            resumed(slept: sleeps)
            tickDue()
            reschedule()
        }
    }

    final func trace(_ what: @autoclosure () -> String) { world.trace(name, what()) }
}
