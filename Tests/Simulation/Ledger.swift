import GWBase

/// What is known of every call on both sides, and what of that cannot be true together.
final class Ledger {
    struct Call {
        let expectsFinal: Bool
        /// Its time limit from when it is put on a channel; `.max`: none.
        let milliseconds: UInt32
        /// Its idempotency key, or empty.
        let key: [UInt8]
        /// By the client's clock, when it has to have ended.
        fileprivate(set) var deadline: Instant
        /// The channel that its frame was put on, and where it begins in the output; nil: it waits for one.
        fileprivate(set) var place: (channel: Channel, offset: UInt64)?
        /// It has waited.
        let wasKept: Bool
        fileprivate(set) var end: Status?
        fileprivate(set) var wasAccepted = false
        fileprivate(set) var runs = 0
        /// What the gateway has said of it.
        fileprivate(set) var answers: [Answer] = []
    }

    struct Answer: Equatable {
        let isOK: Bool
        let content: [UInt8]
    }

    private unowned let world: World
    private(set) var calls: [Call] = []
    private var places: [UInt64: Int] = [:]
    private(set) var tally = Tally()

    init(_ world: World) { self.world = world }

    var openCalls: [UInt64] { places.keys.filter { find($0)?.end == nil }.sorted() }

    private func find(_ id: UInt64) -> Call? { places[id].map { calls[$0] } }

    func count(_ place: WritableKeyPath<Tally, Int>) { tally[keyPath: place] += 1 }

    // MARK: - The host

    /// The host has another client, whose ids are its own.
    func begin() {
        world.check(openCalls.isEmpty, "calls outlive their client")
        places = [:]
    }

    func made(_ call: Call, as id: UInt64) {
        world.check(places[id] == nil, "the id \(id) is given out twice")
        places[id] = calls.count
        calls.append(call)
    }

    /// A call that has waited is put on a channel.
    func wrote(_ place: Int, on channel: Channel, offset: UInt64, _ now: Instant) {
        guard calls.indices.contains(place) else { return world.check(false, "a call is sent that nobody made") }
        world.check(calls[place].end == nil, "call \(place) is sent after its end")
        world.check(calls[place].place == nil, "call \(place) is sent twice")
        calls[place].place = (channel, offset)
        calls[place].deadline = now.adding(milliseconds: calls[place].milliseconds)
    }

    func accepted(_ id: UInt64) {
        guard let place = places[id] else { return world.check(false, "a call that was never made is accepted") }
        world.check(calls[place].end == nil, "call \(place) is accepted after its end")
        world.check(calls[place].expectsFinal, "call \(place) is accepted, which expects one answer")
        world.check(!calls[place].wasAccepted, "call \(place) is accepted twice")
        calls[place].wasAccepted = true
        tally.accepted += 1
    }

    func ended(
        _ id: UInt64, _ status: Status, answer: [UInt8]? = nil, key: [UInt8]? = nil, _ now: Instant, slack: UInt64
    ) {
        guard let place = places[id] else { return world.check(false, "a call that was never made ends") }
        let call = calls[place]
        world.check(call.end == nil, "call \(place) ends as \(status.name), but has ended as \(call.end?.name ?? "")")
        calls[place].end = status
        world.check(
            call.deadline == .never || now.microseconds <= call.deadline.microseconds + slack,
            "call \(place) ends \(now.microseconds(since: call.deadline)) us after its time limit")
        if let key { world.check(key == call.key, "call \(place) ends with the key \(String(printable: key))") }
        switch status {
        case .ok, .rejected:
            let answer = Answer(isOK: status == .ok, content: answer ?? [])
            world.check(
                call.answers.contains(answer),
                "call \(place) ends as \(status.name) with \(String(printable: answer.content, limit: 60)), which the "
                    + "gateway has not said of it")
            if status == .ok { tally.answered += 1 } else { tally.rejected += 1 }
        case .notSent:
            if call.place == nil { tally.neverWritten += 1 } else { tally.notSent += 1 }
        case .outcomeUnknown:
            // What is queued on a channel that only lingers may still leave.
            if let (channel, offset) = call.place, channel.isClosed {
                world.check(
                    channel.leftOffset > offset, "no byte of call \(place) has left, but its outcome is unknown")
            }
            tally.unknown += 1
        case .callTimeout:
            world.check(now >= call.deadline, "call \(place) times out before its time")
            world.check(call.place != nil, "call \(place) times out, and never left")
            tally.expired += 1
        case .cancelled:
            tally.cancelled += 1
        default:
            world.check(false, "call \(place) ends as \(status.name)")
        }
    }

    // MARK: - The gateway

    func wasKept(_ place: Int) -> Bool { calls.indices.contains(place) && calls[place].wasKept }

    /// A call has come to the gateway, which runs it or not.
    func came(_ place: Int, runs: Bool, _ params: [UInt8]) {
        guard calls.indices.contains(place) else { return world.check(false, "a call has come that nobody made") }
        let key = Array("{\"idempotencyKey\":\"".utf8) + calls[place].key
        if !calls[place].key.isEmpty { world.check(params.starts(with: key), "call \(place) has another key") }
        guard runs else { return }
        calls[place].runs += 1
        world.check(calls[place].runs == 1, "call \(place) is run \(calls[place].runs) times")
    }

    func answers(_ place: Int, _ answer: Answer) {
        guard calls.indices.contains(place) else { return }
        if calls[place].end != nil { tally.late += 1 }
        calls[place].answers.append(answer)
    }

    // MARK: - The sum

    /// What must hold when nothing is under way any more.
    func judge() {
        for (place, call) in calls.enumerated() {
            guard let end = call.end else {
                world.check(false, "call \(place) has not ended")
                continue
            }
            let hasLeft = call.place.map { $0.channel.leftOffset > $0.offset } ?? false
            if call.wasKept, call.place != nil { tally.kept += 1 }
            switch end {
            case .notSent:
                world.check(call.runs == 0, "call \(place) was run, but the host was told that it was not sent")
                world.check(!hasLeft, "bytes of call \(place) have left, but the host was told that it was not sent")
            case .ok:
                world.check(call.runs == 1, "call \(place) was answered, but run \(call.runs) times")
            case .outcomeUnknown:
                world.check(call.place != nil, "call \(place) has no outcome, and never left")
                world.check(call.runs <= 1, "call \(place) was run \(call.runs) times")
            default:
                world.check(call.runs <= 1, "call \(place) was run \(call.runs) times")
            }
        }
    }
}

/// How often what has happened: the seeds have to reach all of it.
struct Tally {
    var answered = 0
    var rejected = 0
    var accepted = 0
    var notSent = 0
    var unknown = 0
    var expired = 0
    var cancelled = 0
    var refused = 0
    var connections = 0
    var losses = 0
    var stops = 0
    var gaps = 0
    var silences = 0
    var deadPeers = 0
    var shutdowns = 0
    var late = 0
    var kept = 0
    var neverWritten = 0
    var subscribed = 0
    var synced = 0
    var resyncs = 0
    var held = 0
    var pauses = 0

    static var all: [(name: String, place: WritableKeyPath<Tally, Int>)] {
        [
            ("answered", \.answered), ("rejected", \.rejected), ("accepted", \.accepted), ("not sent", \.notSent),
            ("unknown", \.unknown), ("timed out", \.expired), ("cancelled", \.cancelled), ("refused", \.refused),
            ("connections", \.connections), ("losses", \.losses), ("stopped by the gateway", \.stops), ("gaps", \.gaps),
            ("tick timeouts", \.silences), ("pong timeouts", \.deadPeers), ("shutdowns", \.shutdowns),
            ("late answers", \.late), ("kept", \.kept), ("never written", \.neverWritten), ("subscribed", \.subscribed),
            ("synced", \.synced), ("resyncs", \.resyncs), ("held", \.held), ("paused", \.pauses),
        ]
    }

    mutating func add(_ other: Tally) {
        for (_, place) in Tally.all { self[keyPath: place] += other[keyPath: place] }
    }
}

extension Status {
    var name: String {
        switch self {
        case .ok: "ok"
        case .rejected: "rejected"
        case .notSent: "not sent"
        case .outcomeUnknown: "outcome unknown"
        case .callTimeout: "timeout"
        case .cancelled: "cancelled"
        default: "status \(code)"
        }
    }
}
