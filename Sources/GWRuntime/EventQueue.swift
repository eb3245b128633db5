import GWBase

/// Events with the memory that they point to: filled by whoever does the input and output, then handed over as a whole.
final class EventBatch {
    let arena = Arena()
    private var events: [Event] = []
    private var taken = 0

    var isEmpty: Bool { taken == events.count }
    var count: Int { events.count }
    /// Bytes that the batch holds in memory, for the budget.
    var bytes: Int { arena.filled.count + arena.extraBytes + events.count * MemoryLayout<Event>.stride }

    func append(_ event: Event) { events.append(event) }

    func next() -> Event? {
        guard taken < events.count else { return nil }
        taken += 1
        return events[taken - 1]
    }

    func recycle() {
        events.removeAll(keepingCapacity: true)
        taken = 0
        arena.reset()
    }
}

/// What `poll` gives: the events in order, and the memory that most of their bytes lie in.
public struct EventBatchReader {
    private let batch: EventBatch
    init(_ batch: EventBatch) { self.batch = batch }
    public var isEmpty: Bool { batch.isEmpty }
    public func next() -> Event? { batch.next() }
    public var arena: UnsafeRawBufferPointer { batch.arena.filled }
}

/// The two batches of a context: one is being filled while the host still reads the other.
final class EventQueue {
    private(set) var filling = EventBatch()
    private var handed = EventBatch()
    private let budget: Int
    /// Counts the batches that were handed over.
    private(set) var number: UInt64 = 0

    init(budget: UInt32) { self.budget = Int(budget) }

    /// The host has not collected for so long that no more may be read for it.
    var isFull: Bool { filling.bytes > budget }

    var hasEvents: Bool { !handed.isEmpty || !filling.isEmpty }

    var arena: Arena { filling.arena }

    func append(_ event: Event) { filling.append(event) }

    /// Gives back what was received without becoming an event.  Nothing may be pointing into the filling batch.
    func recycleUnused() {
        if filling.isEmpty { filling.recycle() }
    }

    /// The batch to take events from.  The memory of events taken earlier ends here once their batch is used up.
    func collect() -> EventBatch {
        if handed.isEmpty {
            handed.recycle()
            if !filling.isEmpty {
                swap(&handed, &filling)
                number &+= 1
            }
        }
        return handed
    }
}
