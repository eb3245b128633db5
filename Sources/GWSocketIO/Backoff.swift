/// When to try again, by the formula of the official client: exponential, spread around the base, and capped after that.
public struct Backoff {
    private let initialMilliseconds: UInt32
    private let maximumMilliseconds: UInt32
    /// How far a delay may lie from its base, as a part of it; outside of 0...1: not at all.
    private let jitter: Double
    /// Failed attempts since the last success.
    public private(set) var attempts: UInt64 = 0
    /// Which delay comes next.
    private var exponent: UInt64 = 0

    public init(initialMilliseconds: UInt32, maximumMilliseconds: UInt32, jitter: Double) {
        self.initialMilliseconds = initialMilliseconds
        self.maximumMilliseconds = maximumMilliseconds
        self.jitter = jitter > 0 && jitter <= 1 ? jitter : 0
    }

    public mutating func succeeded() {
        attempts = 0
        exponent = 0
    }

    /// What made attempts fail may be over: the delays begin anew.  The attempts stay counted.
    public mutating func networkChanged() { exponent = 0 }

    /// An attempt failed or a connection was lost; answers how long to wait.  `random` is in 0..<1.
    public mutating func failed(random: Double) -> UInt32 {
        attempts &+= 1
        defer { exponent = min(exponent + 1, 31) }
        return delay(exponent: exponent, random: random)
    }

    private func delay(exponent: UInt64, random: Double) -> UInt32 {
        let base = UInt64(initialMilliseconds) << exponent
        let random = min(max(random, 0), 1)
        // Below 2^63, since the base has at most 63 bits and the factors are at most 1.
        let deviation = jitter > 0 ? UInt64(random * jitter * Double(base)) : 0
        let isEarlier = UInt64(random * 10) & 1 == 0
        let spread = isEarlier ? base &- min(deviation, base) : base &+ deviation
        return UInt32(clamping: min(spread, UInt64(maximumMilliseconds)))
    }
}
