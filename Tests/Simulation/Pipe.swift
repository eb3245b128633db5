import GWBase

/// One direction of a connection: what the sender's kernel has taken and the receiver has not read yet.
struct Pipe {
    private struct Segment {
        var arrival: Instant
        var bytes: [UInt8]
        var isEnd = false
    }

    /// How many bytes may be under way.
    var capacity = 65_536
    /// All that was taken from the sender, and all that has come out at the far end.
    private(set) var accepted: UInt64 = 0
    private(set) var passed: UInt64 = 0
    /// What has arrived and was not read.
    private(set) var inbox: [UInt8] = []
    private(set) var hasEndArrived = false
    private(set) var isFinished = false
    private var segments: [Segment] = []
    private var lastArrival = Instant(microseconds: 0)

    private var underWay: Int { segments.reduce(inbox.count) { $0 + $1.bytes.count } }

    /// Bytes that the sender's kernel would take.
    var room: Int { isFinished ? 0 : max(capacity - underWay, 0) }

    /// Takes what there is room for, in slices that arrive one after another; when each of them does.
    mutating func write(
        _ bytes: UnsafeRawBufferPointer, slices: [(size: Int, delay: UInt64)], _ now: Instant
    ) -> [Instant] {
        var start = 0
        var arrivals: [Instant] = []
        for (size, delay) in slices where start < bytes.count {
            let piece = Array(bytes[start..<min(start + size, bytes.count)])
            arrivals.append(add(Segment(arrival: now, bytes: piece), delay, now))
            start += piece.count
            accepted += UInt64(piece.count)
        }
        return arrivals
    }

    /// Nothing comes after what was written; when the end arrives.
    mutating func finish(delay: UInt64, _ now: Instant) -> Instant? {
        guard !isFinished else { return nil }
        isFinished = true
        return add(Segment(arrival: now, bytes: [], isEnd: true), delay, now)
    }

    private mutating func add(_ segment: Segment, _ delay: UInt64, _ now: Instant) -> Instant {
        lastArrival = max(Instant(microseconds: now.microseconds + delay), lastArrival)
        var segment = segment
        segment.arrival = lastArrival
        segments.append(segment)
        return lastArrival
    }

    /// Nothing arrives before then.
    mutating func stall(until time: Instant) -> Instant {
        for place in segments.indices { segments[place].arrival = max(segments[place].arrival, time) }
        lastArrival = max(lastArrival, time)
        return time
    }

    /// Lets arrive what is due, but no byte behind the first `limit` of all; whether that byte was reached.
    mutating func arrive(_ now: Instant, limit: UInt64) -> Bool {
        var done = 0
        defer { segments.removeFirst(done) }
        while done < segments.count, segments[done].arrival <= now {
            let segment = segments[done]
            let left = limit - passed
            guard UInt64(segment.bytes.count) < left else {
                inbox += segment.bytes.prefix(Int(left))
                segments[done].bytes.removeFirst(Int(left))
                passed = limit
                return true
            }
            inbox += segment.bytes
            passed += UInt64(segment.bytes.count)
            if segment.isEnd { hasEndArrived = true }
            done += 1
        }
        return false
    }

    mutating func read() -> [UInt8] {
        defer { inbox = [] }
        return inbox
    }

    /// What is under way is lost.
    mutating func drop() { segments = [] }
}
