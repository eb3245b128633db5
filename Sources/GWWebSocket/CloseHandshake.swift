import GWBase

/// How the closing handshake went.
public struct CloseSummary: Equatable, Sendable {
    public enum Side: Sendable {
        /// The connection ended without a close frame.
        case nobody
        case local
        case peer
    }

    /// The code of our close frame; nil if none was sent, or one without a code.
    public var sentCode: UInt16?
    /// The code of the peer's; nil likewise.
    public var receivedCode: UInt16?
    public var reason: [UInt8] = []
    /// Whose close frame was the first.
    public var first = Side.nobody
    public var hasSent = false
    public var hasReceived = false
    /// How long the peer had for its answer, if it gave none in that time.
    public var unansweredMilliseconds: UInt32?

    /// Both close frames were seen (RFC 6455 section 7.1.4).
    public var isClean: Bool { hasSent && hasReceived }

    /// The code to report (section 7.1.5): the peer's, 1005 if its close frame had none, 1006 if there was no frame.
    public var code: UInt16 { receivedCode ?? (hasReceived ? CloseCode.noStatus : CloseCode.abnormal) }

    /// The same as the reason why a connection ended.
    public var failure: Failure {
        guard hasReceived else {
            var text = "the connection ended without a close frame"
            if let limit = unansweredMilliseconds {
                text = "the peer did not answer the close frame within \(limit) ms"
            }
            return Failure(.lost, .network, text, isRetryable: true, code: UInt32(CloseCode.abnormal))
        }
        var text = first == .local ? "closed with code \(code)" : "closed by the peer with code \(code)"
        if !reason.isEmpty { text += ": " + String(printable: reason) }
        let isRetryable = CloseCode.isRetryable(code)
        return Failure(.closed, isRetryable ? .none : .operator, text, isRetryable: isRetryable, code: UInt32(code))
    }
}

/// The order of close frames (RFC 6455 sections 5.5.1 and 7.1): one each way, nothing after ours, everything after the peer's ignored.
/// With both it is over; that the server ends the transport first is for whoever holds that.
struct CloseHandshake {
    private enum State {
        case open
        /// Ours is out; the peer's is awaited.
        case sent(deadline: Instant)
        case ended
    }

    private let role: Role
    private let limitMilliseconds: UInt32
    private var state = State.open
    private(set) var summary = CloseSummary()

    init(role: Role, limitMilliseconds: UInt32) {
        self.role = role
        self.limitMilliseconds = limitMilliseconds
    }

    var isOpen: Bool {
        if case .open = state { return true }
        return false
    }

    var isEnded: Bool {
        if case .ended = state { return true }
        return false
    }

    var deadline: Instant {
        switch state {
        case .sent(let deadline): deadline
        case .open, .ended: .never
        }
    }

    /// Our close frame is being sent first.
    mutating func closeSent(_ code: UInt16?, _ now: Instant) {
        guard case .open = state else { return }
        summary.sentCode = code
        summary.hasSent = true
        summary.first = .local
        state = .sent(deadline: now.adding(milliseconds: limitMilliseconds))
    }

    enum PeerCloseAction {
        /// Answer with this code, or with an empty close frame.
        case reply(UInt16?)
        case none
    }

    /// A valid close frame arrived.
    mutating func peerClosed(_ code: UInt16?, _ reason: [UInt8]) -> PeerCloseAction {
        switch state {
        case .open:
            summary.first = .peer
        case .sent:
            break
        case .ended:
            return .none
        }
        let isAnswer = summary.hasSent
        summary.hasReceived = true
        summary.receivedCode = code
        summary.reason = reason
        state = .ended
        if isAnswer { return .none }
        summary.hasSent = true
        // The echo of a code that only the other end may send is a plain goodbye.
        summary.sentCode = code.map { CloseCode.isValidToSend($0, by: role) ? $0 : CloseCode.normal }
        return .reply(summary.sentCode)
    }

    enum EndAction {
        /// The connection was closed, cleanly or not.
        case closed
        /// It ended although nobody closed it.
        case lost
        case none
    }

    /// The peer ended the transport.
    mutating func transportEnded() -> EndAction {
        switch state {
        case .open:
            state = .ended
            return .lost
        case .sent:
            state = .ended
            return .closed
        case .ended:
            return .none
        }
    }

    /// Whether the time for the peer's answer is over, which ends the handshake.
    mutating func tick(_ now: Instant) -> Bool {
        guard deadline <= now, deadline != .never else { return false }
        summary.unansweredMilliseconds = limitMilliseconds
        state = .ended
        return true
    }

    /// The connection failed (section 7.1.7), with a close frame if one could still be sent.
    mutating func fail(sent code: UInt16?) {
        if let code {
            summary.sentCode = code
            summary.hasSent = true
            if summary.first == .nobody { summary.first = .local }
        }
        state = .ended
    }
}
