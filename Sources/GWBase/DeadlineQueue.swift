/// Deadlines by place (a small number such as `SlotTable.place`), the earliest first: a binary heap that knows where each
/// entry stands, so that one can be moved or removed in logarithmic time.
public struct DeadlineQueue {
    private struct Entry {
        var deadline: Instant
        var place: Int
    }

    private var heap: [Entry] = []
    /// Index in `heap` by place, -1 for none.
    private var positions: [Int] = []

    public init() {}

    public var isEmpty: Bool { heap.isEmpty }

    /// The earliest deadline, `never` if there is none.
    public var next: Instant { heap.isEmpty ? .never : heap[0].deadline }

    public func contains(_ place: Int) -> Bool {
        place >= 0 && place < positions.count && positions[place] >= 0
    }

    /// The place whose deadline is the earliest and not after `now`; it is removed.
    public mutating func popExpired(_ now: Instant) -> Int? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        remove(first.place)
        return first.place
    }

    /// Sets, moves or (with `never`) removes the deadline of a place.
    public mutating func set(_ place: Int, _ deadline: Instant) {
        guard place >= 0 else { return }
        guard deadline != .never else { return remove(place) }
        while positions.count <= place { positions.append(-1) }
        var index = positions[place]
        if index >= 0 {
            guard heap[index].deadline != deadline else { return }
            let later = heap[index].deadline < deadline
            heap[index].deadline = deadline
            later ? siftDown(index) : siftUp(index)
        } else {
            index = heap.count
            heap.append(Entry(deadline: deadline, place: place))
            positions[place] = index
            siftUp(index)
        }
    }

    public mutating func remove(_ place: Int) {
        guard place >= 0, place < positions.count, positions[place] >= 0 else { return }
        let index = positions[place]
        positions[place] = -1
        let last = heap.removeLast()
        guard index < heap.count else { return }
        let later = heap[index].deadline < last.deadline
        heap[index] = last
        positions[last.place] = index
        later ? siftDown(index) : siftUp(index)
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let entry = heap[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < heap[parent].deadline else { break }
            heap[index] = heap[parent]
            positions[heap[index].place] = index
            index = parent
        }
        heap[index] = entry
        positions[entry.place] = index
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let entry = heap[index]
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
            guard heap[child].deadline < entry.deadline else { break }
            heap[index] = heap[child]
            positions[heap[index].place] = index
            index = child
        }
        heap[index] = entry
        positions[entry.place] = index
    }
}
