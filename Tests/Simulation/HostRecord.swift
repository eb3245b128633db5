import GWBase
import GWGateway

/// What a host is told by one client, and whether that can be.
final class HostRecord: ClientHost {
    private unowned let world: World
    private let ledger: Ledger
    private let openings: Openings
    private let settings: ClientMachine.Settings
    private(set) weak var client: SimulatedClient?
    private var closed: () -> Void = {}
    /// What the host does to catch up, before it says so.
    var catchesUp: (UInt64) -> Void = { _ in }
    /// What it does where the client waits for somebody to act, and where it asks for credentials.
    var paused: () -> Void = {}
    var asked: (UInt64) -> Void = { _ in }
    private var hasClosed = false

    /// The numbers of the subscriptions by their ids.
    var subscriptions: [UInt64: Int] = [:]
    private var connections: UInt64 = 0
    private var present: Connection?
    /// Failed attempts since the last hello, as far as they count.
    private var failures: UInt32 = 0
    /// Of the last event that the host was given.
    private var lastSequence: UInt64?

    /// The connection that is ready.
    private struct Connection {
        let wire: Int
        var arrived = 0
        var delivered = 0
        /// Events are held back until this was answered.
        var barrier: UInt64?
        var subscribed: Set<UInt64> = []
        var isSynced = false
        /// Calls that the library has made on it.
        var ownCalls = 0
        /// The gateway has said when it may be back.
        var restartMilliseconds = 0
    }

    init(_ world: World, _ ledger: Ledger, _ openings: Openings, _ settings: ClientMachine.Settings) {
        self.world = world
        self.ledger = ledger
        self.openings = openings
        self.settings = settings
    }

    var isReady: Bool { present != nil }

    /// Calls that the library has made on the present connection.
    var ownCalls: Int { present?.ownCalls ?? 0 }

    func watch(_ client: SimulatedClient, closed: @escaping () -> Void) {
        self.client = client
        self.closed = closed
    }

    // MARK: - Connections

    func clientConnected(_ client: SimulatedClient, hello: Hello) {
        let wire = client.channel?.wire.number ?? 0
        client.trace("is ready on wire \(wire)")
        checkSpeaks(client)
        world.check(present == nil, "a connection begins before the one before it has ended")
        let named = String(decoding: hello.connectionID, as: UTF8.self)
        world.check(named.isEmpty || named == "\(wire)", "the hello of wire \(named) comes on wire \(wire)")
        connections += 1
        failures = 0
        world.check(client.machine.connections == connections, "connections are not counted one by one")
        present = Connection(wire: wire)
        openings.begin(wire, subscriptions: Set(subscriptions.values), syncCalls: settings.sync.count)
        ledger.count(\.connections)
    }

    private func checkSpeaks(_ client: SimulatedClient) {
        world.check(!hasClosed, "\(client.name) speaks after its end")
    }

    private func connectionEnded(_ number: UInt64, _ failure: Failure?) {
        world.check(number == (present == nil ? 0 : connections), "connection \(number) ends, which is not the present")
        present = nil
        ledger.count(\.losses)
        switch failure?.status {
        case .tickTimeout: ledger.count(\.silences)
        case .pongTimeout: ledger.count(\.deadPeers)
        default: break
        }
    }

    func client(
        _ client: SimulatedClient, disconnected failure: Failure, connection: UInt64, retryMilliseconds: UInt32?
    ) {
        checkSpeaks(client)
        guard let retryMilliseconds else {
            client.trace("waits for its host")
            world.check(settings.pauses && !failure.isRetryable, "it is paused by \(failure.text)")
            ledger.count(\.pauses)
            connectionEnded(connection, failure)
            return paused()
        }
        client.trace("tries again in \(retryMilliseconds) ms")
        let floor = max(failure.retryAfterMilliseconds, UInt32(present?.restartMilliseconds ?? 0))
        world.check(retryMilliseconds >= floor, "it comes back in \(retryMilliseconds) ms, asked for \(floor)")
        // The window doubles with each failed attempt; what the gateway asks for is spread over a second, and while it starts
        // the client waits two at most.
        let window = min(Limits.reconnectInitialMilliseconds << failures, Limits.reconnectMaximumMilliseconds)
        failures = min(failures + 1, 20)
        let limit = max(window, floor + 1000, 2000)
        world.check(retryMilliseconds <= limit, "it waits \(retryMilliseconds) ms, \(limit) at most are due")
        connectionEnded(connection, failure)
    }

    func client(_ client: SimulatedClient, asks question: UInt64) {
        checkSpeaks(client)
        world.check(settings.asksForCredentials && !isReady, "credentials are asked for")
        asked(question)
    }

    func client(_ client: SimulatedClient, closed failure: Failure?, connection: UInt64) {
        checkSpeaks(client)
        connectionEnded(connection, failure)
        client.trace("has closed: \(failure?.text ?? "as its host wished")")
        if failure?.status == .connectRejected { ledger.count(\.stops) }
        world.check(ledger.openCalls.isEmpty, "calls outlive their client")
        hasClosed = true
        closed()
    }

    func client(_ client: SimulatedClient, warned failure: Failure) {
        checkSpeaks(client)
        if String(decoding: failure.name, as: UTF8.self) == "resync" {
            client.trace("gives up to hold events: \(failure.text)")
            world.check(present?.barrier != nil, "events are released that were not held")
            present?.barrier = nil
            return
        }
        world.check(failure.status == .unknownID, "the client warns: \(failure.text)")
    }

    // MARK: - Events

    func client(_ client: SimulatedClient, arrived event: GatewayEvent, missing: UInt64) {
        guard let place = place(of: event), var connection = present else { return }
        world.check(place == connection.arrived + 1, "event \(place) arrives after event \(connection.arrived)")
        let skipped = number("skipped", in: event.payload) ?? 0
        world.check(
            missing == (connection.arrived == 0 ? 0 : UInt64(skipped)),
            "\(skipped) events were lost, \(missing) are missing")
        if missing > 0 { ledger.count(\.gaps) }
        connection.arrived = place
        connection.restartMilliseconds = number("restartExpectedMs", in: event.payload) ?? 0
        present = connection
    }

    func client(_ client: SimulatedClient, event: GatewayEvent) {
        checkSpeaks(client)
        guard let place = place(of: event), let connection = present else { return }
        world.check(connection.barrier == nil, "event \(place) is given although events are held")
        world.check(place == connection.delivered + 1, "event \(place) is given after event \(connection.delivered)")
        if place < connection.arrived { ledger.count(\.held) }
        present?.delivered = place
        if let sequence = event.sequence { lastSequence = sequence }
    }

    /// Its number among the events of the present wire.  A challenge that comes once more has none.
    private func place(of event: GatewayEvent) -> Int? {
        guard let place = number("n", in: event.payload) else { return nil }
        let wire = number("wire", in: event.payload)
        world.check(
            wire != nil && wire == present?.wire,
            "an event of wire \(wire ?? 0) comes on wire \(present?.wire ?? 0): \(String(printable: event.payload))")
        return place
    }

    func client(_ client: SimulatedClient, resync: ClientMachine.Resync) {
        checkSpeaks(client)
        world.check(isReady, "events are to be caught up without a connection")
        world.check(
            resync.reason == .gap || connections > 1, "there is nothing to catch up with on the first connection")
        world.check(
            resync.lastSequence == lastSequence,
            "the host has event \(lastSequence.map { "\($0)" } ?? "none"), but is to catch up after "
                + (resync.lastSequence.map { "\($0)" } ?? "none"))
        ledger.count(\.resyncs)
        if settings.resync.holds { present?.barrier = resync.id }
        catchesUp(resync.id)
    }

    func caughtUp(_ id: UInt64) {
        guard let client, !hasClosed else { return }
        let wasUp = present?.barrier == id
        // What was held comes within the call.
        if wasUp { present?.barrier = nil }
        world.check(client.resynced(id) == wasUp, "the answer to resync \(id) \(wasUp ? "does not count" : "counts")")
    }

    // MARK: - Calls

    func client(_ client: SimulatedClient, wrote frame: [UInt8], on channel: Channel, offset: UInt64) {
        guard let place = number("call", in: frame) else {
            present?.ownCalls += 1
            return
        }
        client.trace("sends call \(place), which has waited")
        ledger.wrote(place, on: channel, offset: offset, client.now)
    }

    func client(_ client: SimulatedClient, accepted id: UInt64) {
        checkSpeaks(client)
        ledger.accepted(id)
    }

    func client(_ client: SimulatedClient, answered id: UInt64, _ status: Status, _ content: [UInt8]) {
        checkSpeaks(client)
        world.check(isReady, "an answer comes without a connection")
        client.trace("call of id \(id) ends: \(status.name)")
        ledger.ended(id, status, answer: content, client.now, slack: client.slack)
    }

    func client(_ client: SimulatedClient, ended call: ClientMachine.EndedCall) {
        checkSpeaks(client)
        client.trace("call of id \(call.id) ends: \(call.failure.text)")
        ledger.ended(call.id, call.failure.status, key: call.failure.name, client.now, slack: client.slack)
    }

    // MARK: - Calls of the library's own

    func unsubscribe(_ id: UInt64) {
        world.check(client?.machine.unsubscribe(id) == true, "a subscription cannot be taken back")
        subscriptions[id] = nil
    }

    func client(_ client: SimulatedClient, subscribed id: UInt64) {
        checkSpeaks(client)
        world.check(subscriptions[id] != nil, "a subscription that was taken back is made")
        world.check(isReady, "a subscription is made without a connection")
        world.check(present?.subscribed.insert(id).inserted ?? false, "a subscription is made twice on a connection")
        ledger.count(\.subscribed)
    }

    func client(_ client: SimulatedClient, synced outcomes: [UInt8]) {
        checkSpeaks(client)
        world.check(present?.isSynced == false, "the sync ends twice")
        present?.isSynced = true
        world.check(
            String(decoding: outcomes, as: UTF8.self).split(separator: "\"method\":").count == settings.sync.count + 1,
            "the sync has other outcomes than calls: \(String(printable: outcomes))")
        ledger.count(\.synced)
    }
}
