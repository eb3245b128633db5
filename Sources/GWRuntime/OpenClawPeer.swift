import GWBase
import GWDeflate
import GWGateway
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// A connection of the embedded gateway that speaks OpenClaw's dialect.
final class OpenClawPeer: Peer {
    private var session: ServerSession?
    private var runs: [(run: ChatRun, wireID: [UInt8])] = []
    private var scratch = ByteBuffer()

    override var isReady: Bool { session?.isReady ?? false }

    // MARK: - Time

    override var sessionDeadline: Instant {
        var next = session?.deadline ?? .never
        for (run, _) in runs { next = min(next, run.nextStep) }
        return next
    }

    override func tickSession(_ now: Instant) {
        switch session?.tick(now) {
        case .tick:
            push("tick", "{\"ts\":\(Syscall.wallMilliseconds())}".bytes)
        case .close(let code, let reason, let failure):
            close(code, reason, failure, now)
        case .some(.none), nil:
            break
        }
        stepRuns(now)
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
                reply(wireID, run.final())
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
            reply(wireID, payload)
        case .reject(let rejection):
            sendRejection(wireID, rejection)
        case .run(let run):
            guard hasRoom(beside: runs.count) else { return refuseBusy(wireID) }
            reply(wireID, run.accepted(wallMilliseconds: Syscall.wallMilliseconds()))
            runs.append((run, wireID))
            reschedule()
        case .notBuiltin:
            guard hasRoom(beside: runs.count) else { return refuseBusy(wireID) }
            handToHost(wireID, method, request.params, text, now)
        }
    }

    // MARK: - Sending

    private func reply(_ wireID: [UInt8], _ payload: [UInt8]) {
        payload.withUnsafeBufferPointer { sendReply(wireID, UnsafeRawBufferPointer($0)) }
    }

    override func sendReply(_ wireID: [UInt8], _ payload: UnsafeRawBufferPointer) {
        scratch.clear()
        wireID.withUnsafeBufferPointer {
            FrameWriter.response(
                rawID: UnsafeRawBufferPointer($0), hasPayload: payload.count > 0, into: &scratch)
        }
        send(payload, FrameWriter.end)
    }

    override func sendRejection(_ wireID: [UInt8], _ rejection: Rejection) {
        scratch.clear()
        wireID.withUnsafeBufferPointer {
            FrameWriter.rejection(rawID: UnsafeRawBufferPointer($0), rejection, into: &scratch)
        }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        send(nothing, nothing)
    }

    override func push(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) {
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
        guard isOpen, let channel, channel.isOpen, let webSocket = channel.webSocket else { return }
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

    override func maySee(_ event: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) -> Bool {
        session?.maySee(event) ?? false
    }

    // MARK: - The end

    override func endSession() {
        session?.end()
        runs = []
    }

    override func shutDown(_ reason: [UInt8], _ now: Instant) {
        if isReady {
            var payload = ByteBuffer()
            payload.appendJSONObject { $0.string("reason", reason.isEmpty ? "shutdown".bytes : reason) }
            push("shutdown", Array(payload.readable))
        }
        close(1012, "service restart".bytes, Failure(.cancelled, .none, "the gateway was stopped"), now)
    }

    // MARK: - The connection

    /// A page in a browser may come from anywhere, and the browser sends what it holds for us along.  Only pages that were
    /// served on this machine, to a browser on it, are let in.
    override func refusal(of head: RequestHead) -> Failure? {
        let fields = head.fields
        guard fields.contains("origin") else { return nil }
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

    override var deflate: DeflateSettings? { settings.agreesToDeflate ? settings.webSocket.deflate : nil }

    override func opened(
        _ agreement: Agreement, _ channel: Channel, _ deadline: Instant, _ now: Instant
    ) -> WebSocketConnection {
        var webSocket = settings.webSocket
        webSocket.maxMessageBytes = Limits.messageBytesBeforeHello
        let connection = WebSocketConnection(
            role: .server, settings: webSocket, deflate: agreement.deflate, random: context.random, now: now)

        connection.tooBigReason = "preauth payload too large".bytes
        let session = ServerSession(
            settings: settings.session, verifier: server.verifier, nonce: context.random.uuid(),
            connectionID: context.random.uuid(), isLoopback: address.isLoopback, deadline: deadline)
        self.session = session
        let challenge = session.challenge(wallMilliseconds: Syscall.wallMilliseconds())
        connection.beginMessage(.text, length: challenge.count, compress: false)
        connection.append(challenge.readable)
        _ = connection.endMessage()
        return connection
    }

    override func received(_ input: WebSocketConnection.Input, _ channel: Channel, _ now: Instant) {
        guard let session, case .message(let kind, let message) = input else { return }
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
            channel.webSocket?.tooBigReason = nil
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
}
