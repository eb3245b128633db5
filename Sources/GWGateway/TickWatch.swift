import GWBase

/// Notices a gateway that has gone silent: it ticks at an interval that its hello names, so more than two intervals
/// without any frame mean that nobody is there.  One that does not tick is given a limit for the silence itself.
public struct TickWatch {
    private let limitMicroseconds: UInt64
    private let periodMilliseconds: UInt32
    private let canBeSuspended: Bool
    private var lastActivity: Instant
    /// When to look next.
    public private(set) var nextCheck: Instant

    public init(tickMilliseconds: UInt32, now: Instant) {
        limitMicroseconds = 2 * UInt64(tickMilliseconds) * 1000
        canBeSuspended = true
        periodMilliseconds = max(tickMilliseconds, 1000)
        lastActivity = now
        nextCheck = now.adding(milliseconds: periodMilliseconds)
    }

    /// Of a gateway that shows itself alive below the protocol.
    public init(silenceMilliseconds: UInt32, now: Instant) {
        limitMicroseconds = UInt64(silenceMilliseconds) * 1000
        canBeSuspended = false
        periodMilliseconds = 1000
        lastActivity = now
        nextCheck = now.adding(milliseconds: silenceMilliseconds)
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
        if !canBeSuspended {
            nextCheck = max(
                nextCheck, lastActivity.adding(milliseconds: UInt32(clamping: limitMicroseconds / 1000)))
        }
        let silence = now.microseconds(since: lastActivity)
        guard !(isSuspended && canBeSuspended), silence > limitMicroseconds else { return .wait }
        return .silent(milliseconds: silence / 1000)
    }
}
