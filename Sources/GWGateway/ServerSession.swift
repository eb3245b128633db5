import GWBase
import GWJSON

/// The gateway's end of one connection, from the open WebSocket to its end: challenge, admission, hello, then requests,
/// answers, events and ticks.
public final class ServerSession {
    private enum State {
        case awaitingConnect(deadline: Instant)
        case ready(nextTick: Instant)
        case ended
    }

    public struct Settings {
        public var policy = Admission.Policy()
        public var version: [UInt8] = []
        public var tickMilliseconds = Limits.tickMilliseconds
        public var handshakeMilliseconds = Limits.handshakeMilliseconds
        public var maxMessageBytes = Limits.messageBytes
        public var maxQueuedBytes = Limits.serverQueuedBytes
        public var hasBuiltinMethods = true
        public init() {}
    }

    /// What is known of an admitted peer.
    public struct Peer {
        public var clientID: [UInt8]
        public var clientMode: [UInt8]
        public var clientVersion: [UInt8]
        public var platform: [UInt8]
        public var displayName: [UInt8]
        public var role: [UInt8]
        public var scopes: [[UInt8]]
        public var deviceID: [UInt8]
    }

    private let settings: Settings
    private let admission: Admission
    private let nonce: [UInt8]
    private let connectionID: [UInt8]
    private let isLoopback: Bool
    private var state: State
    private var members = JSONMembers()
    private var sequence: UInt64 = 0
    public private(set) var peer: Peer?

    /// `nonce` and `connectionID`: fresh random texts of this connection.  `deadline`: when it must have connected.
    public init(
        settings: Settings, verifier: any ProofVerifier, nonce: [UInt8], connectionID: [UInt8], isLoopback: Bool,
        deadline: Instant
    ) {
        self.settings = settings
        admission = Admission(policy: settings.policy, verifier: verifier)
        self.nonce = nonce
        self.connectionID = connectionID
        self.isLoopback = isLoopback
        state = .awaitingConnect(deadline: deadline)
    }

    public var isReady: Bool {
        if case .ready = state { return true }
        return false
    }

    public var scopes: [[UInt8]] { peer?.scopes ?? [] }

    /// The first frame of every connection.
    public func challenge(wallMilliseconds: UInt64) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append("{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":")
        buffer.appendJSONString(nonce)
        buffer.append(",\"ts\":")
        buffer.append(decimalText(wallMilliseconds))
        buffer.append("}}")
        return buffer
    }

    // MARK: - Messages

    public enum MessageAction: ~Copyable {
        /// The peer is in: send its hello.
        case admitted(Peer, hello: ByteBuffer)
        /// A request; the ranges stand in the text, `id` with its quotes.
        case request(FrameSchema.Request)
        /// Send this, if it is not empty, and go on.
        case send(ByteBuffer)
        /// Send this, if it is not empty, then close.
        case close(ByteBuffer, code: UInt16, reason: [UInt8], Failure)
    }

    public func receive(_ text: UnsafeRawBufferPointer, now: Instant, wallMilliseconds: UInt64) -> MessageAction {
        let frame = FrameSchema.readRequest(text, &members)
        switch (state, frame) {
        case (.awaitingConnect, .malformed):
            state = .ended
            return .close(
                ByteBuffer(), code: 1000, reason: [],
                Failure(.json, .user, "the peer's first message is not JSON"))
        case (.awaitingConnect, .invalid):
            state = .ended
            return .close(
                ByteBuffer(), code: 1008, reason: "invalid request frame".bytes,
                Failure(.frame, .user, "the peer's first message is no request frame"))
        case (.awaitingConnect, .request(let request)):
            return connect(request, text, now, wallMilliseconds)
        case (.ready, .request(let request)):
            guard isAnswerable(request.id) else {
                return .send(
                    rejection(
                        nil, Rejection("INVALID_REQUEST", "the id has more than \(Limits.requestIDBytes) bytes"), text))
            }
            // It would take credentials to where requests are handled.
            guard !JSON.isString(request.method, equalTo: "connect", in: text) else {
                return .send(
                    rejection(request.id, Rejection("INVALID_REQUEST", "connect must be the first request"), text))
            }
            return .request(request)
        case (.ready, .malformed), (.ready, .invalid):
            return .send(rejection(frameID(text, frame), Rejection("INVALID_REQUEST", "invalid request frame"), text))
        case (.ended, _):
            return .send(ByteBuffer())
        }
    }

    private func connect(
        _ request: FrameSchema.Request, _ text: UnsafeRawBufferPointer, _ now: Instant, _ wallMilliseconds: UInt64
    ) -> MessageAction {
        guard JSON.isString(request.method, equalTo: "connect", in: text) else {
            return refuse(
                request, Rejection("INVALID_REQUEST", "invalid handshake: first request must be connect"), 1008,
                "invalid handshake: first request must be connect".bytes, detail: [], text)
        }
        let connect: ConnectRequest
        do throws(ConnectRequest.SchemaError) {
            connect = try ConnectRequest(request.params, in: text)
        } catch {
            let message = "invalid connect params: \(error.message)"
            return refuse(request, Rejection("INVALID_REQUEST", message), 1008, message.bytes, detail: [], text)
        }
        let verdict = admission.decide(
            connect, nonce: nonce, isLoopback: isLoopback, wallMilliseconds: wallMilliseconds)
        switch verdict {
        case .refused(let refusal):
            return refuse(
                request, refusal.rejection, refusal.closeCode, refusal.closeReason, detail: refusal.detailCode, text)
        case .admitted(let scopes):
            let peer = Peer(
                clientID: connect.clientID, clientMode: connect.clientMode, clientVersion: connect.clientVersion,
                platform: connect.platform, displayName: connect.displayName, role: connect.role, scopes: scopes,
                deviceID: connect.device?.id ?? [])
            self.peer = peer
            state = .ready(nextTick: now.adding(milliseconds: settings.tickMilliseconds))
            var hello = ByteBuffer()
            FrameWriter.response(
                rawID: UnsafeRawBufferPointer(rebasing: text[request.id.range]), hasPayload: true, into: &hello)
            writeHello(peer, into: &hello)
            hello.append(0x7d)
            return .admitted(peer, hello: hello)
        }
    }

    private func refuse(
        _ request: FrameSchema.Request, _ rejection: Rejection, _ code: UInt16, _ reason: [UInt8], detail: [UInt8],
        _ text: UnsafeRawBufferPointer
    ) -> MessageAction {
        state = .ended
        var failure = Failure(
            .connectRejected, .user, "refused the peer: \(String(printable: rejection.message))")
        failure.name = detail
        return .close(
            self.rejection(request.id, rejection, text), code: code, reason: ServerSession.closeReason(reason), failure)
    }

    /// At most 120 bytes, as gateways cut it, and never inside a code point.
    static func closeReason(_ text: [UInt8]) -> [UInt8] {
        guard text.count > 120 else { return text }
        var end = 120
        while end > 0, text[end] & 0xc0 == 0x80 { end -= 1 }
        return Array(text[0..<end])
    }

    private func rejection(
        _ id: JSONSlice?, _ rejection: Rejection, _ text: UnsafeRawBufferPointer
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        if let id {
            FrameWriter.rejection(rawID: UnsafeRawBufferPointer(rebasing: text[id.range]), rejection, into: &buffer)
        } else {
            let unknown: StaticString = "\"invalid\""
            FrameWriter.rejection(
                rawID: UnsafeRawBufferPointer(start: unknown.utf8Start, count: unknown.utf8CodeUnitCount), rejection,
                into: &buffer)
        }
        return buffer
    }

    /// The id of an unreadable frame, if it has one of use.
    private func frameID(_ text: UnsafeRawBufferPointer, _ frame: FrameSchema.RequestAction) -> JSONSlice? {
        guard case .invalid = frame, let id = members.find("id", in: text), FrameSchema.isName(id), isAnswerable(id)
        else { return nil }
        return id
    }

    /// Whether an id is short enough to be kept for the answer.
    private func isAnswerable(_ id: JSONSlice) -> Bool { id.range.count - 2 <= Limits.requestIDBytes }

    private func writeHello(_ peer: Peer, into buffer: inout ByteBuffer) {
        let settings = settings
        let connectionID = connectionID
        buffer.appendJSONObject { hello in
            hello.string("type", "hello-ok")
            hello.integer("protocol", settings.policy.protocolVersion)
            hello.object("server") { server in
                server.string("version", settings.version)
                server.string("connId", connectionID)
            }
            hello.object("features") { features in
                features.array("methods") { methods in
                    if settings.hasBuiltinMethods { for name in BuiltinMethods.names { methods.string("\(name)") } }
                }
                features.array("events") { events in
                    for name in ["connect.challenge", "tick", "chat", "shutdown"] { events.string(name) }
                }
                if settings.policy.protocolVersion >= 4 { features.array("capabilities") { _ in } }
            }
            hello.object("snapshot") { snapshot in
                snapshot.array("presence") { _ in }
                snapshot.object("health") { _ in }
                snapshot.object("stateVersion") { version in
                    version.integer("presence", 1)
                    version.integer("health", 1)
                }
                snapshot.integer("uptimeMs", 0)
            }
            // Protocol 3 knows no auth object without a device token.
            if settings.policy.protocolVersion >= 4 {
                hello.object("auth") { auth in
                    auth.string("role", peer.role)
                    auth.array("scopes") { list in for scope in peer.scopes { list.string(scope) } }
                }
            }
            hello.object("policy") { policy in
                policy.integer("maxPayload", settings.maxMessageBytes)
                policy.integer("maxBufferedBytes", settings.maxQueuedBytes)
                policy.integer("tickIntervalMs", settings.tickMilliseconds)
            }
        }
    }

    // MARK: - Events

    /// Whether this peer is to be shown an event.
    public func maySee(_ event: UnsafeRawBufferPointer) -> Bool {
        guard isReady else { return false }
        guard let needed = Scope.needed(forEvent: event) else { return true }
        return Scope.allows(scopes, needed)
    }

    /// The number of the next event frame of this connection.
    public func nextSequence() -> UInt64 {
        sequence += 1
        return sequence
    }

    // MARK: - Time

    public var deadline: Instant {
        switch state {
        case .awaitingConnect(let deadline): deadline
        case .ready(let nextTick): nextTick
        case .ended: .never
        }
    }

    public enum TickAction {
        case none
        /// Send the tick event.
        case tick
        case close(code: UInt16, reason: [UInt8], Failure)
    }

    public func tick(_ now: Instant) -> TickAction {
        switch state {
        case .awaitingConnect(let deadline):
            guard deadline <= now else { return .none }
            state = .ended
            return .close(
                code: 1000, reason: [],
                Failure(
                    .helloTimeout, .user, "the peer did not connect within \(settings.handshakeMilliseconds) ms"))
        case .ready(let nextTick):
            guard nextTick <= now else { return .none }
            state = .ready(nextTick: now.adding(milliseconds: settings.tickMilliseconds))
            return .tick
        case .ended:
            return .none
        }
    }

    public func end() { state = .ended }
}
