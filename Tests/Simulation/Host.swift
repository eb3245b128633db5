import GWBase
import GWGateway

/// A program that has a client and uses it.  What it is told, `HostRecord` judges.
final class Host {
    let world: World
    let gateway: SimulatedGateway
    let ledger: Ledger
    private let network: Network
    private let arena: Arena
    private(set) var client: SimulatedClient?
    /// Of the present client.
    private(set) var settings = ClientMachine.Settings()
    private(set) var record: HostRecord
    private var clients = 0
    private var subscriptions = 0
    /// The token that its user has given it.
    private var token: [UInt8]
    /// Nothing goes wrong by intent any more.
    private var isCalm = false
    private var hasLeft = false

    init(_ world: World, _ gateway: SimulatedGateway, _ network: Network, _ ledger: Ledger, _ arena: Arena) {
        self.world = world
        self.gateway = gateway
        self.network = network
        self.ledger = ledger
        self.arena = arena
        token = gateway.token
        record = HostRecord(world, ledger, gateway.openings, settings)
    }

    var isReady: Bool { record.isReady }

    // MARK: - Clients

    func open() {
        clients += 1
        ledger.begin()
        settings = gateway.dialect.client(world, token: token)
        settings.reconnects = isCalm || world.chance(percent: 95)
        vary()
        record = HostRecord(world, ledger, gateway.openings, settings)
        let client = SimulatedClient(
            world, name: "client \(clients)", settings: settings, network: network, host: record, arena: arena)
        record.watch(client) { [self] in
            self.client = nil
            // The user looks what is wrong, and gives the token that holds now.
            world.after(world.between(0, .seconds(10))) { [self] in
                token = gateway.token
                if self.client == nil, !hasLeft { open() }
            }
        }
        record.catchesUp = { [self] id in
            world.after(world.between(0, .seconds(world.pick([1, 20])))) { [self] in
                if record.client === client, !client.isStopped { record.caughtUp(id) }
            }
        }
        record.paused = { [self] in
            later(client) { [self] in
                client.machine.replace(credentials)
                client.resume()
            }
        }
        record.asked = { [self] question in
            guard isCalm || world.chance(percent: 90) else { return }
            later(client) { [self] in client.answer(question, world.chance(percent: 95) ? credentials : nil) }
        }
        self.client = client
    }

    /// Its user does something about the present client, if that is still the present one then.
    private func later(_ client: SimulatedClient, _ action: @escaping () -> Void) {
        world.after(world.between(0, .seconds(world.pick([1, 12])))) { [self] in
            guard self.client === client else { return }
            if client.isStopped { later(client, action) } else { action() }
        }
    }

    /// With the token that the gateway has now.  A copy, for credentials overwrite their memory when they go.
    private var credentials: Credentials { Credentials(token: gateway.token.map { $0 }) }

    /// What the host makes use of.
    private func vary() {
        if world.chance(percent: 50) {
            var offline = ClientMachine.OfflineSettings()
            offline.maxCalls = world.pick([3, 256])
            offline.maxBytes = world.pick([5000, 1 << 20])
            offline.milliseconds = world.pick([300, 5000, 60_000])
            settings.offline = offline
        }
        settings.pauses = world.chance(percent: 40)
        settings.asksForCredentials = world.chance(percent: 20)
        settings.resync.holds = world.chance(percent: 50)
        settings.resync.timeoutMilliseconds = world.pick([200, 10_000])
        settings.resync.maxHeldBytes = world.pick([300, 1 << 20])
        for place in 0..<world.pick([0, 0, 1, 3]) {
            settings.sync.append(SyncCall(method: Array("sessions.list".utf8), params: numbered("sync", place)))
        }
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

    // MARK: - What it does

    /// One of the things that hosts do.
    func act() {
        guard let client, !client.isStopped else { return }
        switch world.below(100) {
        case 0..<70: call()
        case 70..<76: for _ in 0..<world.below(20) { call() }
        case 76..<86:
            let open = ledger.openCalls
            if !open.isEmpty { world.check(client.cancel(world.pick(open)), "a call in flight cannot be cancelled") }
        case 86..<88: client.networkChanged()
        case 88: client.close()
        case 89..<92: subscribe(client)
        case 92: if let id = record.subscriptions.keys.min() { record.unsubscribe(id) }
        default: break
        }
    }

    private func subscribe(_ client: SimulatedClient) {
        subscriptions += 1
        do throws(Failure) {
            let number = subscriptions
            let id = try client.subscribe(numbered("subscription", number))
            record.subscriptions[id] = number
        } catch {
            world.check(false, error.text)
        }
    }

    func call() {
        guard let client else { return }
        let timeout: UInt32 = isCalm ? 0 : world.pick([0, 0, 10, 300, 3000, 100_000, .max])
        let expectsFinal = world.chance(percent: 30)
        let place = ledger.calls.count
        let size = world.pick([0, 0, 0, 30, 1000, world.below(40_000)])
        let key = world.chance(percent: 20) ? Array("key-\(place)".utf8) : nil
        let made: SimulatedClient.Call
        do throws(Failure) {
            made = try client.call(
                numbered("call", place, padding: size), timeout: timeout, expectsFinal: expectsFinal, key: key)
        } catch {
            return refused(error, client, size)
        }
        let limit = timeout != 0 ? timeout : gateway.dialect.timeLimit(expectsFinal: expectsFinal)
        client.trace("makes call \(place), \(limit == .max ? "without limit" : "limit \(limit) ms")")
        let waits = made.place == nil
        ledger.made(
            Ledger.Call(
                expectsFinal: expectsFinal,
                milliseconds: limit == .max ? .max : min(limit, Limits.longestCallMilliseconds), key: key ?? [],
                deadline: client.now.adding(milliseconds: waits ? settings.offline?.milliseconds ?? 0 : limit),
                place: made.place, wasKept: waits), as: made.id)
    }

    /// A call is refused for a reason that holds.
    private func refused(_ failure: Failure, _ client: SimulatedClient, _ size: Int) {
        ledger.count(\.refused)
        let queued = client.channel?.queuedBytes ?? 0
        let isOpen = client.machine.isReady && client.channel?.webSocket?.isOpen == true
        let holds =
            switch failure.status {
            case .state: !isOpen && (settings.offline == nil || client.isClosing)
            case .limit: ledger.openCalls.count + record.ownCalls >= gateway.dialect.maxCalls
            case .full where isOpen: queued + size + 200 > SimulatedClient.maxQueuedBytes
            case .full: client.machine.callsKept > 0 || size + 300 > Int(settings.offline?.maxBytes ?? 0)
            default: false
            }
        world.check(holds, "a call is refused without need: \(failure.text)")
    }
}
