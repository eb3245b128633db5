/// When to try again: exponential backoff with full jitter, reset by each hello.
public struct Reconnect {
    private let initialMilliseconds: UInt32
    private let maximumMilliseconds: UInt32
    /// Failed attempts since the last hello.
    public private(set) var attempts: UInt64 = 0
    private var ceiling: UInt32

    public init(initialMilliseconds: UInt32, maximumMilliseconds: UInt32) {
        self.initialMilliseconds = max(1, initialMilliseconds)
        self.maximumMilliseconds = max(self.initialMilliseconds, maximumMilliseconds)
        ceiling = self.initialMilliseconds
    }

    /// A hello arrived: the next loss starts from the beginning.
    public mutating func succeeded() {
        attempts = 0
        ceiling = initialMilliseconds
    }

    /// What made attempts fail may be over: the waits begin from the initial one again.  The attempts stay counted.
    public mutating func networkChanged() { ceiling = initialMilliseconds }

    /// What the next attempt will do differently has a good chance: it waits a quarter of a second at most.
    public mutating func retrySoon() { ceiling = min(ceiling, 250) }

    /// An attempt failed or a connection was lost; answers how long to wait.
    ///
    /// `random` gives evenly spread numbers up to its argument.  `floor` is the time that the peer asked for (retryAfterMs).
    public mutating func failed(floor: UInt32, random: (UInt32) -> UInt32) -> UInt32 {
        attempts += 1
        let delay = random(ceiling)
        let (doubled, overflow) = ceiling.multipliedReportingOverflow(by: 2)
        ceiling = overflow ? maximumMilliseconds : min(doubled, maximumMilliseconds)
        // The spread stays above the floor too, so that clients told the same time do not all come back in it.
        let (sum, tooLarge) = floor.addingReportingOverflow(floor > 0 ? random(min(floor, 1000)) : 0)
        return max(delay, tooLarge ? floor : sum)
    }
}
