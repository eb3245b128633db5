import GWBase

/// What is to happen, by its time; what is due at the same time happens in the order in which it was put here.
struct Agenda {
    private struct Entry {
        let time: Instant
        let order: UInt64
        let action: () -> Void

        func isBefore(_ other: Entry) -> Bool { time == other.time ? order < other.order : time < other.time }
    }

    /// A binary heap.
    private var entries: [Entry] = []
    private var order: UInt64 = 0

    var next: Instant { entries.first?.time ?? .never }

    mutating func add(_ time: Instant, _ action: @escaping () -> Void) {
        order += 1
        entries.append(Entry(time: time, order: order, action: action))
        var place = entries.count - 1
        while place > 0, entries[place].isBefore(entries[(place - 1) / 2]) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    mutating func popFirst() -> (time: Instant, action: () -> Void)? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return (first.time, first.action)
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < entries.count && entries[child].isBefore(entries[least]) {
                least = child
            }
            guard least != place else { return }
            entries.swapAt(place, least)
            place = least
        }
    }
}
