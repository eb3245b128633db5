import GWBase
import GWGateway

/// A program that has a client and makes calls, and that notes down what it is told and whether that can be.
final class Host: ClientHost {
    private unowned let world: World
    private let gateway: SimulatedGateway
    private let network: Network
    private let journal: Journal
    private let arena: Arena
    private(set) var client: SimulatedClient?
    private var clients = 0
    /// The token that its user has given it.
    private var token: [UInt8]
    /// Nothing goes wrong by intent any more.
    private(set) var isCalm = false

    private var hasLeft = false

    // Of the present client
    private var connections: UInt64 = 0
    /// The wire of the connection that is ready.
    private var readyWire: Int?
    private var hasSeenEvent = false

    init(_ world: World, _ gateway: SimulatedGateway, _ network: Network, _ journal: Journal, _ arena: Arena) {
        self.world = world
        self.gateway = gateway
        self.network = network
        self.journal = journal
        self.arena = arena
        token = gateway.token
    }

    var isReady: Bool { readyWire != nil }

    // MARK: - What it does

    func open() {
        clients += 1
        journal.begin()
        connections = 0
        var settings = gateway.dialect.client(world, token: token)
        settings.reconnects = isCalm || world.chance(percent: 95)
        client = SimulatedClient(
            world, name: "client \(clients)", settings: settings, network: network, host: self, arena: arena)
    }

    /// One of the things that hosts do.
    func act() {
        guard let client, !client.isStopped else { return }
        switch world.below(100) {
        case 0..<70: call()
        case 70..<76: for _ in 0..<world.below(20) { call() }
        case 76..<86:
            let open = journal.openCalls
            if !open.isEmpty { cancel(world.pick(open)) }
        case 86..<88: client.networkChanged()
        case 88..<90: client.close()
        default: break
        }
    }

    func call() {
        guard let client else { return }
        let timeout: UInt32 = isCalm ? 0 : world.pick([0, 0, 10, 300, 3000, 100_000, .max])
        let expectsFinal = world.chance(percent: 30)
        let place = journal.calls.count
        let size = world.pick([0, 0, 0, 30, 1000, world.below(40_000)])
        let params = numbered(place, padding: size)
        let made: SimulatedClient.Call
        do throws(Failure) {
            made = try client.call(params, timeout: timeout, expectsFinal: expectsFinal)
        } catch {
            return refused(error, client, size)
        }
        // The defaults of `gw_call_options.timeout_ms`.
        let limit = timeout != 0 ? timeout : expectsFinal ? .max : Limits.callMilliseconds
        client.trace("makes call \(place), \(limit == .max ? "without limit" : "limit \(limit) ms")")
        journal.made(
            Journal.Call(
                expectsFinal: expectsFinal, deadline: client.now.adding(milliseconds: limit), channel: made.channel,
                offset: made.offset), as: made.id)
    }

    /// A call is refused for a reason that holds.
    private func refused(_ failure: Failure, _ client: SimulatedClient, _ size: Int) {
        journal.count(\.refused)
        let queued = client.channel?.queuedBytes ?? 0
        let holds =
            switch failure.status {
            case .state: !client.machine.isReady || client.channel?.webSocket?.isOpen != true
            case .limit: journal.openCalls.count >= gateway.dialect.maxCalls
            case .full: queued + size + 200 > SimulatedClient.maxQueuedBytes
            default: false
            }
        world.check(holds, "a call is refused without need: \(failure.text)")
    }

    private func cancel(_ id: UInt64) {
        world.check(client?.cancel(id) == true, "a call in flight cannot be cancelled")
    }

    func beCalm() {
        isCalm = true
        if client == nil { open() }
    }

    /// Closes its client, and opens none any more.
    func leave() {
        hasLeft = true
        client?.close()
    }

    // MARK: - What it is told

    private func isPresent(_ client: SimulatedClient) -> Bool {
        world.check(client === self.client, "\(client.name) speaks after its end")
        return client === self.client
    }

    func clientConnected(_ client: SimulatedClient, wire: Int) {
        guard isPresent(client) else { return }
        client.trace("is ready on wire \(wire)")
        world.check(readyWire == nil, "a connection begins before the one before it has ended")
        world.check(client.channel?.wire.number == wire, "the hello of wire \(wire) comes on another")
        connections += 1
        world.check(client.machine.connections == connections, "connections are not counted one by one")
        readyWire = wire
        hasSeenEvent = false
        journal.count(\.connections)
    }

    private func connectionEnded(_ number: UInt64, _ failure: Failure?) {
        world.check(
            number == (readyWire == nil ? 0 : connections), "connection \(number) ends, which is not the present")
        readyWire = nil
        journal.count(\.losses)
        switch failure?.status {
        case .tickTimeout: journal.count(\.silences)
        case .pongTimeout: journal.count(\.deadPeers)
        default: break
        }
    }

    func client(
        _ client: SimulatedClient, disconnected failure: Failure, connection: UInt64, retryMilliseconds: UInt32
    ) {
        guard isPresent(client) else { return }
        connectionEnded(connection, failure)
        client.trace("tries again in \(retryMilliseconds) ms")
        world.check(retryMilliseconds >= failure.retryAfterMilliseconds, "it comes back sooner than it was asked to")
        world.check(
            retryMilliseconds <= max(Limits.reconnectMaximumMilliseconds, failure.retryAfterMilliseconds + 1000),
            "it waits \(retryMilliseconds) ms")
    }

    func client(_ client: SimulatedClient, closed failure: Failure?, connection: UInt64) {
        guard isPresent(client) else { return }
        connectionEnded(connection, failure)
        client.trace("has closed: \(failure?.text ?? "as its host wished")")
        if failure?.status == .connectRejected { journal.count(\.stops) }
        self.client = nil
        // The user looks what is wrong, and gives the token that holds now.
        guard !hasLeft else { return }
        world.after(world.between(0, .seconds(10))) { [self] in
            token = gateway.token
            if self.client == nil, !hasLeft { open() }
        }
    }

    func client(_ client: SimulatedClient, event payload: [UInt8], isNumbered: Bool, missing: UInt64) {
        guard isPresent(client) else { return }
        // A challenge that comes once more has no number.
        guard isNumbered else { return }
        guard let readyWire else { return world.check(false, "an event comes without a connection") }
        let text = String(decoding: payload, as: UTF8.self)
        let expected = "{\"wire\":\(readyWire),\"skipped\":"
        world.check(text.hasPrefix(expected), "on wire \(readyWire) comes the event \(text)")
        let skipped = UInt64(text.dropFirst(expected.count).dropLast()) ?? .max
        world.check(missing == (hasSeenEvent ? skipped : 0), "\(skipped) events were lost, \(missing) are missing")
        if missing > 0 { journal.count(\.gaps) }
        hasSeenEvent = true
    }

    func client(_ client: SimulatedClient, accepted id: UInt64) {
        guard isPresent(client) else { return }
        journal.accepted(id)
    }

    func client(_ client: SimulatedClient, answered id: UInt64, _ status: Status, _ content: [UInt8]) {
        guard isPresent(client) else { return }
        world.check(isReady, "an answer comes without a connection")
        client.trace("call of id \(id) ends: \(status.name)")
        journal.ended(id, status, answer: content, client.now, slack: client.slack)
    }

    func client(_ client: SimulatedClient, ended call: ClientMachine.EndedCall) {
        guard isPresent(client) else { return }
        client.trace("call of id \(call.id) ends: \(call.failure.text)")
        journal.ended(call.id, call.failure.status, answer: nil, client.now, slack: client.slack)
    }

    func client(_ client: SimulatedClient, warned failure: Failure) {
        guard isPresent(client) else { return }
        world.check(failure.status == .unknownID, "the client warns: \(failure.text)")
    }
}
