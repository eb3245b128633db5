import GWBase

/// Calls that wait for a connection, in their order.  Bounded in number and bytes; each has a time to live.
struct OfflineQueue {
    struct Entry {
        var id: UInt64
        var method: [UInt8]
        /// The whole request.
        var frame: [UInt8]
        /// The call's own time limit, which begins when it is sent; 0: the default of what the gateway speaks.
        var timeoutMilliseconds: UInt32
    }

    private let settings: ClientMachine.OfflineSettings
    private var entries: [Entry] = []
    /// Those before it were sent.
    private var first = 0
    private(set) var bytes = 0

    init(_ settings: ClientMachine.OfflineSettings) { self.settings = settings }

    var count: Int { entries.count - first }

    /// Why a call of that size cannot be kept; nil if it can.
    func refusal(_ frameBytes: Int) -> Failure? {
        guard count < Int(settings.maxCalls) else {
            return .wouldPass(
                .full, held: count, "calls wait for a connection", more: 1, "offline.max_calls", Int(settings.maxCalls))
        }
        guard frameBytes <= Int(settings.maxBytes) - bytes else {
            return .wouldPass(
                .full, held: bytes, "bytes of calls wait for a connection", more: frameBytes, "offline.max_bytes",
                Int(settings.maxBytes))
        }
        return nil
    }

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.frame.count
    }

    mutating func remove(_ id: UInt64) {
        guard let index = entries[first...].firstIndex(where: { $0.id == id }) else { return }
        bytes -= entries[index].frame.count
        entries.remove(at: index)
    }

    mutating func popFirst() -> Entry? {
        guard first < entries.count else { return nil }
        let entry = entries[first]
        bytes -= entry.frame.count
        entries[first].frame = []
        first += 1
        if first == entries.count {
            entries = []
            first = 0
        }
        return entry
    }
}
