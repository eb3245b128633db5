import GWBase
import GWDeflate
import GWGateway
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// One connection of the embedded gateway, from the accepted socket to its end.  What is spoken on it is the subclass's.
class Peer: Source {
    private enum Phase {
        /// TLS and upgrade; the session counts its own time from its beginning.
        case handshaking(deadline: Instant)
        case open
        case closing
        case ended
    }

    final let server: Server
    final let address: SocketAddress
    private var phase: Phase
    final private(set) var channel: Channel?
    private var handshake = ServerHandshake()
    private var openRequests = 0
    /// Why we ended it, where that says more than what the connection saw.
    private var cause: Failure?

    init(server: Server, address: SocketAddress, now: Instant) {
        self.server = server
        self.address = address
        phase = .handshaking(
            deadline: now.adding(milliseconds: server.settings.session.handshakeMilliseconds))
        super.init(context: server.context)
        start()
    }

    final func begin(_ channel: Channel, _ now: Instant) {
        self.channel = channel
        reschedule()
        channel.beginSecuring(now)
    }

    final var settings: ServerSettings { server.settings }

    // MARK: - For the subclass

    /// It passed the dialect's handshake.
    var isReady: Bool { false }

    /// Why this request for an upgrade is not granted.
    func refusal(of head: RequestHead) -> Failure? { nil }

    /// Answers a request that is none for an upgrade; whether it did.
    func answer(_ head: RequestHead, _ handshake: ServerHandshake, _ channel: Channel) -> Bool { false }

    /// The upgrade is granted and its answer written.
    func opened(_ agreement: Agreement, _ channel: Channel, _ deadline: Instant, _ now: Instant) -> WebSocketConnection
    {
        WebSocketConnection(role: .server, settings: settings.webSocket, deflate: nil, random: context.random, now: now)
    }

    var deflate: DeflateSettings? { nil }

    /// Something arrived on an open connection.
    func received(_ input: WebSocketConnection.Input, _ channel: Channel, _ now: Instant) {}

    var sessionDeadline: Instant { .never }

    func tickSession(_ now: Instant) {}

    /// The session is over.
    func endSession() {}

    func sendReply(_ wireID: [UInt8], _ payload: UnsafeRawBufferPointer) {}

    func sendRejection(_ wireID: [UInt8], _ rejection: Rejection) {}

    func push(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {}

    /// Whether an event for everybody is for this peer.
    func maySee(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Bool { false }

    /// The gateway stops: says so, then closes.
    func shutDown(_ reason: [UInt8], _ now: Instant) {}

    // MARK: - State

    /// Messages can be sent to it.
    final var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    final var isAboveMark: Bool { (channel?.queuedBytes ?? 0) > Int(settings.session.maxQueuedBytes) / 4 }

    // MARK: - Time

    override final var deadline: Instant {
        switch phase {
        case .handshaking(let deadline): deadline
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, sessionDeadline)
        case .ended: .never
        }
    }

    override final func tick(_ now: Instant) {
        switch phase {
        case .handshaking(let deadline):
            guard deadline <= now else { return }
            let limit = settings.session.handshakeMilliseconds
            channel?.end(
                Failure(.upgradeTimeout, .user, "the peer did not finish TLS and the upgrade within \(limit) ms"), now)
        case .open:
            tickSession(now)
            channel?.tickWebSocket(now)
        case .closing:
            channel?.tickWebSocket(now)
        case .ended:
            break
        }
    }

    // MARK: - Requests

    /// Whether one more request may stay unanswered beside `others`.
    final func hasRoom(beside others: Int = 0) -> Bool { openRequests + others < Int(settings.maxRequests) }

    final func handToHost(
        _ wireID: [UInt8], _ method: [UInt8], _ params: JSONSlice?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) {
        openRequests += 1
        let request = server.requests.add(
            peer: id, wireID: wireID, deadline: now.adding(milliseconds: settings.requestMilliseconds))
        server.reschedule()
        var event = Event(.peerRequest, source: server.id, userData: settings.userData)
        event.connection = id
        event.subject = request
        event.name = context.arena.copy(method)
        if let params { event.payload = params.bytes(in: text) }
        context.emit(event)
    }

    final func refuseBusy(_ wireID: [UInt8]) {
        sendRejection(
            wireID,
            Rejection(
                "UNAVAILABLE", "as many requests are unanswered as are allowed, \(settings.maxRequests)",
                retryAfterMilliseconds: 1000))
    }

    final func reply(_ request: PendingRequest, _ payload: UnsafeRawBufferPointer, isFinal: Bool = true) {
        if isFinal { openRequests -= 1 }
        sendReply(request.wireID, payload)
    }

    final func reject(_ request: PendingRequest, _ rejection: Rejection) {
        openRequests -= 1
        sendRejection(request.wireID, rejection)
    }

    // MARK: - The end

    /// Sends a close frame and waits for the peer's.
    final func close(_ code: UInt16, _ reason: [UInt8], _ failure: Failure, _ now: Instant) {
        switch phase {
        case .closing, .ended: return
        case .handshaking:
            channel?.end(failure, now)
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return }
            cause = failure
            endSession()
            phase = .closing
            if let refused = webSocket.sendClose(code, reason, now) { return channel.end(refused, now) }
            channel.queueSend()
            reschedule()
        }
    }

    /// Ends the transport without a close frame, once what is queued has been sent.
    final func hangUp(_ failure: Failure, _ now: Instant) {
        cause = failure
        channel?.end(failure, now)
    }
}

// MARK: - The channel's reports

extension Peer: ChannelOpener, ChannelOwner {
    func channelIsSecure(_ channel: Channel, _ now: Instant) {}

    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction {
        if isEnd {
            return .end(Failure(.upgradeInvalid, .user, "the peer closed before its upgrade request was complete"))
        }
        switch handshake.receive(bytes) {
        case .needMore:
            return .needMore
        case .refused(let failure):
            if let head = handshake.refusedHead, answer(head, handshake, channel) { return .end(failure) }
            return refuse(failure, channel)
        case .request(let consumed):
            if let head = handshake.head, let refusal = refusal(of: head) { return refuse(refusal, channel) }
            return .open(consumed: consumed, open(channel, now), self)
        }
    }

    private func refuse(_ failure: Failure, _ channel: Channel) -> HeadAction {
        let handshake = handshake
        channel.sendHead { handshake.refuse(failure, into: &$0) }
        return .end(failure)
    }

    private func open(_ channel: Channel, _ now: Instant) -> WebSocketConnection {
        let deadline = deadline
        let acceptValue = WebSocketAccept.value(forKey: handshake.key)
        let deflate = deflate
        let agreement = channel.sendHead {
            handshake.accept(acceptValue: acceptValue, deflate: deflate, subprotocol: nil, into: &$0)
        }
        let connection = opened(agreement, channel, deadline, now)
        phase = .open
        channel.queueSend()
        reschedule()
        return connection
    }

    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard case .open = phase else { return }
        received(input, channel, now)
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        self.channel = nil
        phase = .ended
        endSession()
        var event = Event(.peerDisconnected, source: server.id, userData: settings.userData)
        var told = cause ?? failure
        if cause == nil, failure.status == .closed, failure.code == 1000 || failure.code == 1001 {
            told = Failure(.ok, .none, failure.text)
        }
        told.code = failure.code
        event.explain(told, context.arena)
        event.connection = id
        context.emit(event)
        let ended = id
        finish()
        server.peerEnded(ended)
    }

    func channelDidSend(_ channel: Channel) {}
}
