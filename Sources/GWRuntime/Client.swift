import GWBase
import GWDeflate
import GWGateway
import GWHTTP
import GWTLS
import GWWebSocket

/// A gateway connection that heals itself: resolve, connect, secure, upgrade, then a session; after a loss the same
/// again.  It joins the machines and turns their actions into events.
public final class Client: Source {
    /// `GW_PHASE_*`, with what each waits for.
    enum Phase {
        case waiting(until: Instant)
        case resolving(deadline: Instant)
        case connecting(deadline: Instant)
        case securing(deadline: Instant)
        case upgrading(deadline: Instant)
        case open
        case closing
        case closed
    }

    let settings: ClientSettings
    var phase: Phase
    private var addresses: [SocketAddress] = []
    var channel: Channel?
    private var handshake: ClientHandshake?
    var session: ClientSession?
    var reconnect: Reconnect
    /// Set where the session has decided what the end of this connection means.
    var verdict: ConnectFailure?
    private var lastConnectFailure: Failure?
    var connections: UInt64 = 0
    /// The host was told to hold back and is owed the word that it need not any more.
    var owesWritable = false
    /// How many bytes of the connection that has just ended had left the process.
    var sentOffset: UInt64 = 0
    /// The beginning of the frame that is being written.
    var scratch = ByteBuffer()

    /// Starts connecting.  With the context's lock held.
    public init(context: Context, settings: ClientSettings) {
        self.settings = settings
        reconnect = Reconnect(
            initialMilliseconds: settings.reconnectInitialMilliseconds,
            maximumMilliseconds: settings.reconnectMaximumMilliseconds)
        phase = .waiting(until: Instant(microseconds: 0))
        super.init(context: context)
        start()
        // The first attempt begins with the next turn, so that opening never waits.
        reschedule()
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .waiting(let until): until
        case .resolving(let deadline), .connecting(let deadline), .securing(let deadline), .upgrading(let deadline):
            deadline
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, session?.deadline ?? .never)
        case .closed: .never
        }
    }

    override func tick(_ now: Instant) {
        switch phase {
        case .waiting(let until):
            if until <= now { beginAttempt(now) }
        case .resolving(let deadline):
            if deadline <= now { attemptTimedOut(.connectTimeout, "resolving the name took", now) }
        case .connecting(let deadline):
            if deadline <= now { attemptTimedOut(.connectTimeout, "connecting took", now) }
        case .securing(let deadline):
            if deadline <= now { attemptTimedOut(.tlsTimeout, "the TLS handshake took", now) }
        case .upgrading(let deadline):
            if deadline <= now, var handshake { channel?.end(handshake.timeLimit(), now) }
        case .open, .closing:
            tickSession(now)
            channel?.tickWebSocket(now)
        case .closed:
            break
        }
    }

    private func attemptTimedOut(_ status: Status, _ what: String, _ now: Instant) {
        let limit = status == .tlsTimeout ? settings.tlsMilliseconds : settings.connectMilliseconds
        let failure = Failure(
            status, .network, "\(what) longer than \(limit) ms (\(hostText))", isRetryable: true)
        let ended = channel
        channel = nil
        ended?.drop()
        attemptEnded(failure, now)
    }

    private func tickSession(_ now: Instant) {
        while let session {
            switch session.tick(now) {
            case .none:
                return
            case .callExpired(let id, let call):
                expire(id, call)
            case .close(let code, let reason, let failure):
                endSession(code, reason, failure, now)
                return
            }
        }
    }

    // MARK: - An attempt

    private var hostText: String { "\(String(printable: settings.url.host.text)):\(settings.url.port)" }

    private func beginAttempt(_ now: Instant) {
        verdict = nil
        lastConnectFailure = nil
        let deadline = now.adding(milliseconds: settings.connectMilliseconds)
        if let literal = SocketAddress(literal: settings.url.host.text, port: settings.url.port) {
            addresses = [literal]
            phase = .connecting(deadline: deadline)
            connectNext(now)
        } else if context.lookUp(settings.url.host.text, settings.url.port, for: id) {
            phase = .resolving(deadline: deadline)
            reschedule()
        } else {
            attemptEnded(Failure(.system, .program, "no thread to resolve the name on", isRetryable: true), now)
        }
    }

    func resolved(_ outcome: Resolver.Outcome, _ now: Instant) {
        guard case .resolving(let deadline) = phase else { return }
        switch outcome {
        case .addresses(let found) where !found.isEmpty:
            addresses = found
            phase = .connecting(deadline: deadline)
            connectNext(now)
        case .addresses:
            attemptEnded(
                Failure(.resolve, .network, "\(hostText) has no address", isRetryable: true), now)
        case .failed(let text, _):
            attemptEnded(
                Failure(.resolve, .network, "cannot resolve \(hostText): \(text)", isRetryable: true), now)
        }
    }

    /// Tries the next address; without any left the attempt has failed for the last one's reason.
    private func connectNext(_ now: Instant) {
        while !addresses.isEmpty {
            let address = addresses.removeFirst()
            do throws(SystemError) {
                let fd = try Syscall.socket(address)
                do throws(SystemError) {
                    try Syscall.connect(fd, address)
                } catch {
                    Syscall.close(fd)
                    throw error
                }
                let tls: TLSEngine?
                do throws(Failure) {
                    tls = try settings.tls.map { context throws(Failure) in
                        try TLSEngine(client: context, serverName: settings.serverName)
                    }
                } catch {
                    Syscall.close(fd)
                    attemptEnded(error, now)
                    return
                }
                channel = Channel(context: context, fd: fd, tls: tls, isConnected: false, owner: self)
                reschedule()
                return
            } catch {
                lastConnectFailure = Failure(
                    .connect, .network, "cannot connect to \(address.text): \(error.text)", isRetryable: true)
            }
        }
        attemptEnded(
            lastConnectFailure ?? Failure(.connect, .network, "\(hostText) has no address", isRetryable: true), now)
    }

    private func makeHandshake() -> ClientHandshake {
        let key = Base64.encode(context.random.bytes(16))
        return ClientHandshake(
            host: settings.url.hostHeader, target: settings.url.target, headers: settings.headers, key: key,
            acceptValue: WebSocketAccept.value(forKey: key), deflate: settings.offersDeflate ? deflateSettings : nil)
    }

    private var deflateSettings: DeflateSettings {
        var deflate = DeflateSettings()
        deflate.thresholdBytes = settings.deflateThresholdBytes
        if settings.keepsDeflateWindow {
            deflate.serverNoContextTakeover = false
            deflate.clientNoContextTakeover = false
        }
        return deflate
    }

    private func makeWebSocket(_ agreement: Agreement, _ now: Instant) -> WebSocketConnection {
        var webSocket = WebSocketSettings()
        webSocket.maxMessageBytes = settings.maxMessageBytes
        webSocket.pingMilliseconds = settings.pingMilliseconds
        webSocket.pongMilliseconds = settings.pongMilliseconds
        webSocket.closeMilliseconds = settings.closeMilliseconds
        webSocket.deflate = deflateSettings
        return WebSocketConnection(
            role: .client, settings: webSocket, deflate: agreement.deflate, random: context.random, now: now)
    }

    /// An attempt or a connection is over: report it, and try again or end.
    private func attemptEnded(_ failure: Failure, _ now: Instant) {
        channel = nil
        handshake = nil
        addresses = []
        let verdict = verdict
        self.verdict = nil
        endCalls(failure)
        let wasReady = session?.hello != nil
        session = nil

        if case .closing = phase {
            finishClosing(nil)
            return
        }
        let failure = verdict?.failure ?? failure
        let stops = verdict?.stopsReconnecting ?? (!failure.isRetryable && !wasReady)
        guard settings.reconnects, !stops else {
            finishClosing(failure)
            return
        }
        let delay: UInt32
        if let startup = verdict?.startupDelayMilliseconds {
            delay = startup
        } else {
            let random = context.random
            delay = reconnect.failed(floor: failure.retryAfterMilliseconds) { random.uniform(upTo: $0) }
        }
        var event = Event(.clientDisconnected, source: id, userData: settings.userData)
        event.explain(failure, context.arena)
        event.connection = wasReady ? connections : 0
        event.retryAfterMilliseconds = delay
        event.flags |= Event.retryable
        context.emit(event)
        phase = .waiting(until: now.adding(milliseconds: delay))
        reschedule()
    }

    /// The host closes before there is a connection to say so on.
    func abandonAttempt() {
        let ended = channel
        channel = nil
        ended?.drop()
        finishClosing(nil)
    }

    private func finishClosing(_ failure: Failure?) {
        var event = Event(.clientClosed, source: id, userData: settings.userData)
        if let failure { event.explain(failure, context.arena) }
        event.connection = connections
        context.emit(event)
        phase = .closed
        finish()
    }
}

// MARK: - The channel's reports

extension Client: ChannelOwner {
    func channelIsConnected(_ channel: Channel, _ now: Instant) {
        addresses = []
        if channel.isEncrypted {
            phase = .securing(deadline: now.adding(milliseconds: settings.tlsMilliseconds))
        }
        reschedule()
    }

    func channelIsSecure(_ channel: Channel, _ now: Instant) {
        phase = .upgrading(deadline: now.adding(milliseconds: settings.upgradeMilliseconds))
        let handshake = makeHandshake()
        channel.sendHead { handshake.request(into: &$0) }
        self.handshake = handshake
        reschedule()
    }

    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction {
        guard var machine = handshake else { return .needMore }
        defer { handshake = machine }
        if isEnd { return .end(machine.endOfStream()) }
        switch machine.receive(bytes) {
        case .needMore:
            return .needMore
        case .failed(let failure):
            return .end(failure)
        case .open(let consumed, let agreement):
            phase = .open
            session = ClientSession(settings: settings.session, signer: settings.signer, now: now)
            reschedule()
            return .open(consumed: consumed, makeWebSocket(agreement, now))
        }
    }

    func channel(_ channel: Channel, message: UnsafeRawBufferPointer, isText: Bool, _ now: Instant) {
        guard let session else { return }
        let isHandshaking = !session.isReady
        let wall = isHandshaking ? Syscall.wallMilliseconds() : 0
        switch session.receive(message, now: now, wallMilliseconds: wall) {
        case .none:
            break
        case .send(var frame):
            channel.sendText(frame.readable, compress: false)
            frame.wipe()
        case .connected(let hello, let warning):
            connected(hello, warning)
        case .event(let frame, let missing):
            report(frame, message, missing)
        case .accepted(let call, let pending, let payload):
            report(.callAccepted, call, pending, payload, message)
        case .answered(let call, let pending, let payload):
            report(.callDone, call, pending, payload, message)
        case .rejected(let call, let pending, let error):
            reject(call, pending, error, message)
        case .warn(let failure):
            warn(failure)
        case .close(let code, let reason, let failure):
            endSession(code, reason, failure, now)
        }
        if isHandshaking { reschedule() }
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        // The byte that left decides between not sent and unknown.
        sentOffset = channel.sentOffset
        if case .connecting = phase {
            lastConnectFailure = failure
            lastConnectFailure?.text = "cannot connect to \(hostText): \(failure.text)"
            self.channel = nil
            connectNext(now)
            return
        }
        attemptEnded(failure, now)
    }

    func channelDidSend(_ channel: Channel) {
        guard owesWritable, channel.queuedBytes <= Int(settings.maxQueuedBytes) / 16 else { return }
        owesWritable = false
        context.emit(Event(.clientWritable, source: id, userData: settings.userData))
    }
}
