import GWBase

/// Our own pings (RFC 6455 section 5.5.2): one an interval, with a number in it.
///
/// Every received byte proves that the peer lives; only the pong for the newest ping measures the round trip, because a peer may
/// skip older ones (section 5.5.3).
struct Keepalive {
    private let intervalMilliseconds: UInt32
    private let pongMilliseconds: UInt32
    private var nextPing: Instant
    private var number: UInt64 = 0
    private var sentAt: Instant?
    /// Since when nothing has to have come for the peer to count as dead at `pongDeadline`.
    private var watchedSince = Instant(microseconds: 0)
    private var pongDeadline = Instant.never
    /// The limit for the ping that waits for its pong.
    private var limitMilliseconds: UInt32
    /// The next ping asks whether the peer is still there, and is given this time only.
    private var probeMilliseconds: UInt32?
    /// Bytes that had left at the last look: a peer that cannot even take our ping yet has not failed to answer it.
    private var sentBytes: UInt64 = 0
    private var pingPosition: UInt64 = 0

    /// Of the last ping that was answered, 0 if none was.
    private(set) var roundTripMicroseconds: UInt64 = 0

    init(intervalMilliseconds: UInt32, pongMilliseconds: UInt32, _ now: Instant) {
        self.intervalMilliseconds = intervalMilliseconds
        self.pongMilliseconds = pongMilliseconds
        limitMilliseconds = pongMilliseconds
        nextPing = now.adding(milliseconds: intervalMilliseconds)
    }

    var deadline: Instant { min(nextPing, pongDeadline) }

    enum TickAction {
        case none
        /// Send a ping with this number; then call `pingSent`.
        case ping(UInt64)
        /// Nothing came for the whole limit.
        case lost(milliseconds: UInt32)
    }

    /// `appended` counts all bytes ever given to the transport's queue, `queued` those that still wait in it.
    mutating func tick(_ now: Instant, lastReceived: Instant, appended: UInt64, queued: Int) -> TickAction {
        let left = appended &- UInt64(truncatingIfNeeded: queued)
        if pongDeadline <= now, pongDeadline != .never {
            if lastReceived > watchedSince {
                pongDeadline = .never
            } else if left < pingPosition, left > sentBytes {
                sentBytes = left
                pongDeadline = now.adding(milliseconds: limitMilliseconds)
            } else {
                return .lost(milliseconds: limitMilliseconds)
            }
        }
        guard nextPing <= now, nextPing != .never else { return .none }
        nextPing = now.adding(milliseconds: intervalMilliseconds)
        number &+= 1
        sentAt = now
        return .ping(number)
    }

    /// The ping that `tick` asked for is in the queue.
    mutating func pingSent(_ now: Instant, lastReceived: Instant, appended: UInt64, queued: Int) {
        // An older ping that is still unanswered keeps its time limit, unless this one asks for less.
        let limit = probeMilliseconds ?? pongMilliseconds
        let deadline = now.adding(milliseconds: limit)
        let isSooner = probeMilliseconds != nil && deadline < pongDeadline
        probeMilliseconds = nil
        guard pongDeadline == .never || lastReceived > watchedSince || isSooner else { return }
        limitMilliseconds = limit
        watchedSince = now
        pongDeadline = deadline
        pingPosition = appended
        sentBytes = appended &- UInt64(truncatingIfNeeded: queued)
    }

    /// A pong arrived.  Those that we did not ask for, and those for older pings, say nothing.
    mutating func pongReceived(_ payload: UnsafeRawBufferPointer, _ now: Instant) {
        guard let sent = sentAt, payload.count == 8 else { return }
        guard UInt64(bigEndian: payload.loadUnaligned(as: UInt64.self)) == number else { return }
        // At least 1: 0 means that none was answered.
        roundTripMicroseconds = max(now.microseconds(since: sent), 1)
        sentAt = nil
    }

    /// Makes the next ping due now, with a limit of its own if that is the shorter one.  Not where pings or their limit
    /// are switched off.
    mutating func probe(_ now: Instant, milliseconds: UInt32) {
        guard nextPing != .never, pongMilliseconds != .max else { return }
        nextPing = min(nextPing, now)
        probeMilliseconds = min(milliseconds, pongMilliseconds)
    }

    /// No further pings, no further limit.
    mutating func stop() {
        nextPing = .never
        pongDeadline = .never
    }
}
