/// Notices that the machine has slept: the clock that counts its sleep (CLOCK_BOOTTIME) has run ahead of the one that
/// does not (CLOCK_MONOTONIC).
public struct SuspendWatch: Sendable {
    /// Sleep below this does no harm to a connection; the two clocks are not read at exactly the same time either.
    private static let leastMicroseconds: UInt64 = 1_000_000

    /// How far the clock that counts sleep is ahead.
    private var ahead: UInt64

    public init(monotonic: Instant, boot: Instant) { ahead = boot.microseconds(since: monotonic) }

    /// Whether the machine has slept since the last look.
    public mutating func hasSlept(monotonic: Instant, boot: Instant) -> Bool {
        let present = boot.microseconds(since: monotonic)
        // A reader that was held up between the two readings made the distance too great; now the true one is seen.
        guard present > ahead else {
            ahead = present
            return false
        }
        guard present - ahead >= SuspendWatch.leastMicroseconds else { return false }
        ahead = present
        return true
    }
}
