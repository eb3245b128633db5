import GWBase
import GWJSON

/// The client's end of one gateway connection, from the open WebSocket to its end: the dialect's handshake, then calls,
/// answers, events and the watch over ticks.
///
/// Messages and the time come in; each input returns what is to be done.  A session lives as long as its connection.
public final class ClientSession {
    private enum State {
        case connecting
        case ready(TickWatch)
        case ended
    }

    /// What the gateway speaks.
    public enum Dialect {
        case openClaw
        case goClaw(GoClawParameters)
        /// Found out: the gateway that sends no challenge speaks GoClaw's.
        case detect(GoClawParameters)
    }

    public struct Settings {
        public var dialect = Dialect.openClaw
        public var connect = ConnectParameters()
        public var challengeMilliseconds = Limits.challengeMilliseconds
        public var credentialsMilliseconds = Limits.credentialsMilliseconds
        public var helloMilliseconds = Limits.helloMilliseconds
        public var callMilliseconds = Limits.callMilliseconds
        public var maxCalls = Limits.calls
        public init() {}

        /// The time limit of a call that asks for one, 0 for the default.
        func limit(_ milliseconds: UInt32, expectsFinal: Bool) -> UInt32 {
            var limit = milliseconds
            if limit == 0 { limit = expectsFinal ? .max : callMilliseconds }
            return limit == .max ? .max : min(limit, Limits.longestCallMilliseconds)
        }

        func tooManyCalls(_ count: Int) -> Failure {
            Failure(
                .limit, .program, "\(count) calls are in flight, max_calls is \(maxCalls)", isRetryable: true)
        }
    }

    private let settings: Settings
    /// What is said until the hello.  Beside the state, so that a message after it touches no reference.
    private let handshake: any GatewayHandshake
    private var state = State.connecting
    private var reader = EnvelopeReader()
    private let calls: PendingCalls
    /// The gateway speaks GoClaw's dialect.
    private(set) var isGoClaw = false
    /// Why it ended itself after the hello.
    private(set) var verdict: ConnectFailure?
    /// Of the events of this connection.
    public private(set) var lastSequence: UInt64?
    /// The gateway has said that it goes, and how soon it may be back.
    public private(set) var restartMilliseconds: UInt32 = 0
    public private(set) var hello: Hello?

    /// `calls` and `login` are handed from session to session; the calls in it wait for a connection.
    public init(
        settings: Settings, signer: (any DeviceSigner)?, authentication: ClientAuthentication, calls: PendingCalls,
        login: GoClawLogin = GoClawLogin(senderID: []), now: Instant
    ) {
        self.settings = settings
        self.calls = calls
        func openClaw() -> OpenClawHandshake {
            OpenClawHandshake(
                settings: settings, signer: signer, authentication: authentication, calls: calls, now: now)
        }
        func goClaw(_ parameters: GoClawParameters, _ now: Instant) -> GoClawHandshake {
            GoClawHandshake(
                settings: settings, parameters: parameters, authentication: authentication, login: login, calls: calls,
                now: now)
        }
        switch settings.dialect {
        case .openClaw:
            handshake = openClaw()
        case .goClaw(let parameters):
            handshake = goClaw(parameters, now)
        case .detect(let parameters):
            handshake =
                login.hasAnswered
                ? goClaw(parameters, now)
                : DetectingHandshake(settings: settings, openClaw: openClaw(), now: now) { goClaw(parameters, $0) }
        }
    }

    public var isReady: Bool {
        if case .ready = state { return true }
        return false
    }

    public var isAwaitingChallenge: Bool {
        if case .connecting = state { return handshake.isAwaitingChallenge }
        return false
    }

    public var callsInFlight: Int { calls.count }

    // MARK: - Messages

    public enum MessageAction: ~Copyable {
        case none
        /// Send this, uncompressed: it holds a credential.
        case send(ByteBuffer)
        /// Ask the host for credentials.
        case ask(question: UInt64)
        case connected(Hello, warning: Failure?)
        /// Tell the host, then send this, if it is not empty.
        case pairing(Pairing, send: ByteBuffer)
        /// `missing` events were lost before this one.
        case event(EventFrame, missing: UInt64)
        case accepted(id: UInt64, PendingCall, payload: JSONSlice?)
        case answered(id: UInt64, PendingCall, payload: JSONSlice?)
        case rejected(id: UInt64, PendingCall, error: JSONSlice?)
        /// The answer to a call of the library's own: `ClientMachine.settle` takes it.
        case settled(PendingCall, ResponseFrame)
        case warn(Failure)
        /// Send a close frame with this code and reason; the connection ends for this cause.
        case close(code: UInt16, reason: StaticString, ConnectFailure)
    }

    /// The WebSocket is open: to be called once, before anything else.
    public func opened(now: Instant, wallMilliseconds: UInt64) -> MessageAction {
        guard case .connecting = state else { return .none }
        return follow(handshake.opened(now, wallMilliseconds: wallMilliseconds), now)
    }

    /// The host has answered a question for credentials; `isGiven`: with some.  None if nobody waits for it any more.
    public func answered(
        _ question: UInt64, isGiven: Bool, now: Instant, wallMilliseconds: UInt64
    ) -> MessageAction {
        guard case .connecting = state else { return .none }
        return follow(handshake.answered(question, isGiven: isGiven, now, wallMilliseconds: wallMilliseconds), now)
    }

    /// What an action refers to that no message has led to.
    public static var noText: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    public func receive(_ text: UnsafeRawBufferPointer, now: Instant, wallMilliseconds: UInt64) -> MessageAction {
        switch reader.read(text) {
        case .malformed:
            return .warn(
                Failure(
                    .json, .operator,
                    "ignored a message of \(text.count) bytes that is not JSON: \(String(printable: text, limit: 60))"))
        case .other:
            return .warn(
                Failure(
                    .frame, .operator,
                    "ignored a message that is no frame of the protocol: \(String(printable: text, limit: 60))"))
        case .response(let response):
            return receive(response, text, now)
        case .event(let event):
            return receive(event, text, now, wallMilliseconds)
        }
    }

    private func receive(
        _ event: EventFrame, _ text: UnsafeRawBufferPointer, _ now: Instant, _ wallMilliseconds: UInt64
    ) -> MessageAction {
        switch state {
        case .connecting:
            return follow(handshake.receive(event, text, now, wallMilliseconds: wallMilliseconds), now)
        case .ready(var watch):
            watch.active(now)
            state = .ready(watch)
            if isGoClaw, isEndOfLogin(event, text) {
                state = .ended
                verdict = .tenantRevoked
                return .close(code: 1000, reason: "tenant access revoked", .tenantRevoked)
            }
            if event.name.range.count == 10 { noteShutdown(event, text) }
            return .event(event, missing: missing(event.sequence))
        case .ended:
            return .none
        }
    }

    private func receive(
        _ response: ResponseFrame, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> MessageAction {
        let id = CallID.read(response.id, in: text)
        switch state {
        case .connecting:
            switch handshake.receive(response, id: id, text, now) {
            case .unknown: return unknown(id, response, text)
            case let action: return follow(action, now)
            }
        case .ready(var watch):
            watch.active(now)
            state = .ready(watch)
            guard let id, let call = calls.find(id) else { return unknown(id, response, text) }
            return settle(id, call, response, text, now)
        case .ended:
            return .none
        }
    }

    private func follow(_ action: consuming HandshakeAction, _ now: Instant) -> MessageAction {
        switch consume action {
        case .none:
            return .none
        case .unknown:
            return .none
        case .send(let frame):
            return .send(frame)
        case .ask(let question):
            return .ask(question: question)
        case .ready(let hello, let warning):
            isGoClaw = hello.goClaw != nil
            state = .ready(
                isGoClaw
                    ? TickWatch(silenceMilliseconds: GoClaw.silenceMilliseconds, now: now)
                    : TickWatch(tickMilliseconds: hello.tickMilliseconds, now: now))
            self.hello = hello
            return .connected(hello, warning: warning)
        case .pairing(let pairing, let frame):
            return .pairing(pairing, send: frame)
        case .close(let code, let reason, let failure):
            state = .ended
            return .close(code: code, reason: reason, failure)
        }
    }

    /// A GoClaw gateway tells everybody of the tenant whose membership has ended.
    private func isEndOfLogin(_ event: EventFrame, _ text: UnsafeRawBufferPointer) -> Bool {
        guard JSON.isString(event.name, equalTo: "tenant.access.revoked", in: text), let payload = event.payload,
            payload.kind == .object, let user = JSON.member("user_id", of: payload, in: text),
            let user = JSON.string(user, in: text), let terms = hello?.goClaw
        else { return false }
        return user == terms.userID
    }

    private func settle(
        _ id: UInt64, _ call: PendingCall, _ response: ResponseFrame, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> MessageAction {
        if response.isOK, call.expectsFinal, isAccepted(response.payload, text) {
            guard !call.wasAccepted else { return .none }
            calls.markAccepted(id)
            return .accepted(id: id, call, payload: response.payload)
        }
        _ = calls.remove(id)
        if calls.latency != nil { calls.answered(id, now) }
        guard call.purpose == .host else { return .settled(call, response) }
        if response.isOK { return .answered(id: id, call, payload: response.payload) }
        return .rejected(id: id, call, error: response.error)
    }

    private func isAccepted(_ payload: JSONSlice?, _ text: UnsafeRawBufferPointer) -> Bool {
        guard let payload, payload.kind == .object, let status = JSON.member("status", of: payload, in: text) else {
            return false
        }
        return JSON.isString(status, equalTo: "accepted", in: text)
    }

    private func unknown(
        _ id: UInt64?, _ response: ResponseFrame, _ text: UnsafeRawBufferPointer
    ) -> MessageAction {
        // A further answer to a call that has ended (timed out, cancelled, answered twice) is expected.
        if let id, calls.hasEnded(id) { return .none }
        let shown = String(printable: text[response.id.range], limit: 60)
        return .warn(Failure(.unknownID, .operator, "ignored an answer to \(shown), which was never asked"))
    }

    /// How many events are missing before this one.  Sequences count from the first one that a connection shows.
    private func missing(_ sequence: UInt64?) -> UInt64 {
        guard let sequence else { return 0 }
        defer { lastSequence = sequence }
        guard let lastSequence, sequence > lastSequence else { return 0 }
        return sequence - lastSequence - 1
    }

    private func noteShutdown(_ event: EventFrame, _ text: UnsafeRawBufferPointer) {
        guard JSON.isString(event.name, equalTo: "shutdown", in: text), let payload = event.payload,
            payload.kind == .object, let value = JSON.member("restartExpectedMs", of: payload, in: text),
            let number = JSON.integer(value, in: text), number > 0
        else { return }
        restartMilliseconds = UInt32(clamping: number)
    }

    // MARK: - Calls

    public enum CallAction {
        case queued(id: UInt64)
        case refused(Failure)
    }

    /// Why a frame of that size would make the gateway close the connection; nil if it would not.
    public func tooBig(_ frameBytes: Int) -> Failure? {
        guard let limit = hello?.maxPayloadBytes, frameBytes > Int(limit) else { return nil }
        return .tooBig("the request", frameBytes, "the gateway takes at most", Int(limit))
    }

    /// Takes a call; the caller then sends its frame under the id.  `isLong`: it is answered only when the work is done.
    @inline(__always)
    public func call(
        expectsFinal: Bool, timeoutMilliseconds: UInt32, isLong: Bool = false, userData: UInt, streamOffset: UInt64,
        now: Instant
    ) -> CallAction {
        guard case .ready = state else {
            return .refused(Failure(.state, .none, "there is no connection to the gateway now", isRetryable: true))
        }
        guard calls.count < Int(settings.maxCalls) else { return .refused(settings.tooManyCalls(calls.count)) }
        let id = calls.add(
            PendingCall(userData: userData, expectsFinal: expectsFinal, streamOffset: streamOffset),
            deadline: now.adding(milliseconds: limit(timeoutMilliseconds, expectsFinal: expectsFinal, isLong: isLong)))
        return .queued(id: id)
    }

    /// Whether a call of this method is answered only when the work is done.
    @inline(__always)
    func isLong(_ method: UnsafeRawBufferPointer) -> Bool { isGoClaw && method.elementsEqual("chat.send".utf8) }

    /// A GoClaw gateway drops an answer that finds its queue full: no call may wait for ever.
    func limit(_ milliseconds: UInt32, expectsFinal: Bool, isLong: Bool) -> UInt32 {
        guard isGoClaw, milliseconds == 0, expectsFinal || isLong else {
            return settings.limit(milliseconds, expectsFinal: expectsFinal)
        }
        return GoClaw.chatMilliseconds
    }

    /// Takes a call out; nil if it has ended.
    public func cancel(_ id: UInt64) -> PendingCall? { calls.remove(id) }

    /// The connection has ended: every call in flight, to be reported one by one.
    public func end() -> [(id: UInt64, call: PendingCall)] {
        state = .ended
        var ended: [(id: UInt64, call: PendingCall)] = []
        for id in calls.ids {
            guard let call = calls.find(id), call.streamOffset != PendingCall.notWritten else { continue }
            _ = calls.remove(id)
            ended.append((id, call))
        }
        return ended
    }

    // MARK: - Time

    /// Our side does not read at present, so silence says nothing about the gateway.
    public func readingIsHeld(_ now: Instant) {
        guard case .ready(var watch) = state else { return }
        watch.active(now)
        state = .ready(watch)
    }

    /// The connection received bytes at this time, if only a ping: what proves that a gateway without ticks lives.
    public func heard(_ time: Instant) {
        guard isGoClaw, case .ready(var watch) = state else { return }
        watch.active(time)
        state = .ready(watch)
    }

    public var deadline: Instant {
        switch state {
        case .connecting: handshake.deadline
        case .ready(let watch): min(watch.nextCheck, calls.nextDeadline)
        case .ended: .never
        }
    }

    public enum TickAction: ~Copyable {
        case none
        /// Send this, uncompressed.
        case send(ByteBuffer)
        case callExpired(id: UInt64, PendingCall)
        case close(code: UInt16, reason: StaticString, ConnectFailure)
    }

    /// To be called again until it answers none.
    public func tick(_ now: Instant) -> TickAction {
        switch state {
        case .connecting:
            switch follow(handshake.tick(now), now) {
            case .send(let frame): return .send(frame)
            case .close(let code, let reason, let failure): return .close(code: code, reason: reason, failure)
            default: return .none
            }
        case .ready(var watch):
            if let (id, call) = calls.popExpired(now) { return .callExpired(id: id, call) }
            let action = watch.check(now, isSuspended: calls.count > 0 && calls.unlimited == 0)
            state = .ready(watch)
            guard case .silent(let milliseconds) = action else { return .none }
            state = .ended
            let interval = isGoClaw ? GoClaw.pingMilliseconds : hello?.tickMilliseconds ?? 0
            return .close(
                code: 4000, reason: "tick timeout",
                ConnectFailure(
                    Failure(
                        .tickTimeout, .network,
                        "nothing arrived for \(milliseconds) ms, the gateway \(isGoClaw ? "pings" : "ticks") every "
                            + "\(interval) ms", isRetryable: true)))
        case .ended:
            return .none
        }
    }
}
