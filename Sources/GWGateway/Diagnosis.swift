import GWBase

/// The steps that lead to a gateway, in their order, and how each went: what a doctor tells.
///
/// Steps are judged one after another with `pass` and `skip`; `fail` judges the one that was under way and all behind it.
public struct Diagnosis {
    public enum Step: UInt32, Equatable, Sendable {
        case name = 1
        case tcp = 2
        case proxy = 3
        case tls = 4
        case pin = 5
        case upgrade = 6
        case challenge = 7
        case auth = 8
        case tick = 9

        public var label: StaticString {
            switch self {
            case .name: "name"
            case .tcp: "tcp"
            case .proxy: "proxy"
            case .tls: "tls"
            case .pin: "pin"
            case .upgrade: "upgrade"
            case .challenge: "challenge"
            case .auth: "auth"
            case .tick: "tick"
            }
        }
    }

    public struct Finding {
        public var step: Step
        /// Good, or why it failed.
        public var failure: Failure?
        /// Not needed, or never reached.
        public var isSkipped = false
        /// One line for a person.
        public var text: String
        /// Who should look at it although it passed.
        public var actor = Actor.none
        /// JSON, or empty.
        public var detail: [UInt8] = []
        public var microseconds: UInt64 = 0
    }

    /// Under way; nil when all are judged.
    public private(set) var present: Step? = .name
    /// The first failure and its step.
    public private(set) var failure: (step: Step, failure: Failure)?
    private var stepBegan: Instant

    public init(_ now: Instant) { stepBegan = now }

    public mutating func pass(
        _ text: String, detail: [UInt8] = [], actor: Actor = .none, _ now: Instant
    ) -> Finding? {
        guard let step = present else { return nil }
        return next(Finding(step: step, text: text, actor: actor, detail: detail), now)
    }

    public mutating func skip(_ why: String, _ now: Instant) -> Finding? {
        guard let step = present else { return nil }
        return next(Finding(step: step, isSkipped: true, text: why), now)
    }

    /// The step under way has failed, and those behind it will never be reached.
    public mutating func fail(_ failure: Failure, detail: [UInt8] = [], _ now: Instant) -> [Finding] {
        var findings: [Finding] = []
        // A pin is compared when the peer has shown its certificate: the handshake itself was good.
        if present == .tls, failure.status == .tlsPin,
            let tls = pass("the handshake came as far as the certificate", now)
        {
            findings.append(tls)
        }
        guard let step = present else { return findings }
        self.failure = (step, failure)
        var finding = Finding(step: step, failure: failure, text: failure.text, actor: failure.actor)
        if let advice = Advice.text(for: failure, at: step) { finding.text += "; " + advice }
        finding.detail = failure.detail.isEmpty ? detail : failure.detail
        if let told = next(finding, now) { findings.append(told) }
        while let unreached = skip("not reached", now) { findings.append(unreached) }
        return findings
    }

    private mutating func next(_ finding: Finding, _ now: Instant) -> Finding? {
        var finding = finding
        if !finding.isSkipped { finding.microseconds = now.microseconds(since: stepBegan) }
        stepBegan = now
        present = Step(rawValue: finding.step.rawValue &+ 1)
        return finding
    }
}
