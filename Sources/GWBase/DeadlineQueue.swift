/// Deadlines by place (a small number such as `SlotTable.place`), the earliest first: a binary heap that knows where each
/// entry stands, so that one can be moved or removed in logarithmic time.
public struct DeadlineQueue: ~Copyable {
    private struct Entry {
        var deadline: Instant
        var place: Int
    }

    // Memory of our own rather than arrays: a call sets a deadline and removes it, without asking who else refers to them.
    private var heap: UnsafeMutablePointer<Entry>
    private var count = 0
    private var capacity: Int
    /// Index in `heap` by place, -1 for none.
    private var positions: UnsafeMutablePointer<Int>
    private var places: Int

    public init() {
        capacity = DeadlineQueue.firstCapacity
        places = DeadlineQueue.firstCapacity
        heap = .allocate(capacity: capacity)
        positions = .allocate(capacity: places)
        positions.initialize(repeating: -1, count: places)
    }

    deinit {
        heap.deallocate()
        positions.deallocate()
    }

    public var isEmpty: Bool { count == 0 }

    /// The earliest deadline, `never` if there is none.
    public var next: Instant { count == 0 ? .never : heap[0].deadline }

    public func contains(_ place: Int) -> Bool { place >= 0 && place < places && positions[place] >= 0 }

    /// The place whose deadline is the earliest and not after `now`; it is removed.
    public mutating func popExpired(_ now: Instant) -> Int? {
        guard count > 0, heap[0].deadline <= now else { return nil }
        let place = heap[0].place
        remove(place)
        return place
    }

    /// Sets, moves or (with `never`) removes the deadline of a place.
    public mutating func set(_ place: Int, _ deadline: Instant) {
        guard place >= 0 else { return }
        guard deadline != .never else { return remove(place) }
        if place >= places { growPlaces(place) }
        let index = positions[place]
        let entry = Entry(deadline: deadline, place: place)
        if index >= 0 {
            guard heap[index].deadline != deadline else { return }
            heap[index].deadline < deadline ? siftDown(entry, index) : siftUp(entry, index)
        } else {
            if count == capacity { growHeap() }
            count &+= 1
            siftUp(entry, count &- 1)
        }
    }

    public mutating func remove(_ place: Int) {
        guard contains(place) else { return }
        let index = positions[place]
        positions[place] = -1
        count &-= 1
        guard index < count else { return }
        let last = heap[count]
        heap[index].deadline < last.deadline ? siftDown(last, index) : siftUp(last, index)
    }

    /// Puts an entry where `start` has become free, or above it.
    private func siftUp(_ entry: Entry, _ start: Int) {
        var index = start
        while index > 0 {
            let parent = (index &- 1) &>> 1
            guard entry.deadline < heap[parent].deadline else { break }
            put(heap[parent], index)
            index = parent
        }
        put(entry, index)
    }

    /// Puts an entry where `start` has become free, or below it.
    private func siftDown(_ entry: Entry, _ start: Int) {
        var index = start
        while true {
            var child = 2 &* index &+ 1
            guard child < count else { break }
            if child &+ 1 < count, heap[child &+ 1].deadline < heap[child].deadline { child &+= 1 }
            guard heap[child].deadline < entry.deadline else { break }
            put(heap[child], index)
            index = child
        }
        put(entry, index)
    }

    @inline(__always)
    private func put(_ entry: Entry, _ index: Int) {
        (heap + index).initialize(to: entry)
        positions[entry.place] = index
    }

    @inline(never)
    private mutating func growHeap() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity &* 2)
        larger.moveInitialize(from: heap, count: count)
        heap.deallocate()
        heap = larger
        capacity &*= 2
    }

    @inline(never)
    private mutating func growPlaces(_ place: Int) {
        let wanted = max(places &* 2, place &+ 1)
        let larger = UnsafeMutablePointer<Int>.allocate(capacity: wanted)
        larger.moveInitialize(from: positions, count: places)
        (larger + places).initialize(repeating: -1, count: wanted &- places)
        positions.deallocate()
        positions = larger
        places = wanted
    }

    private static let firstCapacity = 8
}
