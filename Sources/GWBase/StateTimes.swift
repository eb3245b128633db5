/// How long a connection that heals itself has spent in each of its states, over its whole life.
public struct StateTimes {
    public enum State: Int, Sendable {
        /// For the next attempt.
        case waiting
        /// From the name to the hello.
        case connecting
        case ready
        case closing
    }

    private var present = State.waiting
    private var since: Instant
    private var sums: (waiting: UInt64, connecting: UInt64, ready: UInt64, closing: UInt64) = (0, 0, 0, 0)

    public init(_ now: Instant) { since = now }

    public mutating func enter(_ state: State, _ now: Instant) {
        add(now)
        present = state
    }

    private mutating func add(_ now: Instant) {
        let time = now.microseconds(since: since)
        since = now
        switch present {
        case .waiting: sums.waiting &+= time
        case .connecting: sums.connecting &+= time
        case .ready: sums.ready &+= time
        case .closing: sums.closing &+= time
        }
    }

    /// Microseconds, with the present state up to now.
    public func microseconds(_ now: Instant) -> (waiting: UInt64, connecting: UInt64, ready: UInt64, closing: UInt64) {
        var sum = self
        sum.add(now)
        return sum.sums
    }
}
