import GWBase

/// An emitted event whose acknowledgement is waited for.
public struct PendingAck {
    public var namespace: UInt64
    public var wireID: UInt64
    public var userData: UInt
    /// Where its packet begins in the bytes of this connection; nil as long as it waits in the send buffer.
    public var streamOffset: UInt64?
}

/// The acknowledgements that are waited for, by id and by time limit.
struct PendingAcks: ~Copyable {
    private var acks = SlotTable<PendingAck>()
    private var deadlines = DeadlineQueue()

    var count: Int { acks.count }
    var nextDeadline: Instant { deadlines.next }

    mutating func add(_ ack: PendingAck, deadline: Instant) -> UInt64 {
        let id = acks.insert(ack)
        if let place = acks.place(id) { deadlines.set(place, deadline) }
        return id
    }

    func find(_ id: UInt64) -> PendingAck? { acks[id] }

    mutating func wrote(_ id: UInt64, at offset: UInt64) {
        guard var ack = acks[id] else { return }
        ack.streamOffset = offset
        acks.update(id, ack)
    }

    mutating func remove(_ id: UInt64) -> PendingAck? {
        guard let place = acks.place(id) else { return nil }
        deadlines.remove(place)
        return acks.remove(id)
    }

    /// One whose time limit has passed; it stays.
    mutating func popExpired(_ now: Instant) -> UInt64? {
        deadlines.popExpired(now).flatMap { acks.id(at: $0) }
    }
}
