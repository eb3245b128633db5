import GWBase
import GWJSON

/// All that the connections of one embedded GoClaw gateway share: who may come in, pairings, conversations, limits.
///
/// What an input means for other connections is left as notices, which the caller takes and delivers.
public final class GoClawGateway {
    public struct Key {
        public var key: Secret
        public var role: GoClawRole
        /// Empty: whom the client names.
        public var userID: [UInt8]

        public init(key: Secret, role: GoClawRole, userID: [UInt8]) {
            self.key = key
            self.role = role
            self.userID = userID
        }
    }

    public struct Settings {
        public var token: Secret?
        public var keys: [Key] = []
        public var ownerIDs: [[UInt8]] = []
        public var version: [UInt8] = []
        /// It listens on a loopback address: without a token everybody is let in.
        public var isLocal = false
        public var pairs = true
        /// 0: no limit.
        public var callsPerMinute = GoClaw.callsPerMinute
        /// What somebody hears who asks for the session of another.
        public var ownership = Rejection("FORBIDDEN", "session does not belong to user")
        public var hasBuiltinMethods = true
        public init() {}
    }

    /// Who a connection acts for.
    public struct Identity {
        public var role: GoClawRole
        public var userID: [UInt8]
        public var senderID: [UInt8]
        public var locale: [UInt8]
    }

    /// A connection that was let in, as `health` shows it.
    struct Member {
        var connection: UInt64
        var name: [UInt8]
        var remote: [UInt8]
        var identity: Identity
        var since: UInt64
    }

    public enum Audience {
        case all
        case admins
        /// He and the admins.
        case user([UInt8])
        case connection(UInt64)
    }

    public enum Notice {
        /// A whole frame.
        case send(Audience, [UInt8])
        /// The device was revoked: its connections end without a close frame.
        case drop(senderID: [UInt8])
    }

    let settings: Settings
    private let verifier: any ProofVerifier
    let random: RandomPool
    let startedAt: UInt64
    var pairing = GoClawPairing()
    var chats = GoClawChats()
    var limiter: CallLimiter
    private(set) var members: [Member] = []
    private var notices: [Notice] = []

    public init(settings: Settings, verifier: any ProofVerifier, random: RandomPool, wallMilliseconds: UInt64) {
        self.settings = settings
        self.verifier = verifier
        self.random = random
        startedAt = wallMilliseconds
        limiter = CallLimiter(perMinute: settings.callsPerMinute, burst: GoClaw.burst)
    }

    // MARK: - Notices

    public func takeNotices() -> [Notice] {
        guard !notices.isEmpty else { return [] }
        defer { notices = [] }
        return notices
    }

    func tell(_ audience: Audience, _ event: StaticString, _ payload: [UInt8]) {
        notices.append(.send(audience, GoClawWriter.event("\(event)".bytes, payload)))
    }

    func answer(_ connection: UInt64, _ frame: [UInt8]) { notices.append(.send(.connection(connection), frame)) }

    func drop(_ senderID: [UInt8]) { notices.append(.drop(senderID: senderID)) }

    // MARK: - Coming and going

    struct Arrival {
        var connection: UInt64
        /// Its id as clients see it, which is what a new pairing goes under.
        var name: [UInt8]
        var remote: [UInt8]
    }

    enum Verdict {
        case admitted(Identity)
        case pending(GoClawPairing.Request)
        case refused(Rejection)
    }

    /// The decision about a connect request, in its order.
    func decide(_ params: GoClawObject, _ arrival: Arrival, _ now: UInt64) -> Verdict {
        let token = params.string("token")
        for name in ["user_id", "sender_id", "locale"] as [StaticString]
        where params.string(name).count > GoClaw.nameBytes {
            return .refused(Rejection("INVALID_REQUEST", "\(name) has more than \(GoClaw.nameBytes) bytes"))
        }
        var identity = Identity(
            role: .operator, userID: params.string("user_id"), senderID: [], locale: params.string("locale"))
        if let secret = settings.token, verifier.isEqual(token, secret) {
            identity.role = isOwner(identity.userID) ? .owner : .admin
            return .admitted(identity)
        }
        if !token.isEmpty, let key = settings.keys.first(where: { verifier.isEqual(token, $0.key) }) {
            identity.role = key.role
            if !key.userID.isEmpty { identity.userID = key.userID }
            return .admitted(identity)
        }
        if settings.token == nil, settings.isLocal { return .admitted(identity) }
        let senderID = params.string("sender_id")
        if !senderID.isEmpty, pairing.isPaired(senderID, now) {
            identity.senderID = senderID
            return .admitted(identity)
        }
        if token.isEmpty, settings.pairs,
            let request = pairing.request(senderID: arrival.name, channel: GoClawPairing.browser, now, random)
        {
            announce(request)
            return .pending(request)
        }
        return .refused(
            Rejection("UNAUTHORIZED", "permission denied: valid token or active pairing required"))
    }

    private func isOwner(_ userID: [UInt8]) -> Bool {
        settings.ownerIDs.isEmpty ? isEqual("system", userID) : settings.ownerIDs.contains(userID)
    }

    func announce(_ request: GoClawPairing.Request) {
        tell(
            .admins, "device.pair.requested",
            GoClawWriter.object { payload in
                payload.string("channel", request.channel)
                payload.string("chat_id", request.chatID)
                payload.string("code", request.code)
                payload.string("sender_id", request.senderID)
            })
    }

    func joined(_ arrival: Arrival, _ identity: Identity, _ now: UInt64) {
        left(arrival.connection)
        members.append(
            Member(
                connection: arrival.connection, name: arrival.name, remote: arrival.remote, identity: identity,
                since: now))
    }

    func left(_ connection: UInt64) { members.removeAll { $0.connection == connection } }

    /// Sees every session: admins, and users who own the gateway.
    func seesAll(_ identity: Identity) -> Bool {
        identity.role >= .admin || (!identity.userID.isEmpty && settings.ownerIDs.contains(identity.userID))
    }

    // MARK: - Time

    public var deadline: Instant { chats.nextStep }

    /// What the built-in agent has to say by now becomes notices.
    public func tick(_ now: Instant, wallMilliseconds: UInt64) {
        while let (run, action) = chats.step(now) {
            switch action {
            case .wait:
                return
            case .chunk(let payload):
                tell(.user(run.userID), "agent", payload)
            case .completed(let event, let answer):
                chats.add("assistant", run.answer, to: run.sessionKey, wallMilliseconds)
                tell(.user(run.userID), "agent", event)
                self.answer(run.connection, GoClawWriter.response(run.wireID, answer))
            }
        }
    }
}
