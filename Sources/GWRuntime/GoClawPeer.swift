import GWBase
import GWGateway
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// A connection of the embedded gateway that speaks GoClaw's dialect.
final class GoClawPeer: Peer {
    private let gateway: GoClawGateway
    private let dialect: GoClawServerSettings
    private var session: GoClawServerSession?
    private var queue: MessageQueue
    private var wasAdmitted = false

    init(server: Server, gateway: GoClawGateway, _ dialect: GoClawServerSettings, address: SocketAddress, now: Instant)
    {
        self.gateway = gateway
        self.dialect = dialect
        queue = MessageQueue(limit: dialect.maxQueuedMessages)
        super.init(server: server, address: address, now: now)
    }

    override var isReady: Bool { session?.identity != nil }

    // MARK: - HTTP

    override func refusal(of head: RequestHead) -> Failure? {
        guard GoClawPeer.path(head) == GoClaw.path else {
            let shown = String(printable: GoClawPeer.path(head), limit: 100)
            return Failure(.upgradeRefused, .user, "there is no WebSocket at \(shown), it is at /ws", code: 404)
        }
        guard !dialect.allowedOrigins.isEmpty, head.fields.contains("origin") else { return nil }
        if case .value(let origin) = head.fields.single("origin"),
            dialect.allowedOrigins.contains(where: { $0 == origin || $0 == "*".bytes })
        {
            return nil
        }
        return Failure(.upgradeRefused, .user, "Forbidden", code: 403)
    }

    override func answer(_ head: RequestHead, _ handshake: ServerHandshake, _ channel: Channel) -> Bool {
        guard head.method == "GET".bytes else { return false }
        let path = GoClawPeer.path(head)
        guard path != GoClaw.path else { return false }
        let isHealth = path == "/health".bytes
        let body = isHealth ? "{\"status\":\"ok\",\"protocol\":3}" : "{\"error\":\"not found\"}"
        channel.sendHead { handshake.answer(isHealth ? 200 : 404, json: body.bytes, into: &$0) }
        return true
    }

    /// Without the query.
    private static func path(_ head: RequestHead) -> [UInt8] { Array(head.target.prefix { $0 != 0x3f }) }

    override func opened(
        _ agreement: Agreement, _ channel: Channel, _ deadline: Instant, _ now: Instant
    ) -> WebSocketConnection {
        var webSocket = settings.webSocket
        webSocket.maxMessageBytes = settings.session.maxMessageBytes
        webSocket.reportsControlFrames = true
        // The session pings, at its own times and without payload.
        webSocket.pingMilliseconds = .max
        let connection = WebSocketConnection(
            role: .server, settings: webSocket, deflate: nil, random: context.random, now: now)
        connection.tooBigReason = []
        session = GoClawServerSession(
            settings: dialect.session, gateway: gateway, connection: id, name: context.random.uuid(),
            remote: address.hostText.bytes, now: now)
        return connection
    }

    // MARK: - Messages

    override func received(_ input: WebSocketConnection.Input, _ channel: Channel, _ now: Instant) {
        guard let session else { return }
        switch input {
        case .pong:
            session.pong(now)
        case .message(let kind, let message):
            // The type of a message says nothing here, but what is sent back must be UTF-8.
            var validator = UTF8Validator()
            let isText = kind == .text || (validator.check(message) && validator.isComplete)
            take(isText ? message : UnsafeRawBufferPointer(start: nil, count: 0), session, now)
        case .needMore, .part, .ping, .closed, .failed:
            break
        }
    }

    private func take(_ message: UnsafeRawBufferPointer, _ session: GoClawServerSession, _ now: Instant) {
        let action = session.receive(message, now: now, wallMilliseconds: Syscall.wallMilliseconds())
        switch action {
        case .send(let frame):
            server.deliverNotices(now)
            if !frame.isEmpty { send(frame) }
        case .admitted(let identity, let frame):
            send(frame)
            if !wasAdmitted { admitted(identity) }
            server.deliverNotices(now)
        case .request(let wireID, let method, let params):
            guard hasRoom() else { return refuseBusy(wireID) }
            handToHost(wireID, method, params, message, now)
        }
        server.reschedule()
    }

    private func admitted(_ identity: GoClawGateway.Identity) {
        wasAdmitted = true
        var payload = ByteBuffer()
        let remote = address.text
        let certificate = channel?.peerCertificate
        payload.appendJSONObject { object in
            object.string("role", "\(identity.role.name)")
            object.string("userId", identity.userID)
            if !identity.senderID.isEmpty { object.string("senderId", identity.senderID) }
            object.string("remote", remote)
            object.shownCertificate(certificate)
        }
        var event = Event(.peerConnected, source: server.id, userData: settings.userData)
        event.connection = id
        event.payload = context.arena.copy(payload.readable)
        context.emit(event)
    }

    // MARK: - Sending

    override func sendReply(_ wireID: [UInt8], _ payload: UnsafeRawBufferPointer) {
        send(GoClawEvents.response(wireID, payload))
    }

    override func sendRejection(_ wireID: [UInt8], _ rejection: Rejection) {
        send(GoClawEvents.rejection(wireID, rejection))
    }

    override func push(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
        send(GoClawEvents.frame(Array(event), payload))
    }

    override func maySee(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Bool {
        guard let session, let audience = GoClawEvents.audience(of: Array(event), payload) else { return false }
        return session.isIn(audience)
    }

    /// Delivers what another connection, or the agent, has led to.
    func deliver(_ audience: GoClawGateway.Audience, _ frame: [UInt8]) {
        if let session, session.isIn(audience) { send(frame) }
    }

    /// What finds the queue full is dropped.
    private func send(_ frame: [UInt8]) {
        guard isOpen, let channel, channel.isOpen, queue.hasRoom(sentOffset: channel.sentOffset),
            channel.queuedBytes + frame.count <= Int(settings.session.maxQueuedBytes)
        else { return }
        frame.withUnsafeBufferPointer { channel.sendText(UnsafeRawBufferPointer($0), compress: false) }
        queue.append(endOffset: channel.nextOffset)
    }

    // MARK: - Time and the end

    override var sessionDeadline: Instant { session?.deadline ?? .never }

    override func tickSession(_ now: Instant) {
        switch session?.tick(now) {
        case .ping:
            if channel?.webSocket?.sendPing([]) == nil { channel?.queueSend() }
        case .drop(let failure):
            hangUp(failure, now)
        case .some(.none), nil:
            break
        }
    }

    override func endSession() { session?.end() }

    /// The device was revoked.
    func revoke(_ senderID: [UInt8], _ now: Instant) {
        guard let identity = session?.identity, identity.senderID == senderID else { return }
        hangUp(Failure(.cancelled, .none, "the pairing of this device was revoked"), now)
    }

    override func shutDown(_ reason: [UInt8], _ now: Instant) {
        let event: StaticString = "shutdown"
        push(
            UnsafeRawBufferPointer(start: event.utf8Start, count: event.utf8CodeUnitCount),
            UnsafeRawBufferPointer(start: nil, count: 0))
        hangUp(Failure(.cancelled, .none, "the gateway was stopped"), now)
    }
}
