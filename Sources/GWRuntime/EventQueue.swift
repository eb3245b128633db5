import GWBase

/// Events with the memory that they point to: filled by whoever does the input and output, then handed over as a whole.
final class EventBatch {
    let arena = Arena()
    // Memory of our own rather than an array: an event is stored without a question about who else refers to it.
    private var events = UnsafeMutablePointer<Event>.allocate(capacity: EventBatch.firstCapacity)
    private var capacity = EventBatch.firstCapacity
    private var taken = 0
    private(set) var count = 0

    deinit { events.deallocate() }

    var isEmpty: Bool { taken == count }
    /// Bytes that the batch holds in memory, for the budget.
    var bytes: Int { arena.filled.count + arena.extraBytes + count * MemoryLayout<Event>.stride }

    /// The place of one more event, which the caller initializes at once.
    @inline(__always)
    func place() -> UnsafeMutablePointer<Event> {
        if count == capacity { grow() }
        count &+= 1
        return events + (count &- 1)
    }

    @inline(__always)
    func append(_ event: Event) { place().initialize(to: event) }

    func next() -> Event? {
        guard taken < count else { return nil }
        taken += 1
        return events[taken - 1]
    }

    func recycle() {
        count = 0
        taken = 0
        arena.reset()
    }

    /// Each takes over what the other holds; memory does not move.
    func exchange(with other: EventBatch) {
        swap(&events, &other.events)
        swap(&capacity, &other.capacity)
        swap(&taken, &other.taken)
        swap(&count, &other.count)
        arena.exchange(with: other.arena)
    }

    @inline(never)
    private func grow() {
        let larger = UnsafeMutablePointer<Event>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: events, count: count)
        events.deallocate()
        events = larger
        capacity *= 2
    }

    private static let firstCapacity = 64
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
    let filling = EventBatch()
    private let handed = EventBatch()
    private let budget: Int
    /// Counts the batches that were handed over.
    private(set) var number: UInt64 = 0

    init(budget: UInt32) { self.budget = Int(budget) }

    /// The host has not collected for so long that no more may be read for it.
    var isFull: Bool { filling.bytes > budget }

    var hasEvents: Bool { !handed.isEmpty || !filling.isEmpty }

    var arena: Arena { filling.arena }

    @inline(__always)
    func append(_ event: Event) { filling.append(event) }

    @inline(__always)
    func place() -> UnsafeMutablePointer<Event> { filling.place() }

    /// Gives back what was received without becoming an event.  Nothing may be pointing into the filling batch.
    func recycleUnused() {
        if filling.isEmpty { filling.recycle() }
    }

    /// The batch to take events from.  The memory of events taken earlier ends here once their batch is used up.
    func collect() -> EventBatch {
        if handed.isEmpty {
            handed.recycle()
            if !filling.isEmpty {
                handed.exchange(with: filling)
                number &+= 1
            }
        }
        return handed
    }
}
