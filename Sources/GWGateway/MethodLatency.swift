import GWBase

/// How long answers took, by method.  Methods beyond the limit share the last entry, whose name is `*`.
public final class MethodLatency {
    public struct Entry {
        public let method: [UInt8]
        public fileprivate(set) var count: UInt64 = 0
        public fileprivate(set) var least: UInt64 = .max
        public fileprivate(set) var greatest: UInt64 = 0
        fileprivate var sum: UInt64 = 0

        /// Microseconds, as the others.
        public var mean: UInt64 { count == 0 ? 0 : sum / count }
    }

    private struct Running {
        var entry = 0
        var began = Instant(microseconds: 0)
    }

    private let limit: Int
    public private(set) var entries: [Entry] = []
    /// By the place of the call.
    private var running: [Running] = []
    /// Where the last method stands: most calls repeat one.
    private var last = 0

    public init(limit: UInt32) { self.limit = max(1, Int(limit)) }

    func began(_ place: Int, _ method: UnsafeRawBufferPointer, _ now: Instant) {
        while running.count <= place { running.append(Running()) }
        running[place] = Running(entry: find(method), began: now)
    }

    func answered(_ place: Int, _ now: Instant) {
        guard running.indices.contains(place) else { return }
        let time = now.microseconds(since: running[place].began)
        let index = running[place].entry
        guard entries.indices.contains(index) else { return }
        entries[index].count &+= 1
        entries[index].sum &+= time
        entries[index].least = min(entries[index].least, time)
        entries[index].greatest = max(entries[index].greatest, time)
    }

    private func find(_ method: UnsafeRawBufferPointer) -> Int {
        if entries.indices.contains(last), isEqual(entries[last].method, method) { return last }
        last = entries.firstIndex { isEqual($0.method, method) } ?? add(method)
        return last
    }

    private func isEqual(_ known: [UInt8], _ method: UnsafeRawBufferPointer) -> Bool {
        known.count == method.count && known.elementsEqual(method)
    }

    private func add(_ method: UnsafeRawBufferPointer) -> Int {
        guard entries.count < limit else { return limit - 1 }
        entries.append(Entry(method: entries.count == limit - 1 ? "*".bytes : Array(method)))
        return entries.count - 1
    }
}
