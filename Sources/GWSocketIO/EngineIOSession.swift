import GWBase
import GWJSON

/// The client's end of one Engine.IO connection (protocol 4, WebSocket alone): the open packet, the server's pings, its end.
///
/// The client never sends a ping: servers close connections for it.
public struct EngineIOSession {
    private enum State {
        case opening(until: Instant)
        /// A ping must come before `silentAt`.
        case open(EngineIOParameters, silentAt: Instant)
        case ended
    }

    private var state: State

    /// The WebSocket is open.
    public init(openMilliseconds: UInt32, now: Instant) {
        state = .opening(until: now.adding(milliseconds: openMilliseconds))
    }

    /// What the open packet said; nil before it.
    public var parameters: EngineIOParameters? {
        if case .open(let parameters, _) = state { return parameters }
        return nil
    }

    public enum Action {
        case none
        case opened(EngineIOParameters)
        /// Answer with a pong that carries the same data.
        case ping(Range<Int>)
        case message(Range<Int>)
        /// A binary message in base64.
        case base64(Range<Int>)
        case close(Failure)
    }

    /// A text message has come.
    @inline(__always)
    public mutating func receive(_ text: UnsafeRawBufferPointer, _ now: Instant) -> Action {
        guard let packet = EngineIOPacket.read(text) else {
            return end(
                Failure(
                    .sioParse, .operator, "the server sent no Engine.IO packet: \(String(printable: text, limit: 60))",
                    isRetryable: true))
        }
        guard case .open(let parameters, _) = state else { return begin(packet, text, now) }
        switch packet {
        case .message(let data):
            return .message(data)
        case .ping(let data):
            state = .open(parameters, silentAt: now.adding(milliseconds: parameters.silenceMilliseconds))
            return .ping(data)
        case .base64(let data):
            return .base64(data)
        case .pong, .upgrade, .noop:
            return .none
        case .close:
            return end(Failure(.closed, .none, "the server sent a close packet", isRetryable: true))
        case .open:
            return end(Failure(.sioParse, .operator, "the server sent a second open packet", isRetryable: true))
        }
    }

    /// A binary message has come; nil: it is a message.
    public mutating func receiveBinary() -> Failure? {
        if case .open = state { return nil }
        state = .ended
        return EngineIOSession.notOpen("a binary message")
    }

    @inline(never)
    private mutating func begin(
        _ packet: EngineIOPacket, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> Action {
        guard case .opening = state else { return .none }
        guard case .open(let data) = packet else {
            return end(EngineIOSession.notOpen(String(printable: text, limit: 60)))
        }
        guard let parameters = EngineIOParameters(UnsafeRawBufferPointer(rebasing: text[data])) else {
            return end(
                Failure(
                    .sioOpen, .operator,
                    "the server's open packet has no sid, or no pingInterval and pingTimeout above 0", isRetryable: true
                ))
        }
        state = .open(parameters, silentAt: now.adding(milliseconds: parameters.silenceMilliseconds))
        return .opened(parameters)
    }

    private mutating func end(_ failure: Failure) -> Action {
        state = .ended
        return .close(failure)
    }

    private static func notOpen(_ what: String) -> Failure {
        Failure(.sioOpen, .operator, "the first message must be an open packet, it was \(what)", isRetryable: true)
    }

    // MARK: - Time

    public var deadline: Instant {
        switch state {
        case .opening(let until): until
        case .open(_, let silentAt): silentAt
        case .ended: .never
        }
    }

    /// Why the connection is over, once it is.
    public mutating func tick(_ now: Instant) -> Failure? {
        guard deadline <= now else { return nil }
        defer { state = .ended }
        guard let parameters else {
            return Failure(.helloTimeout, .network, "the server sent no open packet in time", isRetryable: true)
        }
        return Failure(
            .sioPingTimeout, .network,
            "no ping of the server's within \(parameters.silenceMilliseconds) ms (pingInterval + pingTimeout)",
            isRetryable: true)
    }

    /// Our side does not read at present, so silence says nothing about the server.
    public mutating func readingIsHeld(_ now: Instant) {
        guard case .open(let parameters, _) = state else { return }
        state = .open(parameters, silentAt: now.adding(milliseconds: parameters.silenceMilliseconds))
    }
}

/// What the server's open packet says.  Its sid is the secret of the connection and is not kept.
public struct EngineIOParameters: Equatable {
    public let pingIntervalMilliseconds: UInt32
    public let pingTimeoutMilliseconds: UInt32
    /// Largest message that the server takes, 0 where it does not say.
    public let maxPayloadBytes: UInt64

    /// Nil where the text does not say what it must.
    public init?(_ json: UnsafeRawBufferPointer) {
        var members = JSONMembers()
        guard let object = JSON.scan(json, &members), object.isObject,
            let sid = members.find("sid", in: json), let text = JSON.string(sid, in: json), !text.isEmpty,
            let interval = EngineIOParameters.positive(members.find("pingInterval", in: json), in: json),
            let timeout = EngineIOParameters.positive(members.find("pingTimeout", in: json), in: json)
        else { return nil }
        pingIntervalMilliseconds = UInt32(clamping: interval)
        pingTimeoutMilliseconds = UInt32(clamping: timeout)
        maxPayloadBytes = EngineIOParameters.positive(members.find("maxPayload", in: json), in: json) ?? 0
    }

    private static func positive(_ value: JSONSlice?, in json: UnsafeRawBufferPointer) -> UInt64? {
        guard let value, let number = JSON.integer(value, in: json), number > 0 else { return nil }
        return UInt64(number)
    }

    /// How long the server may be silent.
    public var silenceMilliseconds: UInt32 {
        let sum = UInt64(pingIntervalMilliseconds) + UInt64(pingTimeoutMilliseconds)
        // The largest number would mean no limit.
        return UInt32(clamping: min(sum, UInt64(UInt32.max - 1)))
    }
}
