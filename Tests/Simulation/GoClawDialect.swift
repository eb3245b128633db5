import GWBase
import GWJSON

@testable import GWGateway

/// GoClaw: the client speaks first, devices are paired, the gateway pings.
struct GoClawDialect: Dialect {
    let maxCalls = 16
    let numbersEvents = false

    var rejections: [Rejection] {
        [
            Rejection("UNAUTHORIZED", "permission denied: valid token or active pairing required"),
            Rejection("INTERNAL", "internal error"),
            Rejection("INTERNAL", "overloaded", retryAfterMilliseconds: 45_000),
        ]
    }

    /// All calls of the host are chats, which are answered when their work is done.
    func timeLimit(expectsFinal: Bool) -> UInt32 { GoClaw.chatMilliseconds }

    func client(_ world: World, token: [UInt8]) -> ClientMachine.Settings {
        var settings = ClientMachine.Settings()
        var parameters = GoClawParameters()
        parameters.userID = Array("user".utf8)
        settings.session.dialect = world.chance(percent: 30) ? .detect(parameters) : .goClaw(parameters)
        settings.session.maxCalls = UInt32(maxCalls)
        // Who has no token has to be paired.
        if world.chance(percent: 60) { settings.credentials = Credentials(token: token.map { $0 }) }
        return settings
    }

    func session(_ gateway: SimulatedGateway, wire: Int, _ now: Instant) -> any GatewaySession {
        let state = gateway.dialectState as? State ?? State(gateway)
        gateway.dialectState = state
        state.follow(gateway)
        return GoClawSession(gateway, state, wire: wire, now)
    }

    /// What outlives the connections of a gateway.
    fileprivate final class State {
        private(set) var gateway: GoClawGateway
        private var token: [UInt8]
        private let pairs: Bool

        init(_ gateway: SimulatedGateway) {
            token = gateway.token
            pairs = gateway.world.chance(percent: 80)
            self.gateway = State.make(gateway, pairs: pairs)
        }

        private static func make(_ gateway: SimulatedGateway, pairs: Bool) -> GoClawGateway {
            var settings = GoClawGateway.Settings()
            if !gateway.token.isEmpty { settings.token = gateway.token.withUnsafeBytes { Secret(copying: $0) } }
            settings.isLocal = true
            settings.pairs = pairs
            settings.callsPerMinute = 0
            settings.hasBuiltinMethods = false
            return GoClawGateway(
                settings: settings, verifier: Verifier(), random: gateway.pool,
                wallMilliseconds: gateway.wallMilliseconds)
        }

        /// The gateway may have another token since; who is paired stays so.
        func follow(_ gateway: SimulatedGateway) {
            guard gateway.token != token else { return }
            token = gateway.token
            let pairing = self.gateway.pairing
            self.gateway = State.make(gateway, pairs: pairs)
            self.gateway.pairing = pairing
        }

        /// An admin looks who waits, and mostly lets them in.
        func lookAtRequests(_ gateway: SimulatedGateway) {
            guard let request = self.gateway.pairing.pending.last else { return }
            gateway.world.after(gateway.isCalm ? 0 : gateway.world.between(0, .seconds(20))) { [self] in
                let now = gateway.wallMilliseconds
                if gateway.isCalm {
                    for request in self.gateway.pairing.pending {
                        _ = self.gateway.pairing.approve(request.code, by: [], now)
                    }
                } else if gateway.world.chance(percent: 70) {
                    _ = self.gateway.pairing.approve(request.code, by: [], now)
                } else {
                    _ = self.gateway.pairing.deny(request.code, now)
                }
            }
        }
    }
}

private final class GoClawSession: GatewaySession {
    private let gateway: SimulatedGateway
    private let state: GoClawDialect.State
    private let session: GoClawServerSession
    private var members = JSONMembers()

    init(_ gateway: SimulatedGateway, _ state: GoClawDialect.State, wire: Int, _ now: Instant) {
        self.gateway = gateway
        self.state = state
        session = GoClawServerSession(
            settings: GoClawServerSession.Settings(), gateway: state.gateway, connection: UInt64(wire),
            name: Array("connection-\(wire)".utf8), remote: [], now: now)
    }

    var isReady: Bool { session.identity != nil }
    let pings = true
    var deadline: Instant { session.deadline }

    func opening() -> [UInt8]? { nil }

    func receive(_ text: UnsafeRawBufferPointer, _ now: Instant) -> SessionStep {
        if !isReady, let rejection = gateway.rejection,
            case .request(let id, let method, _) = GoClawFrame.read(text, &members), isEqual("connect", method)
        {
            return .send(GoClawEvents.rejection(id, rejection))
        }
        switch session.receive(text, now: now, wallMilliseconds: gateway.wallMilliseconds) {
        case .send(let frame):
            _ = state.gateway.takeNotices()
            if !isReady { state.lookAtRequests(gateway) }
            return frame.isEmpty ? .none : .send(frame)
        case .admitted(_, let hello):
            return .admitted(hello: hello)
        case .request(let id, _, let params):
            return .request(id: id, params: params.map { Array(text[$0.range]) } ?? [])
        }
    }

    func pong(_ now: Instant) { session.pong(now) }

    func tick(_ now: Instant) -> SessionStep {
        switch session.tick(now) {
        case .none: .none
        case .ping: .ping
        case .drop(let failure): .drop(failure)
        }
    }

    func answer(_ id: [UInt8], isOK: Bool, _ content: [UInt8]) -> [UInt8] {
        isOK
            ? content.withUnsafeBytes { GoClawEvents.response(id, $0) }
            : GoClawEvents.rejection(id, Rejection(Array("UNAVAILABLE".utf8), content))
    }

    func event(_ name: StaticString, _ payload: [UInt8], skips: Int) -> [UInt8] {
        payload.withUnsafeBytes { GoClawEvents.frame(Array("\(name)".utf8), $0) }
    }

    func end() { session.end() }
}
