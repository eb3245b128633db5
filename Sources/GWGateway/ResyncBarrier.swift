import GWBase

/// Holds events back from the moment that the host's picture of the gateway is stale until it has made a new one, or
/// takes too long.
struct ResyncBarrier {
    struct Held {
        let frame: EventFrame
        let text: [UInt8]
    }

    private let settings: ClientMachine.ResyncSettings
    private var lastID: UInt64 = 0
    private(set) var isUp = false
    private var since = Instant(microseconds: 0)
    private var held: [Held] = []
    private var first = 0
    private var bytes = 0

    init(_ settings: ClientMachine.ResyncSettings) { self.settings = settings }

    /// When it falls by itself.
    private(set) var deadline = Instant.never

    /// The host is to catch up: the id of what it answers.  Events are held from now on if it wants that.
    mutating func raise(_ now: Instant) -> UInt64 {
        lastID += 1
        if settings.holds {
            isUp = true
            deadline = now.adding(milliseconds: settings.timeoutMilliseconds)
        }
        return lastID
    }

    /// Keeps an event; why the barrier falls, if it is too much.
    mutating func hold(_ frame: EventFrame, _ text: UnsafeRawBufferPointer) -> Failure? {
        held.append(Held(frame: frame, text: Array(text)))
        bytes += text.count + MemoryLayout<Held>.stride
        guard bytes > Int(settings.maxHeldBytes) else { return nil }
        fall()
        return ResyncBarrier.late(
            .limit, "\(bytes) bytes of events were held, resync.max_held_bytes is \(settings.maxHeldBytes)")
    }

    /// The host has caught up; false for an id that is not the last one.
    mutating func lower(_ id: UInt64) -> Bool {
        guard isUp, id == lastID else { return false }
        fall()
        return true
    }

    /// Why the barrier falls now, if its time has passed.
    mutating func tick(_ now: Instant) -> Failure? {
        guard isUp, deadline <= now else { return nil }
        fall()
        return ResyncBarrier.late(.callTimeout, "the host has not resynced within \(settings.timeoutMilliseconds) ms")
    }

    private mutating func fall() {
        isUp = false
        deadline = .never
    }

    private static func late(_ status: Status, _ text: String) -> Failure {
        var failure = Failure(status, .program, text + "; the events go on")
        failure.name = "resync".bytes
        return failure
    }

    /// What was held, one by one, once the barrier is down.
    mutating func next() -> Held? {
        guard !isUp, first < held.count else { return nil }
        let event = held[first]
        first += 1
        if first == held.count { forget() }
        return event
    }

    private mutating func forget() {
        held = []
        first = 0
        bytes = 0
    }

    /// What is held belongs to a connection that is no more.
    mutating func connectionEnded() {
        fall()
        forget()
    }
}
