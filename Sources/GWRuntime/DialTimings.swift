import GWBase

/// How long each phase of a connection took, in microseconds; 0 for what it did not need or has not reached.
public struct DialTimings {
    public internal(set) var resolve: UInt64 = 0
    public internal(set) var connect: UInt64 = 0
    public internal(set) var proxy: UInt64 = 0
    public internal(set) var tls: UInt64 = 0
    public internal(set) var upgrade: UInt64 = 0
    public internal(set) var challenge: UInt64 = 0
    public internal(set) var hello: UInt64 = 0
    private var last = Instant(microseconds: 0)

    init() {}

    mutating func began(_ now: Instant) { last = now }

    /// The time since the phase before; at least 1, so that 0 stays what never happened.
    mutating func lap(_ now: Instant) -> UInt64 {
        defer { last = now }
        return max(now.microseconds(since: last), 1)
    }
}
