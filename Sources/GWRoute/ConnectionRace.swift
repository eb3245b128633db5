import GWBase

/// Which of several addresses is tried when (Happy Eyeballs, RFC 8305 section 5): one after the other in short intervals,
/// without giving up any that is still under way, and at once when one fails.
public struct ConnectionRace {
    /// Section 8, "Connection Attempt Delay".
    public static let attemptDelayMilliseconds: UInt32 = 250

    public enum Action: Equatable {
        /// Begin to connect to the address at this place.
        case begin(Int)
        case wait
        /// No attempt is left: the race is lost.
        case lost
    }

    private let order: [Int]
    private var next = 0
    private var live = 0
    private var nextAttempt = Instant(microseconds: 0)

    /// `isIPv6` says of each address of which family it is, in the order of preference (RFC 6724).
    public init(isIPv6: [Bool]) { order = ConnectionRace.interleaved(isIPv6) }

    /// When `step` has something to do though no attempt has ended.
    public var deadline: Instant { next < order.count ? nextAttempt : .never }

    /// To be called until it does not answer `begin`: at the start, when an attempt has failed, and at the deadline.
    public mutating func step(_ now: Instant) -> Action {
        guard next < order.count else { return live == 0 ? .lost : .wait }
        guard live == 0 || nextAttempt <= now else { return .wait }
        nextAttempt = now.adding(milliseconds: ConnectionRace.attemptDelayMilliseconds)
        live += 1
        next += 1
        return .begin(order[next - 1])
    }

    /// An attempt has failed: the next one need not wait.
    public mutating func attemptFailed() {
        live = max(live - 1, 0)
        nextAttempt = Instant(microseconds: 0)
    }

    /// Places in the order of section 4: families take turns, beginning with that of the first.
    private static func interleaved(_ isIPv6: [Bool]) -> [Int] {
        guard let first = isIPv6.first else { return [] }
        let preferred = isIPv6.indices.filter { isIPv6[$0] == first }
        let other = isIPv6.indices.filter { isIPv6[$0] != first }
        var order: [Int] = []
        for turn in 0..<max(preferred.count, other.count) {
            if turn < preferred.count { order.append(preferred[turn]) }
            if turn < other.count { order.append(other[turn]) }
        }
        return order
    }
}
