import GWBase

/// Allows a burst at once, and then so many calls a minute.
public struct TokenBucket {
    private static let unit: UInt64 = 60_000_000

    private let perMinute: UInt64
    private let capacity: UInt64
    /// In units of which one call takes `unit`: what fills in one microsecond is `perMinute` of them.
    private var level: UInt64
    public private(set) var lastUsed: Instant

    public init(perMinute: UInt32, burst: UInt32, _ now: Instant) {
        self.perMinute = UInt64(perMinute)
        capacity = UInt64(burst) * TokenBucket.unit
        level = capacity
        lastUsed = now
    }

    /// Whether a call is allowed now; it is counted then.
    public mutating func take(_ now: Instant) -> Bool {
        let (gained, overflow) = now.microseconds(since: lastUsed).multipliedReportingOverflow(by: perMinute)
        lastUsed = now
        level = overflow || gained > capacity - level ? capacity : level + gained
        guard level >= TokenBucket.unit else { return false }
        level -= TokenBucket.unit
        return true
    }
}

/// Buckets by key, which are made when they are first needed and forgotten when they have been full for long.
public struct CallLimiter {
    private static let idleMicroseconds: UInt64 = 600_000_000
    private static let mostBuckets = 4096

    private let perMinute: UInt32
    private let burst: UInt32
    private var buckets: [(key: [UInt8], bucket: TokenBucket)] = []

    /// `perMinute` 0: no limit.
    public init(perMinute: UInt32, burst: UInt32) {
        self.perMinute = perMinute
        self.burst = burst
    }

    public mutating func allows(_ key: [UInt8], _ now: Instant) -> Bool {
        guard perMinute > 0 else { return true }
        if let place = buckets.firstIndex(where: { $0.key == key }) { return buckets[place].bucket.take(now) }
        if buckets.count >= CallLimiter.mostBuckets {
            buckets.removeAll { now.microseconds(since: $0.bucket.lastUsed) > CallLimiter.idleMicroseconds }
            guard buckets.count < CallLimiter.mostBuckets else { return false }
        }
        var bucket = TokenBucket(perMinute: perMinute, burst: burst, now)
        let isAllowed = bucket.take(now)
        buckets.append((key, bucket))
        return isAllowed
    }
}
