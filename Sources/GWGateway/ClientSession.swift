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

    public struct Settings {
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
    /// Of the events of this connection.
    public private(set) var lastSequence: UInt64?
    /// The gateway has said that it goes, and how soon it may be back.
    public private(set) var restartMilliseconds: UInt32 = 0
    public private(set) var hello: Hello?

    /// `calls` is handed from session to session; those in it wait for a connection.
    public init(
        settings: Settings, signer: (any DeviceSigner)?, authentication: ClientAuthentication, calls: PendingCalls,
        now: Instant
    ) {
        self.settings = settings
        self.calls = calls
        handshake = OpenClawHandshake(
            settings: settings, signer: signer, authentication: authentication, calls: calls, now: now)
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
            state = .ready(TickWatch(tickMilliseconds: hello.tickMilliseconds, now: now))
            self.hello = hello
            return .connected(hello, warning: warning)
        case .close(let code, let reason, let failure):
            state = .ended
            return .close(code: code, reason: reason, failure)
        }
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

    /// Takes a call; the caller then sends its frame under the id.
    @inline(__always)
    public func call(
        expectsFinal: Bool, timeoutMilliseconds: UInt32, userData: UInt, streamOffset: UInt64, now: Instant
    ) -> CallAction {
        guard case .ready = state else {
            return .refused(Failure(.state, .none, "there is no connection to the gateway now", isRetryable: true))
        }
        guard calls.count < Int(settings.maxCalls) else { return .refused(settings.tooManyCalls(calls.count)) }
        let id = calls.add(
            PendingCall(userData: userData, expectsFinal: expectsFinal, streamOffset: streamOffset),
            deadline: now.adding(milliseconds: settings.limit(timeoutMilliseconds, expectsFinal: expectsFinal)))
        return .queued(id: id)
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

    public var deadline: Instant {
        switch state {
        case .connecting: handshake.deadline
        case .ready(let watch): min(watch.nextCheck, calls.nextDeadline)
        case .ended: .never
        }
    }

    public enum TickAction {
        case none
        case callExpired(id: UInt64, PendingCall)
        case close(code: UInt16, reason: StaticString, ConnectFailure)
    }

    /// To be called again until it answers none.
    public func tick(_ now: Instant) -> TickAction {
        switch state {
        case .connecting:
            guard case .close(let code, let reason, let failure) = handshake.tick(now) else { return .none }
            state = .ended
            return .close(code: code, reason: reason, failure)
        case .ready(var watch):
            if let (id, call) = calls.popExpired(now) { return .callExpired(id: id, call) }
            let action = watch.check(now, isSuspended: calls.count > 0 && calls.unlimited == 0)
            state = .ready(watch)
            guard case .silent(let milliseconds) = action else { return .none }
            state = .ended
            let interval = hello?.tickMilliseconds ?? 0
            return .close(
                code: 4000, reason: "tick timeout",
                ConnectFailure(
                    Failure(
                        .tickTimeout, .network,
                        "nothing arrived for \(milliseconds) ms, the gateway ticks every \(interval) ms",
                        isRetryable: true)))
        case .ended:
            return .none
        }
    }
}
