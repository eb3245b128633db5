import GWBase
import GWGateway
import GWJSON
import GWWebSocket

/// A client that connects once, tells how each step went, and leaves.
public final class Doctor: Source {
    private enum Phase {
        case ready
        case dialing(Dial)
        case open(Channel, ClientSession)
        case ended
    }

    private let settings: ClientSettings
    private let authentication: ClientAuthentication
    private let waitsForTick: Bool
    private var phase = Phase.ready
    private var began = Instant(microseconds: 0)
    private var diagnosis = Diagnosis(Instant(microseconds: 0))
    /// Set by the hello.
    private var tickDeadline = Instant.never
    private var tickMilliseconds: UInt32 = 0
    /// Set where the session has decided what the end of the connection means.
    private var verdict: Failure?
    /// What the peer sent that the session ignored.
    private var lastWarning: Failure?

    /// Begins with the next turn.  With the context's lock held.
    public init(context: Context, settings: ClientSettings, waitsForTick: Bool) {
        self.settings = settings
        self.waitsForTick = waitsForTick
        authentication = settings.machine.makeAuthentication()
        super.init(context: context)
        start()
        reschedule()
    }

    /// Ends it for the host: nothing more is told but the end.
    public func cancel() {
        switch phase {
        case .ready, .ended: phase = .ended
        case .dialing(let dial): dial.cancel()
        case .open: leave(Syscall.now())
        }
        end(Failure(.cancelled, .none, "ended by the host"), Syscall.now())
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .ready: Instant(microseconds: 0)
        case .open(let channel, let session):
            min(channel.webSocket?.deadline ?? .never, patienceEnds(channel, session))
        case .dialing, .ended: .never
        }
    }

    override func tick(_ now: Instant) {
        switch phase {
        case .ready:
            began = now
            diagnosis = Diagnosis(now)
            let dial = Dial(context: context, settings: settings.link.dial, owner: self)
            phase = .dialing(dial)
            dial.begin(now)
        case .open(let channel, let session):
            guard patienceEnds(channel, session) <= now else { return channel.tickWebSocket(now) }
            if diagnosis.present == .tick {
                missesTick(channel, now)
            } else if case .close(let code, let reason, let failure) = session.tick(now) {
                close(channel, code, reason, failure, now)
            }
        case .dialing, .ended:
            break
        }
    }

    /// When the step under way has taken too long; a connection that is closing has its own time limit.
    private func patienceEnds(_ channel: Channel, _ session: ClientSession) -> Instant {
        guard channel.webSocket?.isOpen == true else { return .never }
        return diagnosis.present == .tick ? tickDeadline : session.deadline
    }

    private func missesTick(_ channel: Channel, _ now: Instant) {
        let waited = Doctor.patience(tickMilliseconds)
        // While nothing is read silence says nothing.
        guard !channel.isReadingStopped else {
            tickDeadline = now.adding(milliseconds: waited)
            return
        }
        leave(now)
        fail(
            Failure(
                .tickTimeout, .operator,
                "no tick within \(waited) ms after the hello, which promised one every \(tickMilliseconds) ms",
                isRetryable: true), now)
    }

    /// How long to wait for a tick: half an interval longer than the gateway says, at least a second.
    private static func patience(_ interval: UInt32) -> UInt32 { interval &+ max(interval / 2, 1000) }

    // MARK: - What is told

    private func tell(_ finding: Diagnosis.Finding?) {
        guard let finding else { return }
        var event = Event(.doctorStep, source: id, userData: settings.link.userData)
        event.subject = UInt64(finding.step.rawValue)
        event.name = context.arena.copy(bytes(finding.step.label))
        event.status = finding.failure?.status ?? .ok
        event.actor = finding.actor
        event.text = context.arena.copy(finding.text.bytes)
        event.payload = context.arena.copy(finding.detail)
        event.code = UInt32(clamping: finding.microseconds)
        event.flags = finding.isSkipped ? Event.skipped : finding.failure?.isRetryable == true ? Event.retryable : 0
        event.retryAfterMilliseconds = finding.failure?.retryAfterMilliseconds ?? 0
        context.emit(event)
    }

    private func pass(_ report: DoctorReport, _ now: Instant) {
        tell(diagnosis.pass(report.text, detail: report.detail, actor: report.actor, now))
    }

    private func skip(_ why: String, _ now: Instant) { tell(diagnosis.skip(why, now)) }

    private func fail(_ failure: Failure, detail: [UInt8] = [], _ now: Instant) {
        for finding in diagnosis.fail(failure, detail: detail, now) { tell(finding) }
        end(diagnosis.failure?.failure ?? failure, now)
    }

    private func finishWell(_ now: Instant) {
        leave(now)
        end(nil, now)
    }

    /// The one terminal event.
    private func end(_ failure: Failure?, _ now: Instant) {
        phase = .ended
        guard id != 0 else { return }
        var event = Event(.doctorDone, source: id, userData: settings.link.userData)
        if let failure {
            event.explain(failure, context.arena)
            event.name = context.arena.copy(diagnosis.failure.map { bytes($0.step.label) } ?? [])
        } else {
            event.text = context.arena.copy(bytes("the gateway can be reached, and answers"))
        }
        event.code = began.microseconds == 0 ? 0 : UInt32(clamping: now.microseconds(since: began))
        context.emit(event)
        finish()
    }

    private func bytes(_ text: StaticString) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    // MARK: - The end of the connection

    /// Closes politely, without waiting for the answer.
    private func leave(_ now: Instant) {
        guard case .open(let channel, _) = phase else { return }
        phase = .ended
        _ = channel.webSocket?.sendClose(1000, [], now)
        channel.end(Failure(.ok, .none, ""), now)
    }

    private func close(
        _ channel: Channel, _ code: UInt16, _ reason: StaticString, _ failure: ConnectFailure, _ now: Instant
    ) {
        verdict = failure.failure
        _ = channel.webSocket?.sendClose(code, bytes(reason), now)
        channel.end(failure.failure, now)
    }
}

// MARK: - Reports of the dial and the channel

extension Doctor: DialOwner {
    func dial(_ dial: Dial, passed step: DialStep, _ now: Instant) {
        switch step {
        case .resolved:
            if let report = DoctorReport(nameOf: dial) {
                pass(report, now)
            } else {
                skip("there is no name to look up", now)
            }
        case .connected:
            // A connection of the host's had no name.
            if diagnosis.present == .name { skip("there is no name to look up", now) }
            pass(DoctorReport(connectionOf: dial), now)
            if dial.proxy == nil { skip("no proxy is between", now) }
        case .tunnelled:
            pass(DoctorReport(tunnelOf: dial), now)
        case .secured:
            guard let tls = dial.tls else {
                skip("ws:// is not encrypted: whoever is on the way can read everything", now)
                return skip("without TLS there is no certificate", now)
            }
            pass(DoctorReport(encryptionOf: tls), now)
            if let report = DoctorReport(pinOf: tls, dial.settings) {
                pass(report, now)
            } else {
                skip("no pin was given: CA and name decided", now)
            }
        }
    }

    func dial(_ dial: Dial, asks question: UInt64, about refusal: Failure) {
        context.emit(
            Event(asking: question, about: refusal, source: id, userData: settings.link.userData, context.arena))
    }

    func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant
    ) {
        pass(DoctorReport(upgrade: handshake, agreement), now)
        let session = ClientSession(
            settings: settings.machine.session, signer: settings.machine.signer, authentication: authentication,
            calls: PendingCalls(), now: now)
        phase = .open(channel, session)
        follow(
            session.opened(now: now, wallMilliseconds: Syscall.wallMilliseconds()), ClientSession.noText, channel, now)
        reschedule()
    }

    func dial(_ dial: Dial, failed failure: Failure, _ now: Instant) {
        let detail = diagnosis.present == .tcp ? DoctorReport.tries(of: dial) : []
        fail(failure, detail: detail, now)
    }

    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard case .open(_, let session) = phase, case .message(let kind, let message) = input else { return }
        guard kind == .text else {
            lastWarning = Failure(.frame, .operator, "ignored a binary message of \(message.count) bytes")
            return
        }
        follow(
            session.receive(message, now: now, wallMilliseconds: Syscall.wallMilliseconds()), message, channel, now)
    }

    private func follow(
        _ action: consuming ClientSession.MessageAction, _ message: UnsafeRawBufferPointer, _ channel: Channel,
        _ now: Instant
    ) {
        switch consume action {
        case .send(var frame):
            pass(DoctorReport(text: "the gateway sent its challenge"), now)
            channel.sendText(frame.readable, compress: false)
            frame.wipe()
        case .connected(let hello, let warning):
            channel.wipeOutput()
            connected(hello, warning, now)
        case .event(let frame, _):
            guard diagnosis.present == .tick, JSON.isString(frame.name, equalTo: "tick", in: message) else { return }
            pass(DoctorReport(tickEvery: tickMilliseconds), now)
            finishWell(now)
        case .warn(let failure):
            lastWarning = failure
        case .close(let code, let reason, let failure):
            close(channel, code, reason, failure, now)
        default:
            break
        }
    }

    private func connected(_ hello: Hello, _ warning: Failure?, _ now: Instant) {
        let problem = authentication.accepted(hello, wallMilliseconds: Syscall.wallMilliseconds())
        let warning = problem ?? warning
        pass(DoctorReport(hello: hello, warning), now)
        guard waitsForTick else {
            skip("not waited for", now)
            return finishWell(now)
        }
        tickMilliseconds = hello.tickMilliseconds
        tickDeadline = now.adding(milliseconds: Doctor.patience(tickMilliseconds))
        reschedule()
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        guard case .open = phase else { return }
        phase = .ended
        var failure = verdict ?? failure
        if diagnosis.present == .challenge, let lastWarning { failure.text += " (\(lastWarning.text))" }
        fail(failure, now)
    }

    func channelDidSend(_ channel: Channel) {}
}
