import GWBase
import GWSocketIO
import Testing

@Suite("Client and server, joined and cut at random")
struct SimulationTests {
    @Test("whatever is lost and whenever: each acknowledgement ends once, nothing is delivered twice or out of order")
    func cuts() {
        var total = World.Counts()
        for seed in 0..<UInt64(2000) {
            var world = World(seed: seed)
            world.run(steps: 120)
            world.comeToRest()
            if !world.problems.isEmpty { Issue.record("seed \(seed): \(world.problems)") }
            total.add(world.counts)
        }
        // Seeds that never get anywhere would prove nothing.
        #expect(total.acknowledged > 5000 && total.unknown > 500 && total.notSent > 500 && total.connections > 5000)
        #expect(total.asked > 100)
    }
}

/// A client machine, the server double, and a network between them that loses connections at any message.
private struct World {
    struct Counts {
        var acknowledged = 0
        var unknown = 0
        var notSent = 0
        var timedOut = 0
        var connections = 0
        var asked = 0

        mutating func add(_ other: Counts) {
            acknowledged += other.acknowledged
            unknown += other.unknown
            notSent += other.notSent
            timedOut += other.timedOut
            connections += other.connections
            asked += other.asked
        }
    }

    private var random: Seeded
    private let machine: SocketIOMachine
    private var server = ServerDouble()
    private var now = Instant(microseconds: 1_000_000)
    private var isConnected = false
    private var retryAt = Instant.never
    private var isStopped = false
    private var toServer: [(message: ServerDouble.Message, end: UInt64)] = []
    private var toClient: [ServerDouble.Message] = []
    private var written: UInt64 = 0
    private var delivered: UInt64 = 0
    /// The acknowledgements in flight, and the number that each was emitted with.
    private var open: [UInt64: Int] = [:]
    private var ended: Set<UInt64> = []
    private var namespaces: [String: UInt64] = [:]
    private var nextNumber = 0
    private var owed: [UInt64] = []
    /// Numbers whose events have certainly not been sent.
    private var unsent: Set<Int> = []
    private(set) var counts = Counts()
    private(set) var problems: [String] = []

    init(seed: UInt64) {
        random = Seeded(seed)
        var settings = SocketIOMachine.Settings()
        settings.joinMilliseconds = 3000
        settings.openMilliseconds = 3000
        settings.maxBufferedPackets = 20
        machine = SocketIOMachine(settings: settings, random: seededPool(seed))
    }

    private mutating func check(_ holds: Bool, _ rule: String) {
        if !holds, problems.count < 5 { problems.append(rule) }
    }

    // MARK: - What happens

    mutating func run(steps: Int) {
        for _ in 0..<steps where !isStopped { step() }
    }

    private mutating func step() {
        switch random.below(100) {
        case 0..<4: join()
        case 4..<5: leave()
        case 5..<30: emit()
        case 30..<34: cancel()
        case 34..<38: acknowledge()
        case 38..<42: lose(Failure(.lost, .network, "lost", isRetryable: true))
        case 42..<62: deliverToServer()
        case 62..<85: deliverToClient()
        case 85..<88:
            if isConnected, let message = server.ask(random.chance(50) ? "/" : "/a") { toClient.append(message) }
        case 88..<89: if isConnected, let message = server.disconnect("/a") { toClient.append(message) }
        case 89..<93: if isConnected { toClient.append(server.ping()) }
        default: advance(UInt32(random.below(600)))
        }
        connect()
        checkDeadline()
    }

    /// Lets everything that is under way come to its end, without further losses.
    mutating func comeToRest() {
        for _ in 0..<400 where !isStopped {
            while deliverToServer() || deliverToClient() {}
            if isConnected { toClient.append(server.ping()) }
            advance(700)
            connect()
        }
        check(open.isEmpty, "acknowledgements do not end: \(open)")
        check(server.violations.isEmpty, "the client sent \(server.violations)")
        check(machine.acksInFlight == 0, "acknowledgements stay in the machine")
        check(Set(server.received).count == server.received.count, "an event came twice: \(server.received)")
        check(server.received.allSatisfy { !unsent.contains($0) }, "an event that was not sent came")
        for name in ["/", "/a"] {
            let seen = server.received.filter { ($0 % 2 == 0) == (name == "/") }
            check(seen == seen.sorted(), "events of \(name) came out of order: \(seen)")
        }
    }

    private mutating func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        machine.tick(now)
        drain()
    }

    private mutating func checkDeadline() {
        guard machine.deadline <= now else { return }
        machine.tick(now)
        drain()
        check(machine.deadline > now, "a deadline stays in the past")
    }

    // MARK: - The network

    private mutating func connect() {
        guard !isConnected, !isStopped, !machine.isIdle, retryAt == .never || retryAt <= now else { return }
        isConnected = true
        counts.connections += 1
        toServer = []
        toClient = server.open()
        written = 0
        delivered = 0
        machine.opened(now)
    }

    private mutating func lose(_ failure: Failure) {
        guard isConnected else { return }
        isConnected = false
        owed = []
        // Any number of bytes may have left: at least those that the server has got.
        let sent = random.chance(50) ? delivered : delivered + UInt64(random.below(Int(written - delivered) + 1))
        switch machine.ended(failure, sentOffset: sent) {
        case .retry(let milliseconds, _): retryAt = now.adding(milliseconds: milliseconds)
        case .rest: retryAt = .never
        case .stop: isStopped = true
        }
        drain()
    }

    @discardableResult
    private mutating func deliverToServer() -> Bool {
        guard isConnected, !toServer.isEmpty else { return false }
        let (message, end) = toServer.removeFirst()
        delivered = end
        toClient += server.receive(message, refuses: random.chance(3))
        if server.isClosed { lose(Failure(.closed, .none, "closed", isRetryable: true)) }
        return true
    }

    @discardableResult
    private mutating func deliverToClient() -> Bool {
        guard isConnected, !toClient.isEmpty else { return false }
        let message = toClient.removeFirst()
        let memory = Memory(message.bytes)
        let action =
            message.isText ? machine.receive(memory.bytes, now) : machine.receiveBinary(memory.readable, now)
        follow(action, memory.readable)
        withExtendedLifetime(memory) {}
        drain()
        return true
    }

    // MARK: - The host

    private mutating func join() {
        let name = random.chance(50) ? "/" : "/a"
        guard namespaces[name] == nil else { return }
        namespaces[name] = try? machine.join(JoinRequest(name: name.bytes), now)
        check(namespaces[name] != nil, "a namespace cannot be joined")
        drain()
    }

    private mutating func leave() {
        guard let id = namespaces["/a"] else { return }
        check(machine.leave(id), "a namespace cannot be left")
        drain()
        check(namespaces["/a"] == nil, "a namespace that was left stays")
    }

    private var output: OutputRoom? {
        isConnected
            ? .init(queuedBytes: 0, maxQueuedBytes: 1_000_000, isBusy: false, offset: written) : nil
    }

    private mutating func emit() {
        let name = random.chance(50) ? "/" : "/a"
        guard let namespace = namespaces[name] else { return }
        // Even numbers go to the main namespace, so that the order in each can be told.
        nextNumber += 2
        let number = nextNumber + (name == "/" ? 0 : 1)
        let hasAttachment = random.chance(20)
        let arguments = Memory(
            hasAttachment ? "[\(number),{\"_placeholder\":true,\"num\":0}]" : "[\(number)]")
        let event = Memory("n")
        let attachment = Memory([7])
        var emission = SocketIOMachine.Emission(
            namespace: namespace, name: event.readable, arguments: arguments.readable)
        if hasAttachment { emission.attachments = [attachment.readable] }
        emission.wantsAck = random.chance(70)
        emission.isVolatile = random.chance(10)
        emission.timeoutMilliseconds = [0, 500, 3000, .max][random.below(4)]
        defer { withExtendedLifetime((arguments, event, attachment)) {} }
        guard let action = try? machine.emit(emission, output: output, now) else {
            unsent.insert(number)
            return
        }
        switch action {
        case .kept(let ack):
            if ack != 0 { note(ack, number) }
        case .send(let rest, let ack):
            if ack != 0 { note(ack, number) }
            send(text(machine.head) + text(rest), hasAttachment ? [[7]] : [])
        }
    }

    private mutating func note(_ ack: UInt64, _ number: Int) {
        check(open[ack] == nil && !ended.contains(ack), "an id is given out twice")
        open[ack] = number
    }

    private mutating func cancel() {
        guard let ack = open.keys.sorted().first else { return }
        check(machine.cancel(ack), "an acknowledgement in flight cannot be cancelled")
        drain()
    }

    private mutating func acknowledge() {
        guard let ack = owed.popLast(), isConnected else { return }
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        guard let rest = try? machine.acknowledge(ack, arguments: none, attachments: [], output: output) else { return }
        send(text(machine.head) + text(rest), [])
        counts.asked += 1
        check((try? machine.acknowledge(ack, arguments: none, attachments: [], output: output)) == nil, "acked twice")
    }

    // MARK: - The machine

    private mutating func send(_ content: String, _ attachments: [[UInt8]]) {
        written += UInt64(content.utf8.count + attachments.count)
        toServer.append((.init(isText: true, bytes: Array(content.utf8)), written))
        for attachment in attachments { toServer.append((.init(isText: false, bytes: attachment), written)) }
    }

    private mutating func drain() {
        while true {
            let action = machine.next()
            if case .none = action { return }
            follow(action, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private mutating func follow(_ action: SocketIOMachine.Action, _ message: UnsafeRawBufferPointer) {
        switch action {
        case .none, .opened, .ask, .joined, .disconnected, .warn: break
        case .send(let packet):
            guard isConnected else { return check(false, "something is sent without a connection") }
            machine.willWrite(packet, at: written)
            send(text(packet.text), packet.attachments)
        case .received(let received): note(received, message)
        case .delivered(let received, let stored): note(received, stored.memory.readable)
        case .ended(let ack):
            guard let number = end(ack.id) else { return }
            switch ack.failure.status {
            case .notSent:
                counts.notSent += 1
                unsent.insert(number)
            case .outcomeUnknown: counts.unknown += 1
            case .callTimeout: counts.timedOut += 1
            default: break
            }
        case .left(let namespace, _, _):
            for (name, id) in namespaces where id == namespace.id { namespaces[name] = nil }
        case .close(_, _, let failure): lose(failure)
        }
    }

    private mutating func note(_ received: Received, _ memory: UnsafeRawBufferPointer) {
        let arguments = received.arguments.flatMap { parsed(memory[$0]) as? [Any] }
        switch received.kind {
        case .event(let ack):
            check(arguments?.count == 1, "an event without its argument")
            if ack != 0 { owed.append(ack) }
        case .ack(let id):
            guard let number = end(id) else { return }
            counts.acknowledged += 1
            check(arguments?.first as? Int == number, "an acknowledgement of another event")
        }
    }

    private mutating func end(_ ack: UInt64) -> Int? {
        check(ended.insert(ack).inserted, "an acknowledgement ends twice")
        let number = open.removeValue(forKey: ack)
        check(number != nil, "an acknowledgement ends that was not in flight")
        return number
    }
}
