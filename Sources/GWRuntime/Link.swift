import GWBase
import GWTLS
import GWWebSocket

/// A connection that heals itself: it dials, hands what it gets to its subclass, and after a loss does the same again.  What is
/// spoken on it, and what its loss means, is the subclass's.
public class Link: Source, DialOwner {
    enum Phase {
        case waiting(until: Instant)
        /// For the host to act.
        case paused
        case dialing(EndpointRace)
        case open
        case closing
        case closed
    }

    /// What the end of an attempt or of a connection leads to.
    struct End {
        var failure: Failure
        /// The number of the connection that has ended; 0 for one that could never be used.
        var connection: UInt64
        /// How long to wait before the next attempt; nil: there is none.
        var retryMilliseconds: UInt32?
        /// The next attempt waits for the host.
        var isPaused = false
    }

    final let settings: LinkSettings
    final private(set) var phase: Phase
    final private(set) var channel: Channel?
    /// Of this connection or of the last attempt.
    final var timings = DialTimings()
    /// Place of the endpoint in use; 0 is the URL, those behind it the alternates.
    private var endpoint = 0
    /// The host was told to hold back and is owed the word that it need not any more.
    private var owesWritable = false
    /// How many bytes of the connection that has just ended had left the process.
    final private(set) var sentOffset: UInt64 = 0

    private var times: StateTimes
    /// Of the connections that have ended.
    private var pastTraffic = Traffic()
    private var dials: UInt64 = 0

    /// The endpoint in use, or the one that was tried last.
    final var target: DialSettings {
        let place = endpoint - 1
        return settings.alternates.indices.contains(place) ? settings.alternates[place] : settings.dial
    }

    /// Starts connecting, unless it is to wait for the host first.  With the context's lock held.
    init(context: Context, link settings: LinkSettings, isPaused: Bool = false) {
        self.settings = settings
        times = StateTimes(Syscall.now())
        // The first attempt begins with the next turn, so that opening never waits.
        phase = isPaused ? .paused : .waiting(until: Instant(microseconds: 0))
        super.init(context: context)
        start()
        reschedule()
    }

    // MARK: - For the subclass

    /// It stands in another state now.  Ready is what the subclass says itself.
    func entered(_ state: StateTimes.State, _ now: Instant) { times.enter(state, now) }

    /// A connection is open.
    func opened(_ now: Instant) {}

    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {}

    /// Of what is spoken, and of what waits for a connection.
    var sessionDeadline: Instant { .never }

    func tickSession(_ now: Instant) {}

    /// Our side does not read at present, so silence says nothing about the peer.
    func readingIsHeld(_ now: Instant) {}

    /// The host closes the link: what it still waits for ends.
    func closing() {}

    /// An attempt or a connection has ended: what was under way on it ends, and it is decided what comes next.
    func lost(_ failure: Failure, _ now: Instant) -> End { End(failure: failure, connection: 0) }

    /// Ends a call, or what else the host waits for, without an answer; whether there was one.
    public func cancel(_ call: UInt64) -> Bool { false }

    /// The waits between attempts begin anew.
    func forgetAttempts() {}

    /// The host lets it try anew.
    func resuming() {}

    /// Whether another network is a reason to end a pause.
    var resumesWithNetwork: Bool { false }

    /// Fills in what it knows of the state.
    func describe(_ state: inout State) {}

    // MARK: - Time

    override final var deadline: Instant {
        switch phase {
        case .waiting(let until): min(until, sessionDeadline)
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, sessionDeadline)
        case .dialing(let race): min(race.deadline, sessionDeadline)
        case .paused: sessionDeadline
        case .closed: .never
        }
    }

    override final func tick(_ now: Instant) {
        switch phase {
        case .waiting(let until):
            tickSession(now)
            if until <= now { beginDialing(now) }
        case .dialing(let race):
            tickSession(now)
            if let failure = race.step(now) { ended(failure, now) }
        case .open, .closing:
            if channel?.isReadingStopped == true { readingIsHeld(now) }
            tickSession(now)
            channel?.tickWebSocket(now)
        case .paused:
            tickSession(now)
        case .closed:
            break
        }
    }

    private func beginDialing(_ now: Instant) {
        let race = EndpointRace(context: context, endpoints: [settings.dial] + settings.alternates, owner: self)
        phase = .dialing(race)
        dials += 1
        entered(.connecting, now)
        _ = race.step(now)
    }

    override final func networkChanged(_ now: Instant) {
        switch phase {
        case .waiting: forgetAttempts()
        case .paused:
            guard resumesWithNetwork else { return }
            resuming()
        case .dialing(let race):
            guard race.isReplaceable else { return }
            race.cancel()
            forgetAttempts()
        case .open, .closing, .closed: return
        }
        beginDialing(now)
        reschedule()
    }

    /// Tries again now, with all that a first attempt has; whether it waited for anything.
    public final func tryAgain() -> Bool {
        switch phase {
        case .waiting, .paused: resuming()
        default: return false
        }
        phase = .waiting(until: Syscall.now())
        reschedule()
        return true
    }

    final var isPaused: Bool {
        if case .paused = phase { return true }
        return false
    }

    /// No connection is wanted for now: one that is being made is dropped, and the next attempt waits for the host.
    final func pause(_ failure: Failure) {
        switch phase {
        case .waiting: break
        case .dialing(let race): race.cancel()
        case .paused, .open, .closing, .closed: return
        }
        wait(End(failure: failure, connection: 0, isPaused: true), Syscall.now())
    }

    // MARK: - Sending

    /// Something was queued: whether the queue is above its high mark now.
    final func queued(_ channel: Channel) -> Bool {
        channel.queueSend()
        reschedule()
        let isAboveMark = channel.queuedBytes > Int(settings.maxQueuedBytes) / 4
        if isAboveMark { owesWritable = true }
        return isAboveMark
    }

    /// Ends the connection for a cause of ours: a close frame, then the end.
    final func end(_ code: UInt16, _ reason: StaticString, _ failure: Failure, _ now: Instant) {
        guard let channel else { return }
        let text = Array(UnsafeBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount))
        _ = channel.webSocket?.sendClose(code, text, now)
        channel.end(failure, now)
    }

    // MARK: - The end

    /// Closes politely; whether it was still open.
    public final func close(code: UInt16, reason: [UInt8]) -> Bool {
        switch phase {
        case .closing, .closed:
            return false
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return false }
            let now = Syscall.now()
            channel.send(now)
            // Sending may have found the connection lost.
            guard case .open = phase, self.channel === channel else { return close(code: code, reason: reason) }
            phase = .closing
            entered(.closing, now)
            closing()
            if let refused = webSocket.sendClose(code, reason, now) {
                channel.end(refused, now)
                return true
            }
            channel.queueSend()
            reschedule()
            return true
        case .dialing(let race):
            race.cancel()
            closing()
            finishClosing(nil, connection: 0)
            return true
        case .waiting, .paused:
            closing()
            finishClosing(nil, connection: 0)
            return true
        }
    }

    /// An attempt or a connection has ended: reports it, and tries again or ends.
    private func ended(_ failure: Failure, _ now: Instant) {
        if let webSocket = channel?.webSocket { pastTraffic.add(webSocket.statistics) }
        channel = nil
        owesWritable = false
        let end = lost(failure, now)
        if case .closing = phase { return finishClosing(nil, connection: end.connection) }
        guard end.retryMilliseconds != nil || end.isPaused else {
            return finishClosing(end.failure, connection: end.connection)
        }
        wait(end, now)
    }

    /// Tells that there is no connection, and waits for the next attempt or for the host.
    private func wait(_ end: End, _ now: Instant) {
        var event = Event(.clientDisconnected, source: id, userData: settings.userData)
        event.explain(end.failure, context.arena)
        event.connection = end.connection
        event.retryAfterMilliseconds = end.retryMilliseconds ?? 0
        if let delay = end.retryMilliseconds {
            event.flags |= Event.retryable
            phase = .waiting(until: now.adding(milliseconds: delay))
        } else {
            event.flags |= Event.paused
            phase = .paused
        }
        context.emit(event)
        entered(.waiting, now)
        reschedule()
    }

    private func finishClosing(_ failure: Failure?, connection: UInt64) {
        var event = Event(.clientClosed, source: id, userData: settings.userData)
        if let failure { event.explain(failure, context.arena) }
        event.connection = connection
        context.emit(event)
        phase = .closed
        finish()
    }

    // MARK: - Reports of the dial and the channel

    final func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant
    ) {
        self.channel = channel
        timings = dial.timings
        if case .dialing(let race) = phase { endpoint = race.place }
        phase = .open
        opened(now)
        reschedule()
    }

    final func dial(_ dial: Dial, asks question: UInt64, about refusal: Failure) {
        context.emit(
            Event(asking: question, about: refusal, source: id, userData: settings.userData, context.arena))
    }

    final func dial(_ dial: Dial, passed step: DialStep, _ now: Instant) {
        if case .dialing(let race) = phase, step == .secured { race.won(dial) }
    }

    final func dial(_ dial: Dial, failed failure: Failure, _ now: Instant) {
        timings = dial.timings
        guard case .dialing(let race) = phase else { return }
        endpoint = race.place
        if let failure = race.failed(dial, failure, now) { ended(failure, now) } else { reschedule() }
    }

    final func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        // The byte that left decides between not sent and unknown.
        sentOffset = channel.sentOffset
        ended(failure, now)
    }

    final func channelDidSend(_ channel: Channel) {
        guard owesWritable, channel.queuedBytes <= Int(settings.maxQueuedBytes) / 16 else { return }
        owesWritable = false
        context.emit(Event(.clientWritable, source: id, userData: settings.userData))
    }

    // MARK: - State

    public struct State {
        public var phase: UInt32
        public var protocolVersion: UInt32 = 0
        public var nextAttemptMilliseconds: UInt32 = 0
        public var connections: UInt64 = 0
        public var attempts: UInt64 = 0
        public var callsInFlight: UInt64 = 0
        public var queuedBytes: UInt64
        public var roundTripMicroseconds: UInt64
        public var isDeflating: Bool
        public var isEncrypted: Bool
        public var timings: DialTimings
        public var endpoint: Int
    }

    public final var state: State {
        var state = State(
            phase: phaseNumber, queuedBytes: UInt64(channel?.queuedBytes ?? 0),
            roundTripMicroseconds: channel?.webSocket?.roundTripMicroseconds ?? 0,
            isDeflating: channel?.webSocket?.isDeflating ?? false, isEncrypted: channel?.isEncrypted ?? false,
            timings: timings, endpoint: endpoint)
        if case .waiting(let until) = phase {
            state.nextAttemptMilliseconds = until.milliseconds(after: Syscall.now())
        }
        if case .dialing(let race) = phase {
            state.timings = race.timings
            state.endpoint = race.place
        }
        describe(&state)
        return state
    }

    /// Over the link's whole life.
    public struct Totals {
        public var traffic: Traffic
        /// Attempts to connect.
        public var dials: UInt64
        /// Microseconds.
        public var times: (waiting: UInt64, connecting: UInt64, ready: UInt64, closing: UInt64)
    }

    public final var totals: Totals {
        var traffic = pastTraffic
        if let webSocket = channel?.webSocket { traffic.add(webSocket.statistics) }
        return Totals(traffic: traffic, dials: dials, times: times.microseconds(Syscall.now()))
    }

    /// `GW_PHASE_*`.
    private var phaseNumber: UInt32 {
        switch phase {
        case .waiting: 0
        case .dialing(let race): race.phaseNumber
        case .open: 6
        case .closing: 8
        case .closed: 9
        case .paused: 11
        }
    }

    final var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// What TLS agreed on in the present connection; nil without it.
    public final var agreement: TLSAgreement? { channel?.agreement }

    /// Replaces the pins for every handshake that begins from now on.
    public final func replace(pins: PinSet) throws(Failure) {
        guard let tls = settings.dial.tls else {
            throw Failure(
                .pinText, .program, "a pin was given, but the URL is not wss://: there is no certificate to compare")
        }
        try tls.replace(pins: pins)
        // What one endpoint takes, all take: they have the same mode.
        for alternate in settings.alternates { try alternate.tls?.replace(pins: pins) }
    }
}
