import GWBase

/// Notices a gateway that has gone silent: it ticks at an interval that its hello names, so more than two intervals
/// without any frame mean that nobody is there.
public struct TickWatch {
    private let intervalMicroseconds: UInt64
    private let periodMilliseconds: UInt32
    private var lastActivity: Instant
    /// When to look next.
    public private(set) var nextCheck: Instant

    public init(tickMilliseconds: UInt32, now: Instant) {
        intervalMicroseconds = UInt64(tickMilliseconds) * 1000
        periodMilliseconds = max(tickMilliseconds, 1000)
        lastActivity = now
        nextCheck = now.adding(milliseconds: periodMilliseconds)
    }

    /// A valid frame arrived.
    public mutating func active(_ now: Instant) { lastActivity = now }

    public enum CheckAction {
        case wait
        case silent(milliseconds: UInt64)
    }

    /// `isSuspended`: every call in flight has a time limit of its own, which notices the silence as well.
    public mutating func check(_ now: Instant, isSuspended: Bool) -> CheckAction {
        guard nextCheck <= now else { return .wait }
        nextCheck = now.adding(milliseconds: periodMilliseconds)
        let silence = now.microseconds(since: lastActivity)
        guard !isSuspended, silence > 2 * intervalMicroseconds else { return .wait }
        return .silent(milliseconds: silence / 1000)
    }
}
