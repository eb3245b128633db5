import GWBase
import GWJSON

/// All that one Socket.IO client keeps over its connections, and everything that it decides: which namespaces are joined, what
/// waits for that, which acknowledgements are waited for, when to try again.
///
/// Bytes, ends of connections and the time come in; each input returns the first thing that is to be done, and `next` the others.
/// Receiving is in `SocketIOMachine+Receiving.swift`, namespaces in `SocketIOMachine+Namespaces.swift`, sending in
/// `SocketIOMachine+Sending.swift`.
public final class SocketIOMachine {
    public struct Settings {
        public var reconnects = true
        public var reconnectInitialMilliseconds = Limits.reconnectInitialMilliseconds
        public var reconnectMaximumMilliseconds = Limits.sioReconnectMaximumMilliseconds
        public var reconnectJitter = 0.5
        /// Attempts in a row before the client gives up; 0: it never does.
        public var maxAttempts: UInt32 = 0
        /// For the open packet.
        public var openMilliseconds = Limits.sioOpenMilliseconds
        /// For the answer to a connect packet.
        public var joinMilliseconds = Limits.sioOpenMilliseconds
        /// For the host to give an auth object.
        public var authMilliseconds = Limits.sioAuthMilliseconds
        /// For acknowledgements without a limit of their own.
        public var ackMilliseconds = Limits.callMilliseconds
        public var maxNamespaces = Limits.sioNamespaces
        public var maxAcks = Limits.calls
        public var maxAttachments = Limits.sioAttachments
        /// Of one packet that comes, text and attachments together.
        public var maxPacketBytes = Limits.messageBytes
        public var maxBufferedPackets = Limits.sioBufferedPackets
        public var maxBufferedBytes = Limits.sioBufferedBytes
        /// Nil for what is no base64 (RFC 4648).
        public var decodeBase64: (UnsafeRawBufferPointer) -> [UInt8]? = { _ in nil }
        public init() {}
    }

    /// A packet whose attachments are coming.
    struct Assembly {
        var stored: StoredPacket
        var until: Instant
    }

    /// An event of the server's that waits for an acknowledgement of the host's.
    struct OwedAck {
        var namespace: UInt64
        var wireID: UInt64
    }

    /// A namespace that was left before the server had answered its connect packet.  Only after the answer can it be told, or asked again:
    /// servers close connections for anything else.
    struct Abandoned {
        var name: [UInt8]
        var until: Instant
    }

    /// What the end of this connection means, where it was decided here.
    private struct Verdict {
        var failure: Failure
        var reason: DisconnectReason
    }

    let settings: Settings
    private let random: RandomPool
    private var backoff: Backoff
    /// Of the present connection.
    var session: EngineIOSession?
    /// The server's open packet has come on it.
    public private(set) var isOpen = false
    private var verdict: Verdict?
    var assembly: Assembly?
    /// In the order in which the host asked for them.
    var namespaces: [Namespace] = []
    var abandoned: [Abandoned] = []
    private var lastNamespace: UInt64 = 0
    private var lastQuestion: UInt64 = 0
    var acks = PendingAcks()
    var owed = SlotTable<OwedAck>()
    /// What is still to be done, in order.
    private var steps: [Action] = []
    private var nextStep = 0
    /// The beginning of the packet that is being sent.
    public internal(set) var head = ByteBuffer()
    /// How many open packets there were; the number of the present connection.
    public private(set) var connections: UInt64 = 0

    public init(settings: Settings, random: RandomPool) {
        self.settings = settings
        self.random = random
        backoff = Backoff(
            initialMilliseconds: settings.reconnectInitialMilliseconds,
            maximumMilliseconds: settings.reconnectMaximumMilliseconds, jitter: settings.reconnectJitter)
    }

    // MARK: - State

    /// No namespace is wanted, so no connection is either.
    public var isIdle: Bool { namespaces.isEmpty }

    public var acksInFlight: Int { acks.count }

    /// Failed attempts since a namespace was last joined.
    public var attempts: UInt64 { backoff.attempts }

    // MARK: - What is to be done

    public enum Action {
        case none
        case opened(EngineIOParameters)
        /// Send this, text and attachments with nothing between.
        case send(OutgoingPacket)
        /// The host is to give an auth object.
        case ask(question: UInt64, NamespaceReport)
        case joined(NamespaceReport, sid: [UInt8], isRecovered: Bool)
        /// It lies in the message that was given.
        case received(Received)
        /// It lies in the memory of the packet.
        case delivered(Received, StoredPacket)
        /// The host waits for this acknowledgement no longer.
        case ended(EndedAck)
        /// It will be joined again.
        case disconnected(NamespaceReport, DisconnectReason, Failure)
        /// It is over; what the server says beside its message is the failure's detail.
        case left(NamespaceReport, DisconnectReason?, Failure)
        case warn(Failure)
        /// Send a close frame with this code and reason; the connection ends for this cause.
        case close(code: UInt16, reason: StaticString, Failure)
    }

    public struct NamespaceReport {
        public var id: UInt64
        public var userData: UInt
    }

    /// An acknowledgement that does not come.
    public struct EndedAck {
        public var id: UInt64
        public var namespace: UInt64
        public var userData: UInt
        public var failure: Failure
    }

    func add(_ step: Action) { steps.append(step) }

    /// What else there is to do: to be called after every input until it answers none.
    public func next() -> Action {
        guard nextStep < steps.count else {
            if nextStep > 0 {
                steps.removeAll(keepingCapacity: true)
                nextStep = 0
            }
            return .none
        }
        nextStep += 1
        return steps[nextStep - 1]
    }

    // MARK: - Connections

    /// The WebSocket of a new connection is open.
    public func opened(_ now: Instant) {
        session = EngineIOSession(openMilliseconds: settings.openMilliseconds, now: now)
        verdict = nil
    }

    /// The server's open packet has come: every namespace is joined.
    func begin(_ parameters: EngineIOParameters, _ now: Instant) {
        isOpen = true
        connections += 1
        add(.opened(parameters))
        for namespace in namespaces { join(namespace, now) }
    }

    /// A namespace is joined.
    func succeeded() { backoff.succeeded() }

    /// Ends the connection; what was to be done before that still is.
    func close(_ code: UInt16, _ reason: DisconnectReason, _ failure: Failure) {
        guard verdict == nil, session != nil else { return }
        verdict = Verdict(failure: failure, reason: reason)
        assembly = nil
        add(.close(code: code, reason: reason.text, failure))
    }

    /// Whether the end of the connection is decided: what still comes is ignored.
    var isEnding: Bool { verdict != nil }

    /// What the end of an attempt or of a connection leads to.
    public enum End {
        /// Wait this long, then try again.
        case retry(milliseconds: UInt32, Failure)
        /// Wait for the next namespace.
        case rest(Failure)
        case stop(Failure)
    }

    /// An attempt or a connection has ended; `sentOffset` is how many bytes of its output had left the process.  `next` then tells
    /// what ended with it.
    public func ended(_ failure: Failure, sentOffset: UInt64) -> End {
        let wasOpen = isOpen
        var failure = verdict?.failure ?? failure
        let reason = verdict?.reason ?? DisconnectReason(failure)
        if session != nil, !wasOpen, failure.status == .protocolError || failure.status == .closed {
            failure.text =
                "the server does not speak Engine.IO 4, or closed before its open packet: \(failure.text)"
            failure.isRetryable = true
        }
        session = nil
        isOpen = false
        verdict = nil
        assembly = nil
        abandoned = []
        for namespace in namespaces {
            endAcks(of: namespace, failure, sentOffset: sentOffset, keepsBuffered: true)
            let wasJoined = namespace.isJoined
            namespace.disconnected()
            if wasJoined { add(.disconnected(namespace.report, reason, failure)) }
        }
        guard !namespaces.isEmpty else { return settings.reconnects ? .rest(failure) : .stop(failure) }
        let isRefusal = failure.status == .upgradeRefused || failure.status == .upgradeInvalid
        let isExhausted = settings.maxAttempts > 0 && backoff.attempts >= UInt64(settings.maxAttempts)
        guard settings.reconnects, wasOpen || failure.isRetryable || isRefusal, !isExhausted else {
            endAll(nil, failure, sentOffset: sentOffset)
            return .stop(failure)
        }
        let random = Double(random.nextUInt32()) / 4_294_967_296
        let delay = backoff.failed(random: random)
        return .retry(milliseconds: max(delay, failure.retryAfterMilliseconds), failure)
    }

    /// The host closes the client: its namespaces are left.
    public func close() {
        for namespace in namespaces where namespace.isJoined && !isEnding {
            add(.send(disconnectPacket(namespace.name)))
        }
        endAll(.clientDisconnect, Failure(.ok, .none, "the client was closed"), sentOffset: .max)
    }

    /// The machine has another network: an attempt that waits may begin now.
    public func networkChanged() { backoff.networkChanged() }

    // MARK: - Ids

    func nextNamespaceID() -> UInt64 {
        lastNamespace += 1
        return lastNamespace
    }

    func nextQuestionID() -> UInt64 {
        lastQuestion += 1
        return lastQuestion
    }

    // MARK: - Time

    public var deadline: Instant {
        var earliest = min(acks.nextDeadline, session?.deadline ?? .never, assembly?.until ?? .never)
        for namespace in namespaces { earliest = min(earliest, namespace.deadline) }
        for namespace in abandoned { earliest = min(earliest, namespace.until) }
        return earliest
    }

    /// Our side does not read at present, so silence says nothing about the server.
    public func readingIsHeld(_ now: Instant) {
        session?.readingIsHeld(now)
        if assembly != nil { assembly?.until = attachmentDeadline(now) }
        for namespace in namespaces {
            if case .joining = namespace.state {
                namespace.state = .joining(until: now.adding(milliseconds: settings.joinMilliseconds))
            }
        }
        for place in abandoned.indices { abandoned[place].until = now.adding(milliseconds: settings.joinMilliseconds) }
    }

    func attachmentDeadline(_ now: Instant) -> Instant {
        now.adding(milliseconds: session?.parameters?.silenceMilliseconds ?? settings.openMilliseconds)
    }

    /// What is due; `next` then tells.
    public func tick(_ now: Instant) {
        while let id = acks.popExpired(now) { expire(id) }
        for namespace in namespaces where namespace.deadline <= now { expire(namespace) }
        for namespace in abandoned where namespace.until <= now { joinExpired(namespace.name) }
        guard !isEnding else { return }
        if let assembly, assembly.until <= now {
            close(
                1002, .parseError,
                Failure(
                    .sioParse, .operator, "\(assembly.stored.missing) attachments of a packet did not come in time",
                    isRetryable: true))
        } else if let failure = session?.tick(now) {
            close(4000, failure.status == .sioPingTimeout ? .pingTimeout : .transportError, failure)
        }
    }
}
