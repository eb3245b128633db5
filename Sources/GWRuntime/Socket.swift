import GWBase
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// What a raw WebSocket may use and does by itself.
public struct SocketSettings {
    public var webSocket = WebSocketSettings()
    /// Of the peer's HTTP head.
    public var head = HeadLimits()
    public var maxQueuedBytes = Int(Limits.socketQueuedBytes)
    public var highWaterBytes = Int(Limits.socketQueuedBytes / 4)
    public var lowWaterBytes = Int(Limits.socketQueuedBytes / 16)
    /// Received, but not collected by the host.
    public var maxUnreadBytes = Int(Limits.socketUnreadBytes)
    /// Received a second; 0: no limit.
    public var maxMessagesPerSecond: UInt32 = 0
    public var userData: UInt = 0
    public init() {}
}

/// One raw WebSocket of either role: messages in and out as events, one end.  How it comes to be open, by dialing or by being
/// accepted, stands in files of their own.
public final class Socket: Source {
    enum Phase {
        case dialing(Dial)
        case accepting(Upgrade)
        case open
        case closing
        case ended
    }

    let settings: SocketSettings
    /// What its events name: the socket itself, or a listener and the socket as its connection.
    let listener: Listener?
    private var source: UInt64 = 0
    var phase: Phase
    var channel: Channel?
    private var owesWritable = false
    private var isClosedByHost = false
    /// The checker of a text message that is being sent in parts, and what kind of message that is.
    private var parts: (kind: MessageKind, validator: UTF8Validator)?
    private var second: UInt64 = 0
    private var messagesThisSecond: UInt32 = 0
    /// Bytes received into the batch with this number.
    private var unread: (batch: UInt64, bytes: Int) = (0, 0)
    private(set) var wasOpen = false
    var timings = DialTimings()
    /// The state at the end.
    private var last: SocketState?

    init(context: Context, settings: SocketSettings, listener: Listener?) {
        self.settings = settings
        self.listener = listener
        phase = .ended
        super.init(context: context)
        start()
        source = listener?.id ?? id
    }

    @inline(__always)
    func event(_ type: EventType) -> Event {
        var event = Event(type, source: source, userData: settings.userData)
        if listener != nil { event.connection = id }
        return event
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .open, .closing: channel?.webSocket?.deadline ?? .never
        case .accepting(let upgrade): upgrade.deadline
        case .dialing, .ended: .never
        }
    }

    override func tick(_ now: Instant) {
        switch phase {
        case .open, .closing: channel?.tickWebSocket(now)
        case .accepting(let upgrade): if upgrade.deadline <= now { upgradeTimedOut(now) }
        case .dialing, .ended: break
        }
    }

    override func networkChanged(_ now: Instant) {
        if case .dialing(let dial) = phase, dial.isReplaceable { phase = .dialing(dial.replace()) }
    }

    // MARK: - Sending

    public enum Compression {
        case never
        case fromThreshold
        case always
    }

    public enum Kind {
        case text
        case binary

        fileprivate var message: MessageKind { self == .text ? .text : .binary }
    }

    /// Queues a message or a part of one; whether the queue is above its high mark now.
    public func send(
        _ kind: Kind, _ bytes: UnsafeRawBufferPointer, isPart: Bool, _ compression: Compression
    ) throws(Failure) -> Bool {
        guard case .open = phase, let channel, channel.isOpen, let webSocket = channel.webSocket, webSocket.isOpen
        else { throw notOpen }
        try checkRoom(bytes.count, channel.queuedBytes, webSocket)
        let kind = kind.message
        if isPart || parts != nil {
            try sendPart(kind, bytes, isLast: !isPart, compress: compression != .never, webSocket)
        } else {
            guard kind != .text || UTF8Validator.isValid(bytes) else { throw notUTF8 }
            if let failure = webSocket.send(
                kind, bytes, compress: compression != .never, belowThreshold: compression == .always)
            {
                throw failure
            }
        }
        channel.queueSend()
        guard channel.queuedBytes > settings.highWaterBytes else { return false }
        owesWritable = true
        return true
    }

    private func sendPart(
        _ kind: MessageKind, _ bytes: UnsafeRawBufferPointer, isLast: Bool, compress: Bool,
        _ webSocket: WebSocketConnection
    ) throws(Failure) {
        if let parts, parts.kind != kind {
            throw Failure(.state, .program, "a message of the other kind is being sent in parts")
        }
        let validator = try checkText(kind, bytes, isLast: isLast)
        if parts == nil, let failure = webSocket.beginFragments(kind, compress: compress) { throw failure }
        if let failure = webSocket.appendFragment(bytes, isFinal: isLast) { throw failure }
        parts = isLast ? nil : (kind, validator)
    }

    private var notOpen: Failure { Failure(.state, .none, "the connection is not open") }

    private func checkRoom(_ size: Int, _ queued: Int, _ webSocket: WebSocketConnection) throws(Failure) {
        guard size <= settings.maxQueuedBytes else {
            throw .tooBig("the message", size, "max_queued_bytes is", settings.maxQueuedBytes)
        }
        guard queued <= settings.maxQueuedBytes - size else {
            throw .wouldPass(
                .full, held: queued, "bytes wait to be sent", more: size, "max_queued_bytes", settings.maxQueuedBytes)
        }
        let held = webSocket.heldBytes
        let limit = settings.webSocket.maxMemoryBytes
        guard size <= limit, held <= limit - size else {
            throw .wouldPass(
                .full, held: held, "bytes are held for the connection", more: size, "max_memory_bytes", limit)
        }
    }

    private func checkText(
        _ kind: MessageKind, _ bytes: UnsafeRawBufferPointer, isLast: Bool
    ) throws(Failure) -> UTF8Validator {
        var validator = parts?.validator ?? UTF8Validator()
        guard kind == .text else { return validator }
        guard validator.check(bytes), !isLast || validator.isComplete else { throw notUTF8 }
        return validator
    }

    private var notUTF8: Failure { Failure(.utf8, .program, "the text is not UTF-8; send other bytes as binary") }

    public func ping(_ payload: [UInt8]) throws(Failure) {
        guard case .open = phase, let channel, let webSocket = channel.webSocket, webSocket.isOpen else {
            throw notOpen
        }
        if let failure = webSocket.sendPing(payload) { throw failure }
        channel.queueSend()
    }

    /// Reads nothing more for now; what was read before still comes.
    public func pause() throws(Failure) {
        guard case .open = phase, let channel else { throw notOpen }
        channel.pause()
    }

    public func resume() throws(Failure) {
        guard case .open = phase, let channel else { throw notOpen }
        channel.resume()
    }

    /// Closes politely; whether it was still open.
    public func close(code: UInt16, reason: [UInt8]) -> Bool {
        let now = Syscall.now()
        isClosedByHost = true
        switch phase {
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return false }
            phase = .closing
            // The peer's close frame must be seen.
            channel.resume()
            if let refused = webSocket.sendClose(code, reason, now) {
                channel.end(refused, now)
                return true
            }
            channel.queueSend()
            reschedule()
            return true
        case .dialing(let dial):
            dial.cancel()
            ended(Failure(.cancelled, .none, "closed by the host before it was open"))
            return true
        case .accepting(let upgrade):
            guard let channel else { return false }
            let text = "closed by the host before it was open"
            upgrade.abandon(channel, status: 503, Failure(.cancelled, .none, text, code: 503), now)
            return true
        case .closing, .ended:
            return false
        }
    }

    /// Ends the connection without a close frame; whether it had not ended yet.
    public func abort() -> Bool {
        switch phase {
        case .dialing(let dial): dial.cancel()
        case .accepting, .open, .closing: channel?.drop()
        case .ended: return false
        }
        ended(Failure(.cancelled, .none, "ended by the host at once", code: UInt32(CloseCode.abnormal)))
        return true
    }

    // MARK: - Events

    func opened(_ channel: Channel, subprotocol: [UInt8]?, detail: [UInt8]) {
        self.channel = channel
        phase = .open
        wasOpen = true
        listener?.socketOpened()
        var event = event(.socketOpen)
        event.name = context.arena.copy(subprotocol ?? [])
        event.payload = context.arena.copy(detail)
        event.code = 101
        context.emit(event)
        reschedule()
    }

    func ended(_ failure: Failure, flags: UInt32 = 0) {
        if case .ended = phase { return }
        phase = .ended
        last = SocketState(phase: phaseNumber, currentTimings, channel)
        last?.queuedBytes = 0
        last?.memoryBytes = 0
        channel = nil
        var event = event(.socketClosed)
        event.explain(failure, context.arena)
        event.flags |= flags
        context.emit(event)
        let ended = id
        finish()
        listener?.socketEnded(ended, self)
    }

    private func isAboveRate(_ now: Instant) -> Bool {
        guard settings.maxMessagesPerSecond > 0 else { return false }
        let present = now.microseconds / 1_000_000
        if present != second {
            second = present
            messagesThisSecond = 0
        }
        messagesThisSecond &+= 1
        return messagesThisSecond > settings.maxMessagesPerSecond
    }

    // MARK: - State

    /// What TLS agreed on; nil without it.
    public var agreement: TLSAgreement? { channel?.agreement }

    private var currentTimings: DialTimings {
        if case .dialing(let dial) = phase { return dial.timings }
        return timings
    }

    /// The present state, or the last one.
    public var state: SocketState { last ?? SocketState(phase: phaseNumber, currentTimings, channel) }

    /// `GW_PHASE_*`.
    private var phaseNumber: UInt32 {
        switch phase {
        case .dialing(let dial): dial.phaseNumber
        case .accepting: 4
        case .open: 7
        case .closing: 8
        case .ended: 9
        }
    }
}

extension Socket: ChannelOwner {
    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        switch input {
        case .message(let kind, let payload):
            guard !isAboveRate(now) else { return closeForRate(channel, now) }
            report(kind, payload, flags: 0, channel)
        case .part(let kind, let payload):
            report(kind, payload, flags: Event.part, channel)
        case .ping(let payload):
            report(.socketPing, payload)
        case .pong(let payload):
            report(.socketPong, payload)
        case .needMore, .closed, .failed:
            break
        }
    }

    @inline(__always)
    private func report(
        _ kind: MessageKind, _ payload: UnsafeRawBufferPointer, flags: UInt32, _ channel: Channel
    ) {
        // Written where it stays, and with short looks at the context, for which no reference is counted.
        let place = withContext { $0.events.place() }
        place.initialize(to: event(.socketMessage))
        place.pointee.payload = payload
        place.pointee.code = kind == .text ? 1 : 2
        place.pointee.flags = flags
        let batch = withContext { $0.events.number }
        unread = (batch, batch == unread.batch ? unread.bytes &+ payload.count : payload.count)
        if unread.bytes > settings.maxUnreadBytes { context.holdReading(channel) }
    }

    private func report(_ type: EventType, _ payload: UnsafeRawBufferPointer) {
        var event = event(type)
        event.payload = context.arena.copy(payload)
        emit(event)
    }

    private func closeForRate(_ channel: Channel, _ now: Instant) {
        guard case .open = phase else { return }
        phase = .closing
        _ = channel.webSocket?.sendClose(1008, "too many messages".bytes, now)
        channel.end(
            Failure(
                .limit, .user, "the peer sent more than \(settings.maxMessagesPerSecond) messages in a second",
                code: 1008),
            now)
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        guard let summary = channel.webSocket?.closeSummary else { return ended(failure) }
        var told = failure
        if isClosedByHost, summary.isClean {
            told = Failure(.ok, .none, "closed", code: UInt32(summary.code))
        }
        told.name = summary.reason
        ended(told, flags: (summary.isClean ? Event.clean : 0) | (summary.first == .peer ? Event.peerFirst : 0))
    }

    func channelDidSend(_ channel: Channel) {
        guard owesWritable, channel.queuedBytes <= settings.lowWaterBytes else { return }
        owesWritable = false
        context.emit(event(.socketWritable))
    }
}
