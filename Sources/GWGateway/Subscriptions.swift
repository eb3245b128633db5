import GWBase

/// Calls that each connection begins with, because what they ask for ends with it.
struct Subscriptions {
    struct Entry {
        let id: UInt64
        let method: [UInt8]
        /// JSON, or empty.
        let params: [UInt8]
        let userData: UInt
    }

    private var entries: [Entry] = []
    private var lastID: UInt64 = 0
    /// So many of them, from the first on, were made on this connection.
    private var made = 0
    private var bytes = 0

    /// Refuses what would pass the limits.
    mutating func add(method: [UInt8], params: [UInt8], userData: UInt) throws(Failure) -> UInt64 {
        guard entries.count < Limits.subscriptions else {
            throw .wouldPass(
                .limit, held: entries.count, "subscriptions are there", more: 1, "the limit", Limits.subscriptions)
        }
        let size = method.count + params.count
        guard size <= Limits.subscriptionBytes - bytes else {
            throw .wouldPass(
                .limit, held: bytes, "bytes of subscriptions are there", more: size, "the limit",
                Limits.subscriptionBytes)
        }
        lastID += 1
        entries.append(Entry(id: lastID, method: method, params: params, userData: userData))
        bytes += size
        return lastID
    }

    /// Whether there was one.
    mutating func remove(_ id: UInt64) -> Bool {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return false }
        bytes -= entries[index].method.count + entries[index].params.count
        entries.remove(at: index)
        if index < made { made -= 1 }
        return true
    }

    func find(_ id: UInt64) -> Entry? { entries.first { $0.id == id } }

    /// The next one to be made on this connection; it then counts as made.
    mutating func next() -> Entry? {
        guard made < entries.count else { return nil }
        made += 1
        return entries[made - 1]
    }

    mutating func connectionEnded() { made = 0 }
}
