import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Client and gateway, joined and cut at random")
struct SimulationTests {
    @Test("every call ends exactly once and is run at most once, whatever is lost and whenever")
    func everyCallEndsOnce() {
        let signer = TestSigner(seed: Array(0..<32))
        var total = World.Counts()
        for seed in 0..<UInt64(2000) {
            var world = World(seed: seed, signer: seed % 8 == 0 ? signer : nil)
            world.run(steps: 120)
            world.comeToRest()
            if !world.problems.isEmpty { Issue.record("seed \(seed): \(world.problems)") }
            total.add(world.counts)
        }
        // The seeds reach what they are meant to reach.
        let least = min(
            total.answered, total.rejected, total.accepted, total.expired, total.cancelled, total.lost, total.gaps,
            total.silences)
        #expect(least > 100, "\(total)")
    }
}

/// One client and one gateway with two queues between them.  All that happens comes from the seed.
private struct World {
    struct Counts {
        var answered = 0
        var rejected = 0
        var accepted = 0
        var expired = 0
        var cancelled = 0
        var lost = 0
        var gaps = 0
        var silences = 0

        mutating func add(_ other: Counts) {
            answered += other.answered
            rejected += other.rejected
            accepted += other.accepted
            expired += other.expired
            cancelled += other.cancelled
            lost += other.lost
            gaps += other.gaps
            silences += other.silences
        }
    }

    /// A call as the host and as the gateway know it; its index travels in its params.
    private struct Call {
        var expectsFinal: Bool
        var ends = 0
        var acceptances = 0
        var runs = 0
    }

    private(set) var problems: [String] = []
    private(set) var counts = Counts()
    private var random: Seeded
    private let signer: TestSigner?
    private var now = ClientEnd.start
    private var client: ClientEnd
    private var server: ServerEnd
    private var toServer: [String] = []
    private var toClient: [String] = []
    private var calls: [Call] = []
    private let pending = PendingCalls()
    private var ids: Set<UInt64> = []
    /// The calls of this connection that have not ended, by id.
    private var open: [UInt64: Int] = [:]
    /// What the gateway still has to answer: the id as it stood and the call's index.
    private var unanswered: [(wireID: String, call: Int)] = []
    /// How many events were skipped before each event that is on its way.
    private var skipped: [UInt64] = []
    private var hasSeenEvent = false

    init(seed: UInt64, signer: TestSigner?) {
        random = Seeded(seed)
        self.signer = signer
        client = ClientEnd()
        server = ServerEnd()
        connect()
    }

    private mutating func connect() {
        var clientSettings = ClientSession.Settings()
        clientSettings.connect.clientVersion = "1".bytes
        clientSettings.connect.scopes = ["operator.admin".bytes]
        clientSettings.maxCalls = 8
        var serverSettings = ServerSession.Settings()
        serverSettings.tickMilliseconds = 1000 << UInt32(random.below(6))
        client = ClientEnd(clientSettings, signer: signer, calls: pending, now: now)
        server = ServerEnd(serverSettings, now: now)
        toServer = []
        unanswered = []
        skipped = []
        hasSeenEvent = false
        toClient = [text(server.session.challenge(wallMilliseconds: ServerEnd.wall))]
    }

    // MARK: - What may happen

    mutating func run(steps: Int) {
        for _ in 0..<steps {
            switch random.below(100) {
            case 0..<20: deliverToServer()
            case 20..<40: deliverToClient()
            case 40..<60: call()
            case 60..<75: answer()
            case 75..<82: pushEvent()
            case 82..<85: cancel()
            case 85..<97: advance([1, 20, 500, 5000, 40_000][random.below(5)])
            default: lose()
            }
        }
    }

    /// Nothing is lost any more: the two find each other, a last call is answered, then the connection ends.
    mutating func comeToRest() {
        lose()
        while !toServer.isEmpty || !toClient.isEmpty {
            deliverToServer()
            deliverToClient()
        }
        check(client.session.isReady && server.session.isReady, "no connection comes about")
        let first = calls.count
        call()
        while !toServer.isEmpty || !toClient.isEmpty || !unanswered.isEmpty {
            deliverToServer()
            answer()
            deliverToClient()
        }
        check(
            calls.count == first + 1 && calls.last?.ends == 1 && calls.last?.runs == 1, "the last call is not answered")
        lose()
        for (index, call) in calls.enumerated() {
            check(call.ends == 1, "call \(index) has ended \(call.ends) times")
            check(call.runs <= 1, "call \(index) was run \(call.runs) times")
            check(
                call.acceptances <= (call.expectsFinal ? 1 : 0), "call \(index) was accepted \(call.acceptances) times")
        }
    }

    private mutating func check(_ isTrue: Bool, _ problem: String) { if !isTrue { problems.append(problem) } }

    private mutating func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        client.now = now
        server.now = now
        switch server.session.tick(now) {
        case .none: break
        case .tick: send("tick")
        case .close: return lose()
        }
        while true {
            switch client.tick() {
            case .none: return check(client.session.deadline > now, "a deadline has passed unseen")
            case .send: check(false, "nothing is asked after the hello")
            case .callExpired(let id, _): if end(id) { counts.expired += 1 }
            case .close(_, let reason, _):
                if text(reason) == "tick timeout" { counts.silences += 1 }
                return lose()
            }
        }
    }

    private mutating func lose() {
        for (id, _) in client.session.end() where end(id) { counts.lost += 1 }
        check(open.isEmpty && client.session.callsInFlight == 0, "calls survive their connection")
        check(client.session.deadline == .never, "a session that has ended waits for something")
        for message in toClient.prefix(2) {
            if case .none = client.receive(message) {} else { check(false, "something comes after the end") }
        }
        server.session.end()
        connect()
    }

    // MARK: - The client

    private mutating func call() {
        let expectsFinal = random.chance(40)
        let timeout = [0, 10, 3000, 100_000, .max][random.below(5)] as UInt32
        guard let id = client.call(expectsFinal: expectsFinal, timeout: timeout) else {
            return check(!client.session.isReady || client.session.callsInFlight == 8, "a call is refused without need")
        }
        check(ids.insert(id).inserted, "an id is given out twice")
        open[id] = calls.count
        toServer.append(#"{"type":"req","id":"\#(wireID(id))","method":"m","params":\#(calls.count)}"#)
        calls.append(Call(expectsFinal: expectsFinal))
    }

    private mutating func cancel() {
        guard let id = open.keys.sorted().randomElement(using: &random) else { return }
        check(client.session.cancel(id) != nil, "a call in flight cannot be cancelled")
        if end(id) { counts.cancelled += 1 }
    }

    /// Counts an end; false if the call is not in flight.
    private mutating func end(_ id: UInt64, wasRun: Bool = false) -> Bool {
        guard let index = open.removeValue(forKey: id) else {
            check(false, "something ends that is not in flight")
            return false
        }
        calls[index].ends += 1
        check(!wasRun || calls[index].runs == 1, "call \(index) is answered but was run \(calls[index].runs) times")
        return true
    }

    private mutating func deliverToClient() {
        guard !toClient.isEmpty else { return }
        switch client.receive(toClient.removeFirst()) {
        case .none, .connected: break
        case .send(let frame): toServer.append(frame)
        case .event(_, _, let missing):
            let expected = skipped.isEmpty ? 0 : skipped.removeFirst()
            check(missing == (hasSeenEvent ? expected : 0), "\(missing) events missing, \(expected) were skipped")
            if missing > 0 { counts.gaps += 1 }
            hasSeenEvent = true
        case .accepted(let id, _):
            guard let index = open[id] else { return check(false, "an ended call is accepted") }
            calls[index].acceptances += 1
            counts.accepted += 1
        case .answered(let id, _): if end(id, wasRun: true) { counts.answered += 1 }
        case .rejected(let id, _, _): if end(id, wasRun: true) { counts.rejected += 1 }
        case .warn(let failure): check(failure.status == .unknownID, failure.text)
        case .close(_, let reason, _):
            check(false, "the client closes: \(reason)")
            lose()
        }
    }

    // MARK: - The gateway

    private mutating func deliverToServer() {
        guard !toServer.isEmpty else { return }
        switch server.receive(toServer.removeFirst()) {
        case .admitted(_, let hello): toClient.append(hello)
        case .request(let id, _, let params):
            guard let index = params.flatMap(Int.init), index < calls.count else {
                return check(false, "params are lost")
            }
            calls[index].runs += 1
            unanswered.append((id, index))
        case .send: check(false, "a request is taken for something else")
        case .close(_, _, let reason, _):
            check(false, "the gateway closes: \(reason)")
            lose()
        }
    }

    /// Answers a request, in whatever order: as accepted, finally, twice, not at all, or one that was never made.
    private mutating func answer() {
        guard !unanswered.isEmpty else { return }
        let index = random.below(unanswered.count)
        let (wireID, _) = unanswered[index]
        func response(_ rest: String) -> String { #"{"type":"res","id":\#(wireID),\#(rest)}"# }
        switch random.below(10) {
        case 0..<3: toClient.append(response(#""ok":true,"payload":{"status":"accepted"}"#))
        case 3: toClient.append(#"{"type":"res","id":"never","ok":true}"#)
        case 4: toClient.append(contentsOf: [response(#""ok":true"#), response(#""ok":false"#)])
        case 5..<7: toClient.append(response(#""ok":false,"error":{"code":"X","message":"m"}"#))
        default: toClient.append(response(#""ok":true,"payload":{"status":"ok"}"#))
        }
        if toClient.last?.contains("accepted") == false, toClient.last?.contains("never") == false {
            unanswered.remove(at: index)
        }
    }

    private mutating func pushEvent() {
        guard server.session.isReady else { return }
        let skips = random.chance(30) ? random.below(5) : 0
        for _ in 0..<skips { _ = server.session.nextSequence() }
        send("chat", skips: UInt64(skips))
    }

    private mutating func send(_ event: String, skips: UInt64 = 0) {
        toClient.append(#"{"type":"event","event":"\#(event)","seq":\#(server.session.nextSequence())}"#)
        skipped.append(skips)
    }
}
