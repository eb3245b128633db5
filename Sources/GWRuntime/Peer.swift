import GWBase
import GWGateway
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// One connection of the embedded gateway, from the accepted socket to its end.
final class Peer: Source {
    private enum Phase {
        /// TLS and upgrade; the session counts its own time from its beginning.
        case handshaking(deadline: Instant)
        case open
        case closing
        case ended
    }

    let server: Server
    private let address: SocketAddress
    private var phase: Phase
    private var channel: Channel?
    private var handshake = ServerHandshake()
    private var session: ServerSession?
    private var runs: [(run: ChatRun, wireID: [UInt8])] = []
    private var openRequests = 0
    /// Why we ended it, where that says more than what the connection saw.
    private var cause: Failure?
    private var scratch = ByteBuffer()

    init(server: Server, address: SocketAddress, now: Instant) {
        self.server = server
        self.address = address
        phase = .handshaking(
            deadline: now.adding(milliseconds: server.settings.session.handshakeMilliseconds))
        super.init(context: server.context)
        start()
    }

    func begin(_ channel: Channel, _ now: Instant) {
        self.channel = channel
        reschedule()
        channel.beginSecuring(now)
    }

    private var settings: ServerSettings { server.settings }

    var isReady: Bool { session?.isReady ?? false }

    /// Messages can be sent to it.
    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    var isAboveMark: Bool { (channel?.queuedBytes ?? 0) > Int(settings.session.maxQueuedBytes) / 4 }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .handshaking(let deadline): return deadline
        case .open, .closing:
            var next = min(channel?.webSocket?.deadline ?? .never, session?.deadline ?? .never)
            for (run, _) in runs { next = min(next, run.nextStep) }
            return next
        case .ended: return .never
        }
    }

    override func tick(_ now: Instant) {
        switch phase {
        case .handshaking(let deadline):
            guard deadline <= now else { return }
            let limit = settings.session.handshakeMilliseconds
            channel?.end(
                Failure(.upgradeTimeout, .user, "the peer did not finish TLS and the upgrade within \(limit) ms"), now)
        case .open:
            tickSession(now)
            stepRuns(now)
            channel?.tickWebSocket(now)
        case .closing:
            channel?.tickWebSocket(now)
        case .ended:
            break
        }
    }

    private func tickSession(_ now: Instant) {
        switch session?.tick(now) {
        case .tick:
            push("tick", "{\"ts\":\(Syscall.wallMilliseconds())}".bytes)
        case .close(let code, let reason, let failure):
            close(code, reason, failure, now)
        case .some(.none), nil:
            break
        }
    }

    private func stepRuns(_ now: Instant) {
        var index = 0
        while index < runs.count {
            let action = runs[index].run.step(now, wallMilliseconds: Syscall.wallMilliseconds())
            guard case .event(let payload, let isFinal) = action else {
                index += 1
                continue
            }
            push("chat", payload)
            // Pushing may have closed a peer that does not read, and its runs with it.
            guard index < runs.count else { return }
            if isFinal {
                let (run, wireID) = runs.remove(at: index)
                sendReply(wireID, run.final())
            } else {
                index += 1
            }
        }
    }

    // MARK: - Requests

    private func receive(_ request: FrameSchema.Request, _ text: UnsafeRawBufferPointer, _ now: Instant) {
        guard let session else { return }
        let wireID = Array(text[request.id.range])
        let method = JSON.string(request.method, in: text) ?? []
        let answer: BuiltinMethods.Answer =
            settings.session.hasBuiltinMethods
            ? method.withUnsafeBufferPointer {
                server.builtin.answer(
                    UnsafeRawBufferPointer($0), request.params, in: text, scopes: session.scopes,
                    protocolVersion: settings.session.policy.protocolVersion,
                    wallMilliseconds: Syscall.wallMilliseconds(), now: now)
            } : .notBuiltin
        switch answer {
        case .reply(let payload):
            sendReply(wireID, payload)
        case .reject(let rejection):
            sendRejection(wireID, rejection)
        case .run(let run):
            guard openRequests + runs.count < Int(settings.maxRequests) else { return refuseBusy(wireID) }
            sendReply(wireID, run.accepted(wallMilliseconds: Syscall.wallMilliseconds()))
            runs.append((run, wireID))
            reschedule()
        case .notBuiltin:
            handToHost(wireID, method, request.params, text, now)
        }
    }

    private func handToHost(
        _ wireID: [UInt8], _ method: [UInt8], _ params: JSONSlice?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) {
        guard openRequests + runs.count < Int(settings.maxRequests) else { return refuseBusy(wireID) }
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

    private func refuseBusy(_ wireID: [UInt8]) {
        sendRejection(
            wireID,
            Rejection(
                "UNAVAILABLE", "as many requests are unanswered as are allowed, \(settings.maxRequests)",
                retryAfterMilliseconds: 1000))
    }

    func reply(_ request: PendingRequest, _ payload: UnsafeRawBufferPointer, isFinal: Bool = true) {
        if isFinal { openRequests -= 1 }
        sendReply(request.wireID, payload)
    }

    func reject(_ request: PendingRequest, _ rejection: Rejection) {
        openRequests -= 1
        sendRejection(request.wireID, rejection)
    }

    // MARK: - Sending

    private func sendReply(_ wireID: [UInt8], _ payload: [UInt8]) {
        payload.withUnsafeBufferPointer { sendReply(wireID, UnsafeRawBufferPointer($0)) }
    }

    private func sendReply(_ wireID: [UInt8], _ payload: UnsafeRawBufferPointer) {
        scratch.clear()
        wireID.withUnsafeBufferPointer {
            FrameWriter.response(
                rawID: UnsafeRawBufferPointer($0), hasPayload: payload.count > 0, into: &scratch)
        }
        send(payload, FrameWriter.end)
    }

    private func sendRejection(_ wireID: [UInt8], _ rejection: Rejection) {
        scratch.clear()
        wireID.withUnsafeBufferPointer {
            FrameWriter.rejection(rawID: UnsafeRawBufferPointer($0), rejection, into: &scratch)
        }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        send(nothing, nothing)
    }

    func push(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
        guard let session else { return }
        scratch.clear()
        FrameWriter.event(name: event, hasPayload: payload.count > 0, into: &scratch)
        var end = ByteBuffer()
        FrameWriter.eventEnd(sequence: session.nextSequence(), into: &end)
        send(payload, end.readable)
    }

    private func push(_ event: StaticString, _ payload: [UInt8]) {
        payload.withUnsafeBufferPointer {
            push(
                UnsafeRawBufferPointer(start: event.utf8Start, count: event.utf8CodeUnitCount),
                UnsafeRawBufferPointer($0))
        }
    }

    /// Sends a whole frame.
    private func send(_ frame: UnsafeRawBufferPointer) {
        scratch.clear()
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        send(frame, nothing)
    }

    /// Sends what stands in `scratch`, then a payload, then the end of the frame.
    private func send(_ payload: UnsafeRawBufferPointer, _ end: UnsafeRawBufferPointer) {
        guard case .open = phase, let channel, channel.isOpen, let webSocket = channel.webSocket else { return }
        let length = scratch.count + payload.count + end.count
        guard channel.queuedBytes + length <= Int(settings.session.maxQueuedBytes) else {
            let failure = Failure(
                .full, .user, "\(channel.queuedBytes) bytes wait for a peer that does not read them (slow consumer)")
            return close(1008, "slow consumer".bytes, failure, Syscall.coarseNow())
        }
        webSocket.beginMessage(.text, length: length, compress: true)
        webSocket.append(scratch.readable)
        webSocket.append(payload)
        webSocket.append(end)
        if let failure = webSocket.endMessage() { return channel.end(failure, Syscall.coarseNow()) }
        channel.queueSend()
    }

    func maySee(_ event: UnsafeRawBufferPointer) -> Bool { session?.maySee(event) ?? false }

    // MARK: - The end

    /// Sends a close frame and waits for the peer's.
    func close(_ code: UInt16, _ reason: [UInt8], _ failure: Failure, _ now: Instant) {
        switch phase {
        case .closing, .ended: return
        case .handshaking:
            channel?.end(failure, now)
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return }
            cause = failure
            session?.end()
            runs = []
            phase = .closing
            if let refused = webSocket.sendClose(code, reason, now) { return channel.end(refused, now) }
            channel.queueSend()
            reschedule()
        }
    }

    /// The gateway stops: says so, then closes.
    func shutDown(_ reason: [UInt8], _ now: Instant) {
        if isReady {
            var payload = ByteBuffer()
            payload.appendJSONObject { $0.string("reason", reason.isEmpty ? "shutdown".bytes : reason) }
            push("shutdown", Array(payload.readable))
        }
        close(1012, "service restart".bytes, Failure(.cancelled, .none, "the gateway was stopped"), now)
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
            let handshake = handshake
            channel.sendHead { handshake.refuse(failure, into: &$0) }
            return .end(failure)
        case .request(let consumed):
            if let refusal = originRefusal() {
                let handshake = handshake
                channel.sendHead { handshake.refuse(refusal, into: &$0) }
                return .end(refusal)
            }
            return .open(consumed: consumed, open(channel, now), self)
        }
    }

    /// A page in a browser may come from anywhere, and the browser sends what it holds for us along.  Only pages that were
    /// served on this machine, to a browser on it, are let in.
    private func originRefusal() -> Failure? {
        guard let fields = handshake.head?.fields, fields.contains("origin") else { return nil }
        var shown = "given twice"
        if case .value(let origin) = fields.single("origin") {
            do throws(Failure) {
                let url = try WebSocketURL.parseToJudge(origin)
                if address.isLoopback, NetworkPolicy.isLoopbackHost(url.host.text) { return nil }
            } catch {}
            shown = String(printable: origin, limit: 100)
        }
        return Failure(.upgradeRefused, .user, "origin \(shown) is not allowed", code: 403)
    }

    private func open(_ channel: Channel, _ now: Instant) -> WebSocketConnection {
        let acceptValue = WebSocketAccept.value(forKey: handshake.key)
        let agreement = channel.sendHead {
            handshake.accept(
                acceptValue: acceptValue, deflate: settings.agreesToDeflate ? settings.webSocket.deflate : nil,
                subprotocol: nil, into: &$0)
        }
        var webSocket = settings.webSocket
        webSocket.maxMessageBytes = Limits.messageBytesBeforeHello
        let connection = WebSocketConnection(
            role: .server, settings: webSocket, deflate: agreement.deflate, random: context.random, now: now)

        connection.tooBigReason = "preauth payload too large".bytes
        let session = ServerSession(
            settings: settings.session, verifier: server.verifier, nonce: context.random.uuid(),
            connectionID: context.random.uuid(),
            isLoopback: address.isLoopback, deadline: deadline)
        self.session = session
        phase = .open
        let challenge = session.challenge(wallMilliseconds: Syscall.wallMilliseconds())
        connection.beginMessage(.text, length: challenge.count, compress: false)
        connection.append(challenge.readable)
        _ = connection.endMessage()
        channel.queueSend()
        reschedule()
        return connection
    }

    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard case .open = phase, let session, case .message(let kind, let message) = input else { return }
        guard kind == .text else {
            return close(
                1003, "text messages only".bytes, Failure(.frame, .user, "the peer sent a binary message"), now)
        }
        let wall = session.isReady ? 0 : Syscall.wallMilliseconds()
        switch session.receive(message, now: now, wallMilliseconds: wall) {
        case .request(let request):
            receive(request, message, now)
        case .send(let frame):
            if !frame.isEmpty { send(frame.readable) }
        case .admitted(let peer, let hello):
            channel.sendText(hello.readable, compress: true)
            channel.webSocket?.maxMessageBytes = settings.session.maxMessageBytes
            channel.webSocket?.tooBigReason = []
            admitted(peer)
            reschedule()
        case .close(let frame, let code, let reason, let failure):
            if !frame.isEmpty { channel.sendText(frame.readable, compress: false) }
            close(code, reason, failure, now)
        }
    }

    private func admitted(_ peer: ServerSession.Peer) {
        var payload = ByteBuffer()
        let remote = address.text
        let certificate = channel?.peerCertificate
        payload.appendJSONObject { object in
            object.object("client") { client in
                client.string("id", peer.clientID)
                client.string("mode", peer.clientMode)
                client.string("version", peer.clientVersion)
                client.string("platform", peer.platform)
                if !peer.displayName.isEmpty { client.string("displayName", peer.displayName) }
            }
            object.string("role", peer.role)
            object.array("scopes") { list in for scope in peer.scopes { list.string(scope) } }
            if !peer.deviceID.isEmpty { object.string("deviceId", peer.deviceID) }
            object.string("remote", remote)
            object.shownCertificate(certificate)
        }
        var event = Event(.peerConnected, source: server.id, userData: settings.userData)
        event.connection = id
        event.payload = context.arena.copy(payload.readable)
        context.emit(event)
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        self.channel = nil
        phase = .ended
        session?.end()
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
