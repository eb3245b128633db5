import GWBase
import GWGateway

/// Many clients that lose their one gateway in the same moment: they must not come back in one.
struct Herd {
    private final class Member: ClientHost {
        private(set) var isReady = false
        func clientConnected(_ client: SimulatedClient, hello: Hello) { isReady = true }
        func client(
            _ client: SimulatedClient, disconnected failure: Failure, connection: UInt64, retryMilliseconds: UInt32?
        ) {
            isReady = false
        }
        func client(_ client: SimulatedClient, closed failure: Failure?, connection: UInt64) { isReady = false }
    }

    static let size = 500

    let world: World
    private let gateway: SimulatedGateway
    private let network: Network
    private let members = (0..<Herd.size).map { _ in Member() }
    private var clients: [SimulatedClient] = []

    init(seed: UInt64, dialect: any Dialect, isTraced: Bool) {
        world = World(seed: seed, isTraced: isTraced)
        let arena = Arena(chunkSize: 8192)
        gateway = SimulatedGateway(world, dialect, Ledger(world), .calm, arena)
        network = Network(world, gateway, .calm)
        for (place, member) in members.enumerated() {
            let settings = dialect.client(world, token: gateway.token)
            clients.append(
                SimulatedClient(
                    world, name: "client \(place)", settings: settings, network: network, host: member, arena: arena))
        }
        gather(within: .seconds(1))
    }

    /// All learn that their connection is no more.
    private func scatter() {
        world.run(until: Instant(microseconds: world.now.microseconds + .milliseconds(50))) {
            members.allSatisfy { !$0.isReady }
        }
        world.check(members.allSatisfy { !$0.isReady }, "some have not lost their gateway")
    }

    /// Waits until all are ready.
    private func gather(within microseconds: UInt64) {
        let end = Instant(microseconds: world.now.microseconds + microseconds)
        world.run(until: end) { members.allSatisfy(\.isReady) }
        let ready = members.count(where: \.isReady)
        world.check(ready == Herd.size, "\(ready) of \(Herd.size) clients are back after \(microseconds / 1000) ms")
    }

    /// Attempts since a moment, by equal parts of what follows it.
    private func attempts(since start: Instant, parts: Int, of microseconds: UInt64) -> [Int] {
        var counts = [Int](repeating: 0, count: parts)
        for attempt in network.attempts where attempt >= start {
            let part = Int(attempt.microseconds(since: start) / microseconds)
            if part < parts { counts[part] += 1 }
        }
        return counts
    }

    /// Each part has about as many as it is due.
    private func checkEven(_ counts: [Int], _ what: String) {
        let due = Herd.size / counts.count
        world.check(
            counts.allSatisfy { $0 > due / 3 && $0 < due * 2 }, "\(what): \(counts) attempts, about \(due) each are due"
        )
    }

    /// The gateway is gone and back in a moment: the first attempts fill the first window of the backoff.
    func loseForAMoment() {
        let start = world.now
        gateway.crash(.refusing, downFor: 0)
        scatter()
        gather(within: .milliseconds(1500))
        let initial = UInt64.milliseconds(UInt64(Limits.reconnectInitialMilliseconds))
        checkEven(attempts(since: start, parts: 10, of: initial / 10), "a moment without the gateway")
    }

    /// The gateway stays away so long that all wait in the greatest window: it gets them back over all of that.
    func loseForMinutes() {
        gateway.crash(.refusing, downFor: .seconds(180))
        world.run(until: Instant(microseconds: world.now.microseconds + .seconds(180)))
        let start = world.now
        let longest = UInt64.milliseconds(UInt64(Limits.reconnectMaximumMilliseconds))
        gather(within: longest + .seconds(1))
        let seconds = attempts(since: start, parts: 30, of: longest / 30)
        world.check(seconds.allSatisfy { $0 < Herd.size / 8 }, "\(seconds) attempts in the seconds after its return")
        // What is left of an even wait is more often short: 36, 28, 20, 12 and 4 of 100.
        let fifths = attempts(since: start, parts: 5, of: longest / 5)
        for (count, percent) in zip(fifths, [36, 28, 20, 12, 4]) {
            let due = Herd.size * percent / 100
            world.check(count > due / 3 && count < due * 2, "\(fifths) attempts in the fifths after its return")
        }
    }

    /// The gateway says when it will be back: nobody comes sooner, and not all at once.
    func loseWithNotice() {
        let start = world.now
        let away = UInt64.seconds(10)
        gateway.shutDown(downFor: away, announced: true)
        scatter()
        gather(within: away + .seconds(20))
        let back = Instant(microseconds: start.microseconds + away)
        world.check(network.attempts.filter { $0 > start && $0 < back }.isEmpty, "some come back sooner than announced")
        checkEven(attempts(since: back, parts: 10, of: .milliseconds(100)), "after the time that was announced")
    }
}
