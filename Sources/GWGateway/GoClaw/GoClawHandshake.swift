import GWBase
import GWJSON

/// The beginning of a GoClaw connection: the client speaks first; without a token it may have to be paired.
final class GoClawHandshake: GatewayHandshake {
    private enum State {
        /// The connection takes frames from the first tick on.
        case idle
        case awaitingAnswer(request: UInt64, deadline: Instant)
        /// A person has to approve.  `poll` is the question that is under way, if there is one.
        case pairing(GoClawLogin.Pending, poll: UInt64?, deadline: Instant)
        case expired(GoClawLogin.Pending)
        case ended
    }

    private let settings: ClientSession.Settings
    private let parameters: GoClawParameters
    private let authentication: ClientAuthentication
    private let login: GoClawLogin
    /// Gives the requests their ids.
    private let calls: PendingCalls
    private var state: State

    init(
        settings: ClientSession.Settings, parameters: GoClawParameters, authentication: ClientAuthentication,
        login: GoClawLogin, calls: PendingCalls, now: Instant
    ) {
        self.settings = settings
        self.parameters = parameters
        self.authentication = authentication
        self.login = login
        self.calls = calls
        state = .idle
    }

    var isAwaitingChallenge: Bool { false }

    private var token: [UInt8] { authentication.token }

    func opened(_ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction { .none }

    private func begin(_ now: Instant) -> HandshakeAction {
        if let pending = login.pending, !login.mayAsk {
            let code = String(printable: pending.code, limit: 32)
            let text =
                "the connection was lost \(login.requests) times while the code \(code) waited for its approval; "
                + "another attempt could make a further pairing request: approve the code, then open the client again"
            return close(1000, "pairing pending", .pairing("PAIRING_PENDING", text))
        }
        return .send(connect(now))
    }

    private func connect(_ now: Instant) -> ByteBuffer {
        let request = calls.reserveID()
        state = .awaitingAnswer(request: request, deadline: now.adding(milliseconds: settings.helloMilliseconds))
        return parameters.request(id: request, token: token, senderID: login.presented)
    }

    private func close(_ code: UInt16, _ reason: StaticString, _ failure: ConnectFailure) -> HandshakeAction {
        state = .ended
        return .close(code: code, reason: reason, failure)
    }

    /// It asks nothing of the host.
    func answered(_ question: UInt64, isGiven: Bool, _ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction {
        .none
    }

    // MARK: - Messages

    func receive(
        _ event: EventFrame, _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> HandshakeAction {
        if JSON.isString(event.name, equalTo: "connect.challenge", in: text) {
            login.hasAnswered = false
            return close(
                1008, "another dialect",
                ConnectFailure(
                    Failure(
                        .challenge, .program,
                        "the gateway sent a challenge: it speaks OpenClaw's dialect (GW_DIALECT_OPENCLAW), not GoClaw's"
                    )))
        }
        if case .pairing(let pending, nil, _) = state,
            JSON.isString(event.name, equalTo: "device.pair.resolved", in: text)
        {
            state = .pairing(pending, poll: nil, deadline: now)
        }
        return .none
    }

    func receive(
        _ response: ResponseFrame, id: UInt64?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> HandshakeAction {
        switch state {
        case .awaitingAnswer(let request, _) where id == request:
            return answered(response, text, now)
        case .pairing(let pending, let poll?, _) where id == poll:
            return polled(pending, response, text, now)
        case .idle, .awaitingAnswer, .pairing, .expired, .ended:
            return .unknown
        }
    }

    private func answered(_ response: ResponseFrame, _ text: UnsafeRawBufferPointer, _ now: Instant) -> HandshakeAction
    {
        guard response.isOK else {
            let error = ErrorObject(response.error, in: text)
            return close(1000, "connect refused", .goClaw(error, in: text, hadToken: !token.isEmpty))
        }
        if let request = pairingRequest(response.payload, text) { return begin(request, now) }
        guard let hello = Hello(goClaw: response.payload, in: text) else {
            return close(
                1002, "invalid hello",
                ConnectFailure(
                    Failure(
                        .hello, .operator, "the gateway's hello cannot be used: it names neither a role nor a pairing"))
            )
        }
        guard !isDemoted(hello) else { return close(1000, "not authenticated", .viewerDespiteToken) }
        state = .ended
        login.admitted()
        return .ready(hello, warning: nil)
    }

    /// A gateway token makes an admin at least; an API key may be a viewer's.
    private func isDemoted(_ hello: Hello) -> Bool {
        guard !token.isEmpty, isEqual("viewer", hello.role) else { return false }
        return !token.starts(with: "goclaw_".utf8) || hello.goClaw?.namesEdition != true
    }

    // MARK: - Pairing

    private func pairingRequest(_ payload: JSONSlice?, _ text: UnsafeRawBufferPointer) -> GoClawLogin.Pending? {
        guard let payload, payload.kind == .object, let status = JSON.member("status", of: payload, in: text),
            JSON.isString(status, equalTo: "pending_pairing", in: text),
            let code = JSON.member("pairing_code", of: payload, in: text),
            let sender = JSON.member("sender_id", of: payload, in: text),
            let code = JSON.string(code, in: text), let senderID = JSON.string(sender, in: text), !senderID.isEmpty
        else { return nil }
        return GoClawLogin.Pending(code: code, senderID: senderID)
    }

    private func begin(_ request: GoClawLogin.Pending, _ now: Instant) -> HandshakeAction {
        login.hasAnswered = true
        let isNew = login.asked(request)
        let pending = login.pending ?? request
        state = .pairing(pending, poll: nil, deadline: now.adding(milliseconds: GoClaw.pairingPollMilliseconds))
        return isNew ? .pairing(event(.requested, pending), send: ByteBuffer()) : .none
    }

    private func event(_ state: Pairing.State, _ pending: GoClawLogin.Pending) -> Pairing {
        Pairing(state: state, code: pending.code, senderID: pending.senderID)
    }

    private func polled(
        _ pending: GoClawLogin.Pending, _ response: ResponseFrame, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> HandshakeAction {
        // A refusal is a limit that was hit: the next question has to wait longer.
        var wait = GoClaw.pairingPollMilliseconds * (response.isOK ? 1 : 2)
        if response.isOK, let payload = response.payload, payload.kind == .object,
            let status = JSON.member("status", of: payload, in: text)
        {
            if JSON.isString(status, equalTo: "approved", in: text) {
                login.approved()
                return .pairing(event(.approved, pending), send: connect(now))
            }
            if JSON.isString(status, equalTo: "expired", in: text) {
                login.pending = nil
                state = .expired(pending)
                return .pairing(event(.expired, pending), send: ByteBuffer())
            }
        } else if let wished = response.error.map({ ErrorObject($0, in: text).retryAfterMilliseconds }) {
            wait = max(wait, min(wished, 60_000))
        }
        state = .pairing(pending, poll: nil, deadline: now.adding(milliseconds: wait))
        return .none
    }

    // MARK: - Time

    var deadline: Instant {
        switch state {
        case .awaitingAnswer(_, let deadline), .pairing(_, _, let deadline): deadline
        case .idle, .expired: Instant(microseconds: 0)
        case .ended: .never
        }
    }

    func tick(_ now: Instant) -> HandshakeAction {
        guard deadline <= now else { return .none }
        switch state {
        case .idle:
            return begin(now)
        case .awaitingAnswer:
            return close(
                4000, "connect timeout",
                ConnectFailure(
                    Failure(
                        .helloTimeout, .operator,
                        "the gateway did not answer the connect request within \(settings.helloMilliseconds) ms",
                        isRetryable: true)))
        case .pairing(let pending, _, _):
            // An answer may be lost: the next question is asked in any case.
            let poll = calls.reserveID()
            state = .pairing(pending, poll: poll, deadline: now.adding(milliseconds: settings.helloMilliseconds))
            return .send(GoClawParameters.statusRequest(id: poll, senderID: pending.senderID))
        case .expired(let pending):
            let code = String(printable: pending.code, limit: 32)
            let text =
                "the pairing code \(code) expired before an admin approved it: open the client again for a new one"
            return close(1000, "pairing expired", .pairing("PAIRING_EXPIRED", text))
        case .ended:
            return .none
        }
    }
}
