import GWBase
import GWGateway

/// A gateway that goes and comes, changes its mind about whom it lets in, and writes down what it runs.
final class SimulatedGateway {
    enum State {
        case up
        /// Its machine answers that nobody listens.
        case refusing
        /// Its machine is gone: nothing answers.
        case dark
    }

    unowned let world: World
    let dialect: any Dialect
    let ledger: Ledger
    let openings: Openings
    /// What the dialect keeps over connections.
    var dialectState: AnyObject?
    private(set) var weather: Weather
    private(set) var isCalm = false
    let pool: RandomPool
    private(set) var state = State.up
    private(set) var peers: [SimulatedPeer] = []
    private let arena: Arena

    /// Presented by clients that are let in; empty: not asked for.
    private(set) var token: [UInt8] = []
    /// Why nobody is let in at present.
    var rejection: Rejection?
    let protocolVersion: UInt32
    let tickMilliseconds: UInt32
    /// What is compressed, if the gateway takes it.
    let compresses: Bool
    private var stoppedUntil = Instant(microseconds: 0)
    private var lastAnswer = 0

    init(_ world: World, _ dialect: any Dialect, _ ledger: Ledger, _ weather: Weather, _ arena: Arena) {
        self.world = world
        self.dialect = dialect
        self.ledger = ledger
        openings = Openings(world)
        self.weather = weather
        self.arena = arena
        pool = world.pool()
        protocolVersion = world.chance(percent: 30) ? 3 : 4
        tickMilliseconds = world.pick([1000, 5000, 15_000, 30_000])
        compresses = world.chance(percent: 10)
        if world.chance(percent: 50) { rotateToken() }
    }

    /// From now on it answers every call at once.
    func becalm() {
        isCalm = true
        weather = .calm
        rejection = nil
    }

    var wallMilliseconds: UInt64 { 1_767_225_600_000 + world.now.microseconds / 1000 }

    func trace(_ what: @autoclosure () -> String) { world.trace("gateway", what()) }

    // MARK: - Connections

    func accept(_ wire: Wire) {
        let peer = SimulatedPeer(self, wire, arena)
        peers.append(peer)
        if stoppedUntil > world.now { peer.stop(stoppedUntil.microseconds(since: world.now), sleeps: false) }
        peer.reschedule()
    }

    func ended(_ peer: SimulatedPeer) { peers.removeAll { $0 === peer } }

    // MARK: - What it does of itself

    func rotateToken() {
        token = Array("token-\(world.below(1_000_000))".utf8)
        trace("has another token")
    }

    /// It does not run for a while: it computes, or it is starved.
    func stop(_ microseconds: UInt64) {
        stoppedUntil = Instant(microseconds: world.now.microseconds + microseconds)
        for peer in peers { peer.stop(microseconds, sleeps: false) }
    }

    /// Says goodbye, and is gone soon after.
    func shutDown(downFor microseconds: UInt64, announced: Bool) {
        guard state == .up else { return }
        trace("shuts down for \(microseconds / 1000) ms")
        for peer in peers where peer.isReady { ledger.count(\.shutdowns) }
        let restart = announced ? Int(microseconds / 1000) : 0
        for peer in peers { peer.shutDown(restartMilliseconds: restart) }
        // Its socket is closed at once, and those of its peers with their close frames.
        go(.refusing, microseconds)
        world.after(world.between(0, .seconds(8))) { [self] in peers.forEach { $0.vanish(isTold: true) } }
    }

    /// Is gone from one moment to the next.
    func crash(_ state: State, downFor microseconds: UInt64) {
        guard self.state == .up else { return }
        trace("is gone (\(state)) for \(microseconds / 1000) ms")
        peers.forEach { $0.vanish(isTold: state == .refusing) }
        go(state, microseconds)
    }

    private func go(_ state: State, _ microseconds: UInt64) {
        self.state = state
        world.after(microseconds) { [self] in
            self.state = .up
            trace("is back")
        }
    }

    /// An event for everybody, some of them with events before it that are lost.
    func pushEvents() {
        for peer in peers where peer.isReady {
            peer.push("chat", skips: dialect.numbersEvents && world.chance(percent: 20) ? 1 + world.below(4) : 0)
        }
    }

    func nextAnswer() -> Int {
        lastAnswer += 1
        return lastAnswer
    }
}
