import GWBase

/// A request that the host has not answered yet.
struct PendingRequest {
    let id: UInt64
    let peer: UInt64
    /// The peer's id for it, as it stood in its frame.
    let wireID: [UInt8]
}

/// The requests that wait for the host, by id and by time limit.
struct PendingRequests: ~Copyable {
    private var requests = SlotTable<PendingRequest>()
    private var deadlines = DeadlineQueue()

    var nextDeadline: Instant { deadlines.next }

    mutating func add(peer: UInt64, wireID: [UInt8], deadline: Instant) -> UInt64 {
        let id = requests.insert(PendingRequest(id: 0, peer: peer, wireID: wireID))
        requests.update(id, PendingRequest(id: id, peer: peer, wireID: wireID))
        if let place = requests.place(id) { deadlines.set(place, deadline) }
        return id
    }

    /// A request that is answered in part: what is still to come may take as long as it does.
    mutating func extend(_ id: UInt64) -> PendingRequest? {
        guard let place = requests.place(id) else { return nil }
        deadlines.remove(place)
        return requests[id]
    }

    mutating func remove(_ id: UInt64) -> PendingRequest? {
        guard let place = requests.place(id) else { return nil }
        deadlines.remove(place)
        return requests.remove(id)
    }

    mutating func removeAll(of peer: UInt64) {
        for id in requests.ids where requests[id]?.peer == peer { _ = remove(id) }
    }

    mutating func popExpired(_ now: Instant) -> PendingRequest? {
        guard let place = deadlines.popExpired(now), let id = requests.id(at: place) else { return nil }
        return requests.remove(id)
    }
}
