import GWBase
import GWGateway
import GWWebSocket

/// A gateway connection that heals itself: it dials, runs a session on what it gets, and after a loss does the same
/// again.  It turns the session's actions into events.
public final class Client: Source {
    enum Phase {
        case waiting(until: Instant)
        case dialing(EndpointRace)
        case open
        case closing
        case closed
    }

    let settings: ClientSettings
    var phase: Phase
    var channel: Channel?
    var session: ClientSession?
    var reconnect: Reconnect
    /// Over all connections, so that the id of a call is never given out again.
    private let calls = PendingCalls()
    /// Set where the session has decided what the end of this connection means.
    var verdict: ConnectFailure?
    var connections: UInt64 = 0
    /// Of this connection or of the last attempt.
    var timings = DialTimings()
    /// Place of the endpoint in use; 0 is the URL, those behind it the alternates.
    var endpoint = 0
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
        // The first attempt begins with the next turn, so that opening never waits.
        phase = .waiting(until: Instant(microseconds: 0))
        super.init(context: context)
        start()
        reschedule()
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .waiting(let until): until
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, session?.deadline ?? .never)
        case .dialing(let race): race.deadline
        case .closed: .never
        }
    }

    override func tick(_ now: Instant) {
        switch phase {
        case .waiting(let until):
            guard until <= now else { return }
            verdict = nil
            let race = EndpointRace(
                context: context, endpoints: [settings.dial] + settings.alternates, owner: self)
            phase = .dialing(race)
            _ = race.step(now)
        case .dialing(let race):
            if let failure = race.step(now) { ended(failure, now) }
        case .open, .closing:
            if channel?.isReadingStopped == true { session?.readingIsHeld(now) }
            tickSession(now)
            channel?.tickWebSocket(now)
        case .closed:
            break
        }
    }

    override func networkChanged(_ now: Instant) {
        guard case .waiting = phase else { return }
        reconnect.networkChanged()
        phase = .waiting(until: now)
        reschedule()
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

    // MARK: - The end of an attempt or a connection

    /// Reports it, and tries again or ends.
    private func ended(_ failure: Failure, _ now: Instant) {
        channel = nil
        owesWritable = false
        let verdict = verdict
        self.verdict = nil
        endCalls(failure)
        let wasReady = session?.hello != nil
        session = nil

        if case .closing = phase { return finishClosing(nil, wasReady: true) }
        let failure = verdict?.failure ?? failure
        let stops = verdict?.stopsReconnecting ?? (!failure.isRetryable && !wasReady)
        guard settings.reconnects, !stops else {
            return finishClosing(failure, wasReady: wasReady)
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

    func finishClosing(_ failure: Failure?, wasReady: Bool = false) {
        var event = Event(.clientClosed, source: id, userData: settings.userData)
        if let failure { event.explain(failure, context.arena) }
        event.connection = wasReady ? connections : 0
        context.emit(event)
        phase = .closed
        finish()
    }
}

// MARK: - Reports of the dial and the channel

extension Client: DialOwner {
    func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant
    ) {
        self.channel = channel
        timings = dial.timings
        if case .dialing(let race) = phase { endpoint = race.place }
        session = ClientSession(settings: settings.session, signer: settings.signer, calls: calls, now: now)
        phase = .open
        reschedule()
    }

    func dial(_ dial: Dial, asks question: UInt64, about refusal: Failure) {
        context.emit(
            Event(asking: question, about: refusal, source: id, userData: settings.userData, context.arena))
    }

    func dial(_ dial: Dial, passed step: DialStep, _ now: Instant) {
        if case .dialing(let race) = phase, step == .secured { race.won(dial) }
    }

    func dial(_ dial: Dial, failed failure: Failure, _ now: Instant) {
        timings = dial.timings
        guard case .dialing(let race) = phase else { return }
        endpoint = race.place
        if let failure = race.failed(dial, failure, now) { ended(failure, now) } else { reschedule() }
    }

    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard let session, case .message(let kind, let message) = input else { return }
        guard kind == .text else {
            return warn(
                Failure(
                    .frame, .operator, "ignored a binary message of \(message.count) bytes: the protocol is text only"))
        }
        let wall = session.isReady ? 0 : Syscall.wallMilliseconds()
        switch session.receive(message, now: now, wallMilliseconds: wall) {
        case .none:
            break
        case .send(var frame):
            // The one frame that a session asks to send is the answer to the challenge.
            timings.challenge = timings.lap(now)
            channel.sendText(frame.readable, compress: false)
            frame.wipe()
        case .connected(let hello, let warning):
            timings.hello = timings.lap(now)
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
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        // The byte that left decides between not sent and unknown.
        if case .closing = phase {} else { sentOffset = channel.sentOffset }
        ended(failure, now)
    }

    func channelDidSend(_ channel: Channel) {
        guard owesWritable, channel.queuedBytes <= Int(settings.maxQueuedBytes) / 16 else { return }
        owesWritable = false
        context.emit(Event(.clientWritable, source: id, userData: settings.userData))
    }
}
