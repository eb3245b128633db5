import GWBase
import GWRoute

/// Dials to all endpoints of one gateway, in the intervals of RFC 8305 section 5: the first that proves who it is wins before a byte
/// of HTTP has been sent to any, and the others are dropped.
final class EndpointRace {
    private let context: Context
    private let endpoints: [DialSettings]
    private unowned(unsafe) let owner: any DialOwner
    private var race: ConnectionRace
    private var running: [(place: Int, dial: Dial)] = []
    private var failures: [(place: Int, failure: Failure)] = []
    /// The place of the endpoint that has proved who it is.
    private var winner: Int?

    /// `step` then begins.  The owner must call `cancel` before it goes.
    init(context: Context, endpoints: [DialSettings], owner: any DialOwner) {
        self.context = context
        self.endpoints = endpoints
        self.owner = owner
        // The order is the host's.
        race = ConnectionRace(isIPv6: endpoints.map { _ in false })
    }

    var deadline: Instant { winner == nil ? race.deadline : .never }

    /// Begins the dials whose turn it is; why none did it, once none is left.
    func step(_ now: Instant) -> Failure? {
        while winner == nil {
            switch race.step(now) {
            case .begin(let place):
                let dial = Dial(context: context, settings: endpoints[place], owner: owner)
                running.append((place, dial))
                // Not within this call, so that nothing is reported before it returns.
                dial.beginSoon()
            case .wait: return nil
            case .lost: return failure
            }
        }
        return nil
    }

    /// The peer of a dial has proved who it is, or was not asked to.
    func won(_ dial: Dial) {
        winner = running.first { $0.dial === dial }?.place
        for other in running where other.dial !== dial { other.dial.cancel() }
        running.removeAll { $0.dial !== dial }
    }

    /// A dial has failed: why the race is lost, if it is.
    func failed(_ dial: Dial, _ failure: Failure, _ now: Instant) -> Failure? {
        guard winner == nil else { return failure }
        for other in running where other.dial === dial { failures.append((other.place, failure)) }
        running.removeAll { $0.dial === dial }
        race.attemptFailed()
        return step(now)
    }

    /// Whether another race may take this one's place.
    var isReplaceable: Bool { running.allSatisfy { $0.dial.isReplaceable } }

    /// Ends all without a word.
    func cancel() {
        for other in running { other.dial.cancel() }
        running = []
    }

    /// That of the first endpoint, with the words of all.
    private var failure: Failure? {
        let ordered = failures.sorted { $0.place < $1.place }
        guard var first = ordered.first?.failure, ordered.count > 1 else { return ordered.first?.failure }
        first.text = "no endpoint of the gateway can be used"
        for (place, failure) in ordered { first.text += "; \(endpoints[place].hostText): \(failure.text)" }
        first.isRetryable = ordered.contains { $0.failure.isRetryable }
        return first
    }

    // MARK: - State

    /// The place of the endpoint that has won, or is tried.
    var place: Int { winner ?? running.first?.place ?? 0 }

    var timings: DialTimings { running.first?.dial.timings ?? DialTimings() }

    /// `GW_PHASE_*`.
    var phaseNumber: UInt32 { running.first?.dial.phaseNumber ?? 1 }
}
