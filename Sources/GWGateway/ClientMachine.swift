import GWBase
import GWJSON

/// All that one gateway client keeps over its connections, and everything that it decides: which calls are in flight and how
/// they end, when to try again, when to give up.
///
/// Bytes, ends of connections and the time come in; each input returns what is to be sent and told.
public final class ClientMachine {
    public struct Settings {
        public var session = ClientSession.Settings()
        public var signer: (any DeviceSigner)?
        public var reconnects = true
        public var reconnectInitialMilliseconds = Limits.reconnectInitialMilliseconds
        public var reconnectMaximumMilliseconds = Limits.reconnectMaximumMilliseconds
        public init() {}
    }

    private let settings: Settings
    private let random: RandomPool
    private var reconnect: Reconnect
    /// Over all connections, so that the id of a call is never given out again.
    private let calls = PendingCalls()
    private let login: GoClawLogin
    /// Of the present connection.
    private var session: ClientSession?
    /// Set where the session has decided what the end of this connection means.
    private var verdict: ConnectFailure?
    /// How many hellos there were; the number of the present connection once it is ready.
    public private(set) var connections: UInt64 = 0

    public init(settings: Settings, random: RandomPool) {
        self.settings = settings
        self.random = random
        switch settings.session.dialect {
        case .openClaw: login = GoClawLogin(senderID: [])
        case .goClaw(let parameters), .detect(let parameters): login = GoClawLogin(senderID: parameters.senderID)
        }
        reconnect = Reconnect(
            initialMilliseconds: settings.reconnectInitialMilliseconds,
            maximumMilliseconds: settings.reconnectMaximumMilliseconds)
    }

    // MARK: - State

    public var hello: Hello? { session?.hello }

    /// Calls can be made.
    public var isReady: Bool { session?.isReady ?? false }

    public var isAwaitingChallenge: Bool { session?.isAwaitingChallenge ?? false }

    public var callsInFlight: Int { calls.count }

    /// Failed attempts since the last hello.
    public var attempts: UInt64 { reconnect.attempts }

    // MARK: - Messages

    /// The WebSocket of a new connection is open.
    public func opened(_ now: Instant, wallMilliseconds: UInt64) -> ClientSession.MessageAction {
        let session = ClientSession(
            settings: settings.session, signer: settings.signer, calls: calls, login: login, now: now)
        self.session = session
        return note(session.opened(now: now, wallMilliseconds: wallMilliseconds))
    }

    /// `wallMilliseconds` is looked at only until the hello.
    @inline(__always)
    public func receive(
        _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> ClientSession.MessageAction {
        guard let session else { return .none }
        guard session.isReady else {
            return note(session.receive(text, now: now, wallMilliseconds: wallMilliseconds))
        }
        return session.receive(text, now: now, wallMilliseconds: wallMilliseconds)
    }

    private func note(_ action: consuming ClientSession.MessageAction) -> ClientSession.MessageAction {
        switch consume action {
        case .connected(let hello, let warning):
            connections += 1
            reconnect.succeeded()
            return .connected(hello, warning: warning)
        case .close(let code, let reason, let failure):
            verdict = failure
            return .close(code: code, reason: reason, failure)
        case let other:
            return other
        }
    }

    // MARK: - Calls

    /// A call to be made; what it points to lives as long as the request is being made.
    public struct Request {
        public var method: UnsafeRawBufferPointer
        /// JSON that was checked, or empty for none.
        public var params: UnsafeRawBufferPointer
        public var expectsFinal = false
        /// 0: the client's default.
        public var timeoutMilliseconds: UInt32 = 0
        public var userData: UInt = 0

        public init(method: UnsafeRawBufferPointer, params: UnsafeRawBufferPointer) {
            self.method = method
            self.params = params
        }
    }

    /// Where the output of the connection stands.
    public struct Output {
        /// Bytes that wait to be sent, and how many may.
        public var queuedBytes: Int
        public var maxQueuedBytes: Int
        /// The place of the next frame in all that the connection sends.
        public var offset: UInt64

        public init(queuedBytes: Int, maxQueuedBytes: Int, offset: UInt64) {
            self.queuedBytes = queuedBytes
            self.maxQueuedBytes = maxQueuedBytes
            self.offset = offset
        }
    }

    /// Takes a call; the frame is then sent under the id.  `output` is nil where no connection takes frames.
    public func call(_ request: Request, output: Output?, _ now: Instant) throws(Failure) -> UInt64 {
        guard let session, let output else { throw ClientMachine.notConnected }
        // The frame is known but for its id, which is at most 16 digits.
        let size = JSON.stringLength(request.method) + request.params.count + 64
        if let failure = session.tooBig(size) ?? ClientMachine.noRoom(size, output) { throw failure }
        let action = session.call(
            expectsFinal: request.expectsFinal, timeoutMilliseconds: request.timeoutMilliseconds,
            isLong: session.isGoClaw && request.method.elementsEqual("chat.send".utf8), userData: request.userData,
            streamOffset: output.offset, now: now)
        switch action {
        case .refused(let failure): throw failure
        case .queued(let id): return id
        }
    }

    private static func noRoom(_ size: Int, _ output: Output) -> Failure? {
        let (queued, limit) = (output.queuedBytes, output.maxQueuedBytes)
        guard size > limit || queued > limit - size else { return nil }
        guard size <= limit else {
            return Failure(.tooBig, .program, "the request has \(size) bytes, max_queued_bytes is \(limit)")
        }
        return Failure(
            .full, .program,
            "\(queued) bytes wait to be sent, \(size) more would pass max_queued_bytes (\(limit))", isRetryable: true)
    }

    public static var notConnected: Failure {
        Failure(.state, .none, "there is no connection to the gateway now", isRetryable: true)
    }

    /// The frame of a call could not be written: it was never made.
    public func withdraw(_ id: UInt64) { _ = session?.cancel(id) }

    /// A call that has ended without an answer.
    public struct EndedCall {
        public var id: UInt64
        public var userData: UInt
        public var failure: Failure
    }

    /// Ends a call for the host; nil if it has ended already.
    public func cancel(_ id: UInt64) -> EndedCall? {
        guard let call = session?.cancel(id) else { return nil }
        return EndedCall(
            id: id, userData: call.userData,
            failure: Failure(.cancelled, .none, "the call was cancelled; the gateway may still run it"))
    }

    /// Every call in flight ends: not sent if no byte of it has left the process, else unknown.
    private func endCalls(_ failure: Failure, sentOffset: UInt64) -> [EndedCall] {
        guard let session else { return [] }
        return session.end().map { id, call in
            let status: Status = call.streamOffset >= sentOffset ? .notSent : .outcomeUnknown
            let what = status == .notSent ? "the call was not sent" : "it is not known whether the call was run"
            return EndedCall(
                id: id, userData: call.userData,
                failure: Failure(status, .none, "\(what): \(failure.text)", isRetryable: status == .notSent))
        }
    }

    // MARK: - The end

    /// The host closes the client: the calls that end by it.
    public func close() -> [EndedCall] {
        // What is queued may still leave before the close frame does.
        endCalls(Failure(.cancelled, .none, "the client was closed"), sentOffset: .max)
    }

    /// What the end of an attempt or of a connection leads to.
    public struct End {
        public var calls: [EndedCall]
        public var failure: Failure
        /// The number of the connection that has ended; 0 for one that never reached its hello.
        public var connection: UInt64
        /// How long to wait before the next attempt; nil: there is none.
        public var retryMilliseconds: UInt32?
    }

    /// `sentOffset` is how many bytes of the connection's output had left the process.
    public func ended(_ failure: Failure, sentOffset: UInt64) -> End {
        let calls = endCalls(failure, sentOffset: sentOffset)
        let wasReady = session?.hello != nil
        let verdict = verdict ?? session?.verdict
        session = nil
        self.verdict = nil
        let failure = verdict?.failure ?? failure
        var end = End(calls: calls, failure: failure, connection: wasReady ? connections : 0)
        let stops = verdict?.stopsReconnecting ?? (!failure.isRetryable && !wasReady)
        guard settings.reconnects, !stops else { return end }
        end.retryMilliseconds =
            verdict?.startupDelayMilliseconds
            ?? reconnect.failed(floor: failure.retryAfterMilliseconds) { random.uniform(upTo: $0) }
        return end
    }

    /// The machine has another network: an attempt that waits may begin now.
    public func networkChanged() { reconnect.networkChanged() }

    // MARK: - Time

    /// Our side does not read at present, so silence says nothing about the gateway.
    public func readingIsHeld(_ now: Instant) { session?.readingIsHeld(now) }

    /// The connection received bytes at this time, if only a ping.
    public func heard(_ time: Instant) { session?.heard(time) }

    public var deadline: Instant { session?.deadline ?? .never }

    public enum TickAction: ~Copyable {
        case none
        /// Send this, uncompressed.
        case send(ByteBuffer)
        case ended(EndedCall)
        case close(code: UInt16, reason: StaticString, ConnectFailure)
    }

    /// To be called again until it answers none.
    public func tick(_ now: Instant) -> TickAction {
        guard let session else { return .none }
        switch session.tick(now) {
        case .none:
            return .none
        case .send(let frame):
            return .send(frame)
        case .callExpired(let id, let call):
            // A frame that is still queued cannot be taken back, so this is never a call that was not sent.
            let failure = Failure(
                .callTimeout, .none, "no answer within the call's time limit; it may have been run")
            return .ended(EndedCall(id: id, userData: call.userData, failure: failure))
        case .close(let code, let reason, let failure):
            verdict = failure
            return .close(code: code, reason: reason, failure)
        }
    }
}
