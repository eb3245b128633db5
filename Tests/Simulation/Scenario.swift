import GWBase

/// One run: a client and a gateway in a storm, then calm weather, then the end.
struct Scenario {
    let world: World
    private let ledger: Ledger
    private let gateway: SimulatedGateway
    private let network: Network
    private let host: Host

    /// However the storm has left them, in this time they find each other again.
    private static let recovery = UInt64.seconds(900)

    init(seed: UInt64, dialect: any Dialect, isTraced: Bool) {
        world = World(seed: seed, isTraced: isTraced)
        ledger = Ledger(world)
        let arena = Arena(chunkSize: 8192)
        let weather = Weather.drawn(world)
        gateway = SimulatedGateway(world, dialect, ledger, weather, arena)
        network = Network(world, gateway, weather)
        host = Host(world, gateway, network, ledger, arena)
    }

    var tally: Tally { ledger.tally }

    func run() {
        host.open()
        storm()
        calm()
        end()
        ledger.judge()
    }

    private func storm() {
        let end = time(after: .seconds(world.pick([20, 60, 200])))
        let storm = Storm(world: world, gateway: gateway, host: host)
        let pace = world.pick([200_000, 1_000_000, 5_000_000]) as UInt64
        let violence = world.pick([1_000_000, 3_000_000, 10_000_000, 1_000_000_000]) as UInt64
        again(every: pace, until: end) { host.act() }
        again(every: violence, until: end) { storm.strike() }
        again(every: 3_000_000, until: end) { gateway.pushEvents() }
        world.run(until: end)
    }

    private func again(every mean: UInt64, until end: Instant, _ action: @escaping () -> Void) {
        world.after(world.between(0, 2 * mean)) { [self] in
            guard world.now < end else { return }
            action()
            again(every: mean, until: end, action)
        }
    }

    private func time(after microseconds: UInt64) -> Instant {
        Instant(microseconds: world.now.microseconds + microseconds)
    }

    /// Nothing happens any more that was not under way: a call gets through and is answered.
    private func calm() {
        world.trace("storm", "is over")
        network.weather = .calm
        gateway.becalm()
        host.beCalm()
        world.run(until: time(after: .seconds(7200))) { host.client?.isStopped != true }
        let end = time(after: Scenario.recovery)
        let answered = tally.answered
        while world.now < end, world.problems.isEmpty, tally.answered == answered {
            world.run(until: end) { host.isReady }
            host.call()
            world.run(until: min(time(after: .seconds(5)), end)) { tally.answered > answered }
        }
        world.check(tally.answered > answered, "after the storm no call is answered for 15 minutes")
    }

    /// The host goes; what is left comes to rest.
    private func end() {
        host.leave()
        world.run(until: time(after: .seconds(30))) { host.client == nil }
        world.check(host.client == nil, "a client does not close")
        world.run(until: time(after: .seconds(7200))) { world.isAtRest }
        world.check(gateway.peers.isEmpty, "\(gateway.peers.count) connections outlive their client")
        world.check(world.isAtRest, "something goes on without end")
    }
}
