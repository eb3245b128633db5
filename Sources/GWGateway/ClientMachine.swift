import GWBase
import GWJSON

/// All that one gateway client keeps over its connections, and everything that it decides: which calls are in flight and how
/// they end, what a connection begins with, when to try again, when to give up.
///
/// Bytes, ends of connections and the time come in; each input returns what is to be sent and told.
public final class ClientMachine {
    /// Calls made without a connection are kept for one.
    public struct OfflineSettings {
        public var maxCalls = Limits.offlineCalls
        public var maxBytes = Limits.offlineBytes
        public var milliseconds = Limits.offlineMilliseconds
        public init() {}
    }

    /// What happens to events while the host catches up.
    public struct ResyncSettings {
        public var holds = false
        public var timeoutMilliseconds = Limits.resyncMilliseconds
        public var maxHeldBytes = Limits.resyncHeldBytes
        public init() {}
    }

    public struct Settings {
        public var session = ClientSession.Settings()
        public var signer: (any DeviceSigner)?
        public var credentials = Credentials()
        /// The host is asked for credentials at each attempt.
        public var asksForCredentials = false
        /// Where issued device tokens are kept; nil: in memory.
        public var deviceTokens: (any DeviceTokenKeeper)?
        public var reconnects = true
        /// Where somebody must act first, the client waits for the host instead of ending.
        public var pauses = false
        public var reconnectInitialMilliseconds = Limits.reconnectInitialMilliseconds
        public var reconnectMaximumMilliseconds = Limits.reconnectMaximumMilliseconds
        /// nil: calls without a connection are refused.
        public var offline: OfflineSettings?
        public var resync = ResyncSettings()
        public var sync: [SyncCall] = []
        /// Answers are timed, for so many methods; 0: not at all.
        public var measuredMethods: UInt32 = 0
        public init() {}

        /// For one client.
        public func makeAuthentication() -> ClientAuthentication {
            ClientAuthentication(
                credentials, keeper: signer.map { deviceTokens ?? DeviceTokenMemory(deviceID: $0.deviceID) },
                role: session.connect.role, scopes: session.connect.scopes, asks: asksForCredentials,
                slowMilliseconds: reconnectMaximumMilliseconds)
        }
    }

    let settings: Settings
    let random: RandomPool
    private let authentication: ClientAuthentication
    private var reconnect: Reconnect
    /// Over all connections, so that the id of a call is never given out again.
    let calls = PendingCalls()
    var offline: OfflineQueue
    var subscriptions = Subscriptions()
    var sync: InitialSync
    var barrier: ResyncBarrier
    /// The beginning of the frame that is to be sent, or all of it.
    var frame = ByteBuffer()
    /// The time is then to be exact.
    public let measuresMethods: Bool
    /// Of the present connection.
    var session: ClientSession?
    /// Set where the session has decided what the end of this connection means.
    private var verdict: ConnectFailure?
    /// How many hellos there were; the number of the present connection once it is ready.
    public private(set) var connections: UInt64 = 0
    /// Of the last event that the host has, on whichever connection it came.
    var lastSequence: UInt64?
    /// The protocol of the last hello, 0 before the first.
    public private(set) var protocolVersion: UInt32 = 0
    /// A connection was closed without a word before its hello, which is forgiven once.
    private var hasForgiven = false
    /// The host has closed the client.
    public private(set) var isClosing = false

    public init(settings: Settings, random: RandomPool) {
        self.settings = settings
        self.random = random
        authentication = settings.makeAuthentication()
        reconnect = Reconnect(
            initialMilliseconds: settings.reconnectInitialMilliseconds,
            maximumMilliseconds: settings.reconnectMaximumMilliseconds)
        offline = OfflineQueue(settings.offline ?? OfflineSettings())
        sync = InitialSync(settings.sync)
        barrier = ResyncBarrier(settings.resync)
        measuresMethods = settings.measuredMethods > 0
        if measuresMethods { calls.latency = MethodLatency(limit: settings.measuredMethods) }
    }

    // MARK: - State

    public var hello: Hello? { session?.hello }

    /// Calls can be made.
    public var isReady: Bool { session?.isReady ?? false }

    public var isAwaitingChallenge: Bool { session?.isAwaitingChallenge ?? false }

    public var callsInFlight: Int { calls.count - offline.count }

    /// Calls that wait for a connection.
    public var callsKept: Int { offline.count }

    /// How long answers took; empty where they are not timed.
    public var latencies: [MethodLatency.Entry] { calls.latency?.entries ?? [] }

    /// Failed attempts since the last hello.
    public var attempts: UInt64 { reconnect.attempts }

    // MARK: - Messages

    /// The WebSocket of a new connection is open.
    ///
    /// `isTrusted`: the gateway is this machine, or known by its pin.
    public func opened(_ now: Instant, wallMilliseconds: UInt64, isTrusted: Bool = false) -> ClientSession.MessageAction
    {
        authentication.isTrustedEndpoint = isTrusted
        let session = ClientSession(
            settings: settings.session, signer: settings.signer, authentication: authentication, calls: calls, now: now)
        self.session = session
        return note(session.opened(now: now, wallMilliseconds: wallMilliseconds), wallMilliseconds)
    }

    /// The host has answered a question for credentials; nil: it has none.  None if nobody waits for the answer any more.
    public func answer(
        _ question: UInt64, _ credentials: Credentials?, _ now: Instant, wallMilliseconds: UInt64
    ) -> ClientSession.MessageAction {
        guard let session else { return .none }
        if let credentials { authentication.replace(credentials) }
        return note(
            session.answered(question, isGiven: credentials != nil, now: now, wallMilliseconds: wallMilliseconds),
            wallMilliseconds)
    }

    /// `wallMilliseconds` is looked at only until the hello.
    @inline(__always)
    public func receive(
        _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> ClientSession.MessageAction {
        guard let session else { return .none }
        guard session.isReady else {
            return note(session.receive(text, now: now, wallMilliseconds: wallMilliseconds), wallMilliseconds)
        }
        return session.receive(text, now: now, wallMilliseconds: wallMilliseconds)
    }

    private func note(
        _ action: consuming ClientSession.MessageAction, _ wallMilliseconds: UInt64
    ) -> ClientSession.MessageAction {
        switch consume action {
        case .connected(let hello, let warning):
            connections += 1
            protocolVersion = hello.protocolVersion
            reconnect.succeeded()
            hasForgiven = false
            sync.begin()
            let problem = authentication.accepted(hello, wallMilliseconds: wallMilliseconds)
            return .connected(hello, warning: problem ?? warning)
        case .close(let code, let reason, let failure):
            verdict = failure
            return .close(code: code, reason: reason, failure)
        case let other:
            return other
        }
    }

    // MARK: - The end

    /// The host closes the client: the calls that end by it.
    public func close() -> [EndedCall] {
        isClosing = true
        let failure = Failure(.cancelled, .none, "the client was closed")
        // What is queued may still leave before the close frame does.
        return endCalls(failure, sentOffset: .max) + endKeptCalls(failure)
    }

    /// What the end of an attempt or of a connection leads to.
    public struct End {
        public var calls: [EndedCall]
        public var failure: Failure
        /// The number of the connection that has ended; 0 for one that never reached its hello.
        public var connection: UInt64
        /// How long to wait before the next attempt; nil: there is none.
        public var retryMilliseconds: UInt32?
        /// The next attempt waits for the host.
        public var isPaused = false
    }

    /// `sentOffset` is how many bytes of the connection's output had left the process.
    public func ended(_ failure: Failure, sentOffset: UInt64) -> End {
        var failure = verdict?.failure ?? failure
        let session = session
        let wasReady = session?.hello != nil
        var end = End(
            calls: endCalls(failure, sentOffset: sentOffset), failure: failure, connection: wasReady ? connections : 0)
        if !barrier.isUp, let last = session?.lastSequence { lastSequence = last }
        subscriptions.connectionEnded()
        sync.connectionEnded()
        barrier.connectionEnded()
        self.session = nil

        var recovery = Recovery.stop
        if var verdict {
            self.verdict = nil
            recovery = authentication.refused(&verdict)
            failure = verdict.failure
        } else {
            authentication.lost(&failure)
            if failure.isRetryable || wasReady {
                recovery = .retry(floorMilliseconds: failure.retryAfterMilliseconds)
            }
        }
        if let hint = CloseHint.text(failure) { failure.text += "; \(hint)" }
        let isForgiven = !wasReady && !hasForgiven && session != nil && CloseHint.isTimedOutHandshake(failure)
        if isForgiven { hasForgiven = true }
        end.failure = failure
        if isForgiven {
            recovery = .retryAfter(milliseconds: random.uniform(upTo: settings.reconnectInitialMilliseconds))
        }
        if settings.reconnects {
            end.retryMilliseconds = delay(before: recovery, restart: session?.restartMilliseconds ?? 0)
            end.isPaused = recovery == .pause && settings.pauses
        }
        if end.retryMilliseconds == nil, !end.isPaused { end.calls += endKeptCalls(failure) }
        return end
    }

    /// How long to wait before the next attempt; nil if there is none by itself.  `restart`: the time that the gateway has asked for
    /// to start again.
    private func delay(before recovery: Recovery, restart: UInt32) -> UInt32? {
        var floor: UInt32 = 0
        switch recovery {
        case .retry(let floorMilliseconds): floor = max(floorMilliseconds, restart)
        case .retryWithStoredToken: reconnect.retrySoon()
        case .retryAfter(let milliseconds): return milliseconds
        case .pause, .stop: return nil
        }
        return reconnect.failed(floor: floor) { random.uniform(upTo: $0) }
    }

    /// The host lets a client that waits or is paused try anew.
    public func resume() {
        authentication.restart()
        reconnect.networkChanged()
    }

    /// Takes effect with the next attempt.
    public func replace(_ credentials: Credentials) { authentication.replace(credentials) }

    /// The machine has another network: an attempt that waits may begin now.
    public func networkChanged() { reconnect.networkChanged() }

    // MARK: - Time

    /// Our side does not read at present, so silence says nothing about the gateway.
    public func readingIsHeld(_ now: Instant) { session?.readingIsHeld(now) }

    public var deadline: Instant {
        guard let session else { return calls.nextDeadline }
        guard session.isReady else { return min(session.deadline, calls.nextDeadline) }
        return min(session.deadline, barrier.deadline)
    }

    public enum TickAction {
        case none
        case ended(EndedCall)
        case began(BeginAction)
        /// The barrier is down: `nextHeld` gives what was held.
        case release(Failure)
        case close(code: UInt16, reason: StaticString, ConnectFailure)
    }

    /// To be called again until it answers none.
    public func tick(_ now: Instant) -> TickAction {
        if let failure = barrier.tick(now) { return .release(failure) }
        guard let session, session.isReady else {
            // Only calls that wait for a connection can be there.
            if let (id, call) = calls.popExpired(now) { return .ended(expire(id, call)) }
            return tickSession(now)
        }
        return tickSession(now)
    }

    private func tickSession(_ now: Instant) -> TickAction {
        guard let session else { return .none }
        switch session.tick(now) {
        case .none:
            return .none
        case .callExpired(let id, let call):
            guard call.purpose == .host else { return .began(fail(call, callTimedOut)) }
            return .ended(expire(id, call))
        case .close(let code, let reason, let failure):
            verdict = failure
            return .close(code: code, reason: reason, failure)
        }
    }
}
