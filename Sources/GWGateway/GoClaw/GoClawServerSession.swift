import GWBase
import GWJSON

/// The gateway's end of one GoClaw connection: what a message leads to, when to ping, how long to wait for a sign of life.
public final class GoClawServerSession {
    public struct Settings {
        public var pingMilliseconds = GoClaw.pingMilliseconds
        public var readMilliseconds = GoClaw.readMilliseconds
        public init() {}
    }

    private enum State {
        case unauthenticated
        /// A code was given out: its state may be asked for.
        case pending
        case ready(GoClawGateway.Identity)
        case ended
    }

    private let settings: Settings
    private let gateway: GoClawGateway
    private let arrival: GoClawGateway.Arrival
    private var state = State.unauthenticated
    private var members = JSONMembers()
    private var nextPing: Instant
    private var readDeadline: Instant

    /// `name`: a fresh UUID.  `remote`: the peer's address, which the limit on questions goes by.
    public init(
        settings: Settings, gateway: GoClawGateway, connection: UInt64, name: [UInt8], remote: [UInt8], now: Instant
    ) {
        self.settings = settings
        self.gateway = gateway
        arrival = GoClawGateway.Arrival(connection: connection, name: name, remote: remote)
        nextPing = now.adding(milliseconds: settings.pingMilliseconds)
        readDeadline = now.adding(milliseconds: settings.readMilliseconds)
    }

    public var identity: GoClawGateway.Identity? {
        if case .ready(let identity) = state { return identity }
        return nil
    }

    // MARK: - Messages

    public enum MessageAction {
        /// Send this, if it is not empty.
        case send([UInt8])
        /// The peer is in, or acts for somebody else from now on: send this.
        case admitted(GoClawGateway.Identity, [UInt8])
        /// For the host.  `id` is JSON text, to be given back with the answer.
        case request(id: [UInt8], method: [UInt8], params: JSONSlice?)
    }

    /// A message, text and binary alike.  Notices of the gateway may have come up as well.
    public func receive(_ text: UnsafeRawBufferPointer, now: Instant, wallMilliseconds: UInt64) -> MessageAction {
        if case .ended = state { return .send([]) }
        readDeadline = now.adding(milliseconds: settings.readMilliseconds)
        switch GoClawFrame.read(text, &members) {
        case .refused(let rejection):
            return .send(GoClawWriter.rejection("\"\"".bytes, rejection))
        case .request(let id, let method, let params):
            let object = GoClawObject(params, in: text)
            if isEqual("connect", method) { return connect(id, object, wallMilliseconds) }
            let isStatus = isEqual("browser.pairing.status", method)
            switch state {
            case .ready(let identity):
                guard let refusal = refusal(method, identity) else {
                    let call = GoClawCall(
                        id: id, method: method, params: object, identity: identity, arrival: arrival, now: now,
                        wallMilliseconds: wallMilliseconds)
                    return answer(call, params)
                }
                return .send(GoClawWriter.rejection(id, refusal))
            case .pending where isStatus:
                let call = GoClawCall(
                    id: id, method: method, params: object,
                    identity: GoClawGateway.Identity(role: .viewer, userID: [], senderID: [], locale: []),
                    arrival: arrival, now: now, wallMilliseconds: wallMilliseconds)
                return answer(call, params)
            case .unauthenticated, .pending, .ended:
                return .send(
                    GoClawWriter.rejection(id, Rejection("UNAUTHORIZED", "first request must be 'connect'")))
            }
        }
    }

    private func answer(_ call: GoClawCall, _ params: JSONSlice?) -> MessageAction {
        switch gateway.answer(call) {
        case .reply(let payload): .send(GoClawWriter.response(call.id, payload))
        case .reject(let rejection): .send(GoClawWriter.rejection(call.id, rejection))
        case .later: .send([])
        case .notBuiltin: .request(id: call.id, method: call.method, params: params)
        }
    }

    /// Why a method is not to be called.
    private func refusal(_ method: [UInt8], _ identity: GoClawGateway.Identity) -> Rejection? {
        let shown = String(printable: method, limit: 100)
        switch GoClawPermissions.need(method) {
        case .nobody:
            return nil
        case .role(let role):
            guard identity.role < role else { return nil }
            return Rejection("UNAUTHORIZED", "permission denied: \(shown) requires \(role.name) role")
        case .unknown:
            guard gateway.settings.hasBuiltinMethods else { return nil }
            return Rejection("INVALID_REQUEST", "unknown method: \(shown)")
        }
    }

    private func connect(_ id: [UInt8], _ params: GoClawObject, _ now: UInt64) -> MessageAction {
        switch gateway.decide(params, arrival, now) {
        case .admitted(let identity):
            state = .ready(identity)
            gateway.joined(arrival, identity, now)
            return .admitted(identity, GoClawWriter.response(id, hello(identity)))
        case .pending(let request):
            // Who is in stays in, whatever else he asks for.
            if case .unauthenticated = state { state = .pending }
            let payload = GoClawWriter.object { payload in
                payload.string("pairing_code", request.code)
                payload.integer("protocol", GoClaw.protocolVersion)
                payload.string("sender_id", request.senderID)
                server(&payload)
                payload.string("status", "pending_pairing")
            }
            return .send(GoClawWriter.response(id, payload))
        case .refused(let rejection):
            return .send(GoClawWriter.rejection(id, rejection))
        }
    }

    private func hello(_ identity: GoClawGateway.Identity) -> [UInt8] {
        GoClawWriter.object { payload in
            payload.string("edition", "standard")
            payload.bool("is_master_scope", true)
            payload.bool("is_owner", identity.role == .owner)
            payload.integer("protocol", GoClaw.protocolVersion)
            payload.string("role", "\(identity.role.name)")
            server(&payload)
            payload.string("tenant_id", GoClaw.masterTenant)
            payload.string("user_id", identity.userID)
        }
    }

    private func server(_ payload: inout JSONWriter) {
        let version = gateway.settings.version
        payload.object("server") { server in
            server.string("name", "goclaw")
            server.string("version", version)
        }
    }

    // MARK: - Events

    /// Whether a notice is for this connection.
    public func isIn(_ audience: GoClawGateway.Audience) -> Bool {
        switch audience {
        case .all: return true
        case .connection(let connection): return connection == arrival.connection
        case .admins: return (identity?.role ?? .viewer) >= .admin
        case .user(let user):
            guard let identity else { return false }
            return identity.role >= .admin || (!user.isEmpty && identity.userID == user)
        }
    }

    // MARK: - Time

    /// A pong arrived.  The peer's own pings say nothing.
    public func pong(_ now: Instant) { readDeadline = now.adding(milliseconds: settings.readMilliseconds) }

    public var deadline: Instant {
        if case .ended = state { return .never }
        return min(nextPing, readDeadline)
    }

    public enum TickAction {
        case none
        /// Send a ping without payload.
        case ping
        /// Close the transport, without a close frame.
        case drop(Failure)
    }

    public func tick(_ now: Instant) -> TickAction {
        if case .ended = state { return .none }
        if readDeadline <= now {
            end()
            let limit = settings.readMilliseconds
            return .drop(
                Failure(
                    .pongTimeout, .network,
                    "neither a message nor a pong came for \(limit) ms: the peer, or a proxy between, does not answer pings"
                ))
        }
        guard nextPing <= now else { return .none }
        nextPing = now.adding(milliseconds: settings.pingMilliseconds)
        return .ping
    }

    /// The connection has ended.
    public func end() {
        if case .ended = state { return }
        state = .ended
        gateway.left(arrival.connection)
    }
}
