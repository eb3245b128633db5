import GWBase
import GWGateway
import GWJSON
import GWWebSocket

/// A gateway client: feeds its machine what its connections bring, and turns the machine's actions into frames and events.
public final class Client: Link {
    public let machine: ClientMachine
    /// nil: nothing is noted.
    let journal: Journal?
    /// The question for credentials that the host has not answered; 0: none.
    private var question: UInt64 = 0

    /// Starts connecting.  With the context's lock held.
    public init(context: Context, settings: ClientSettings) {
        machine = ClientMachine(settings: settings.machine, random: context.random)
        journal = Journal.make(settings.journal, Syscall.now())
        super.init(context: context, link: settings.link)
    }

    // MARK: - Time

    override var sessionDeadline: Instant { machine.deadline }

    override func tickSession(_ now: Instant) {
        if let heard = channel?.webSocket?.lastReceived { machine.heard(heard) }
        while true {
            switch machine.tick(now) {
            case .none: return
            case .send(var frame):
                channel?.sendText(frame.readable, compress: false)
                frame.wipe()
            case .ended(let call): report(call)
            case .began(let action): report(action, ClientSession.noText)
            case .release(let failure): release(failure)
            case .close(let code, let reason, let failure): return end(code, reason, failure.failure, now)
            }
        }
    }

    override func readingIsHeld(_ now: Instant) { machine.readingIsHeld(now) }

    override func forgetAttempts() { machine.networkChanged() }

    override func resuming() { machine.resume() }

    override var resumesWithNetwork: Bool { true }

    // MARK: - Connections

    override func entered(_ state: StateTimes.State, _ now: Instant) {
        super.entered(state, now)
        if journal != nil { note(state, now) }
    }

    override func opened(_ now: Instant) {
        guard let channel else { return }
        let action = machine.opened(
            now, wallMilliseconds: Syscall.wallMilliseconds(), isTrusted: target.isTrustedEndpoint)
        follow(action, ClientSession.noText, channel, now)
    }

    override func lost(_ failure: Failure, _ now: Instant) -> End {
        question = 0
        let end = machine.ended(failure, sentOffset: sentOffset)
        if journal != nil, !machine.isClosing { noteEnd(end.failure, isFinal: end.retryMilliseconds == nil, now) }
        for call in end.calls { report(call) }
        return End(
            failure: end.failure, connection: end.connection, retryMilliseconds: end.retryMilliseconds,
            isPaused: end.isPaused)
    }

    override func closing() {
        for call in machine.close() { report(call) }
    }

    public override func cancel(_ call: UInt64) -> Bool {
        guard let ended = machine.cancel(call) else { return false }
        report(ended)
        return true
    }

    override func describe(_ state: inout State) {
        if isOpen { state.phase = machine.isReady ? 7 : machine.isAwaitingChallenge ? 5 : 6 }
        state.protocolVersion = machine.hello?.protocolVersion ?? 0
        state.connections = machine.connections
        state.attempts = machine.attempts
        state.callsInFlight = UInt64(machine.callsInFlight)
    }

    // MARK: - Credentials

    /// Takes effect with the next attempt.
    public func replace(_ credentials: Credentials) { machine.replace(credentials) }

    /// The host's answer to a question for credentials, nil if it has none; whether it was still waited for.
    public func answer(_ question: UInt64, _ credentials: Credentials?) -> Bool {
        guard let channel, question != 0, question == self.question else { return false }
        self.question = 0
        let now = Syscall.now()
        let action = machine.answer(question, credentials, now, wallMilliseconds: Syscall.wallMilliseconds())
        follow(action, ClientSession.noText, channel, now)
        reschedule()
        return true
    }

    // MARK: - Messages

    override func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard case .message(let kind, let message) = input else { return }
        guard kind == .text else {
            return warn(
                Failure(
                    .frame, .operator, "ignored a binary message of \(message.count) bytes: the protocol is text only"))
        }
        if journal != nil { noteFrame(isIncoming: true, message, now) }
        let wall = machine.isReady ? 0 : Syscall.wallMilliseconds()
        follow(machine.receive(message, now, wallMilliseconds: wall), message, channel, now)
    }

    @inline(__always)
    private func follow(
        _ action: consuming ClientSession.MessageAction, _ message: UnsafeRawBufferPointer, _ channel: Channel,
        _ now: Instant
    ) {
        switch consume action {
        case .none:
            break
        case .send(var frame):
            // The one frame that a session asks to send is its connect request.
            timings.challenge = timings.lap(now)
            if journal != nil { noteFrame(isIncoming: false, frame.readable, now) }
            channel.sendText(frame.readable, compress: false)
            frame.wipe()
        case .ask(let question):
            self.question = question
            var event = Event(.credentialsRequest, source: id, userData: settings.userData)
            event.subject = question
            context.emit(event)
        case .pairing(let pairing, var frame):
            report(pairing)
            if !frame.isEmpty { channel.sendText(frame.readable, compress: false) }
            frame.wipe()
        case .connected(let hello, let warning):
            timings.hello = timings.lap(now)
            entered(.ready, now)
            connected(hello, warning)
            if let resync = machine.resyncAfterReconnect(now) { report(resync) }
            begin(now)
        case .event(let frame, let missing):
            guard missing == 0, !machine.holdsEvents else { return arrange(frame, message, missing, now) }
            report(frame, message)
        case .accepted(let call, let pending, let payload):
            report(.callAccepted, call, pending, payload, message)
        case .answered(let call, let pending, let payload):
            report(.callDone, call, pending, payload, message)
        case .rejected(let call, let pending, let error):
            reject(call, pending, error, message)
        case .settled(let pending, let response):
            report(machine.settle(pending, response, message), message)
        case .warn(let failure):
            warn(failure)
        case .close(let code, let reason, let failure):
            end(code, reason, failure.failure, now)
        }
    }
}
