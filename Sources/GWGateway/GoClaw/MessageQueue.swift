import GWBase

/// How many of the messages that were queued have not left yet: a GoClaw gateway keeps so many of a connection, and drops what
/// is more.
public struct MessageQueue {
    private let limit: Int
    /// Where each message ends in the bytes of the connection, as a ring.
    private var ends: [UInt64] = []
    private var first = 0

    public init(limit: UInt32) { self.limit = Int(limit) }

    /// Whether there is room for one more now that so many bytes have left.
    public mutating func hasRoom(sentOffset: UInt64) -> Bool {
        while first < ends.count, ends[first] <= sentOffset { first += 1 }
        if first == ends.count || first >= limit {
            ends.removeFirst(first)
            first = 0
        }
        return ends.count - first < limit
    }

    public mutating func append(endOffset: UInt64) { ends.append(endOffset) }
}
