import GWBase

/// A call that waits for its answer.
public struct PendingCall {
    /// Who made it, and so whom its answer is for.
    public enum Purpose: UInt8 {
        case host
        /// `userData` is the subscription's id.
        case subscription
        /// `userData` is the place in the initial sync.
        case sync
    }

    public var userData: UInt
    public var expectsFinal: Bool
    public var wasAccepted = false
    public var purpose = Purpose.host
    public var hasKey = false
    /// Where its frame begins in the bytes of this connection: tells whether any of it has left the process.
    public var streamOffset: UInt64

    /// The place of a frame that waits for a connection.
    static let notWritten = UInt64.max
}

/// The calls in flight, by id and by time limit.  It outlives the sessions that use it: ids are never given out again.
public final class PendingCalls {
    private var calls = SlotTable<PendingCall>()
    private var deadlines = DeadlineQueue()
    /// The idempotency keys of the calls that have one, by place.
    private var keys: [[UInt8]] = []
    /// nil: answers are not timed.
    var latency: MethodLatency?
    /// Calls without a time limit: while there are any, silence of the gateway is watched.
    public private(set) var unlimited = 0

    public init() {}

    public var count: Int { calls.count }
    public var nextDeadline: Instant { deadlines.next }
    public var ids: [UInt64] { calls.ids }

    public func add(_ call: PendingCall, deadline: Instant) -> UInt64 {
        let id = calls.insert(call)
        if deadline == .never {
            unlimited += 1
        } else if let place = calls.place(id) {
            deadlines.set(place, deadline)
        }
        return id
    }

    /// A call that has waited for a connection is written to one.
    func wrote(_ id: UInt64, streamOffset: UInt64, deadline: Instant) {
        guard var call = calls[id], let place = calls.place(id) else { return }
        call.streamOffset = streamOffset
        calls.update(id, call)
        if !deadlines.contains(place) { unlimited -= 1 }
        if deadline == .never { unlimited += 1 }
        deadlines.set(place, deadline)
    }

    func setKey(_ key: [UInt8], of id: UInt64) {
        guard var call = calls[id], let place = calls.place(id) else { return }
        call.hasKey = true
        calls.update(id, call)
        while keys.count <= place { keys.append([]) }
        keys[place] = key
    }

    /// A call is on its way.
    func began(_ id: UInt64, _ method: UnsafeRawBufferPointer, _ now: Instant) {
        guard let latency, let place = calls.place(id) else { return }
        latency.began(place, method, now)
    }

    /// A call that has just been removed was answered.
    func answered(_ id: UInt64, _ now: Instant) { latency?.answered(PendingCalls.place(of: id), now) }

    /// Where the call of an id stands or stood.
    private static func place(of id: UInt64) -> Int { Int(truncatingIfNeeded: id & 0xffff_ffff) - 1 }

    /// The key of a call that has just been removed.
    func takeKey(of call: PendingCall, _ id: UInt64) -> [UInt8] {
        let place = PendingCalls.place(of: id)
        guard call.hasKey, keys.indices.contains(place) else { return [] }
        defer { keys[place] = [] }
        return keys[place]
    }

    /// An id that no call will have, for the connect request.  An answer to it counts as late.
    func reserveID() -> UInt64 {
        let id = calls.insert(PendingCall(userData: 0, expectsFinal: false, streamOffset: 0))
        calls.remove(id)
        return id
    }

    public func find(_ id: UInt64) -> PendingCall? { calls[id] }

    /// Whether a call of this id was made and has ended: a late answer to it is nothing to speak of.
    public func hasEnded(_ id: UInt64) -> Bool { calls.hasEnded(id) }

    public func markAccepted(_ id: UInt64) {
        guard var call = calls[id] else { return }
        call.wasAccepted = true
        calls.update(id, call)
    }

    public func remove(_ id: UInt64) -> PendingCall? {
        guard let place = calls.place(id) else { return nil }
        if !deadlines.contains(place) { unlimited -= 1 }
        deadlines.remove(place)
        return calls.remove(id)
    }

    /// A call whose time limit has passed; it is removed.
    public func popExpired(_ now: Instant) -> (id: UInt64, call: PendingCall)? {
        guard let place = deadlines.popExpired(now), let id = calls.id(at: place), let call = calls.remove(id) else {
            return nil
        }
        return (id, call)
    }
}
