import GWBase
import GWJSON

/// The beginning of an OpenClaw connection: the gateway's challenge, the connect request that answers it, the hello.
final class OpenClawHandshake: GatewayHandshake {
    private enum State {
        case awaitingChallenge(deadline: Instant)
        /// By the host.
        case awaitingCredentials(Challenge, question: UInt64, deadline: Instant)
        case awaitingHello(request: UInt64, deadline: Instant)
        case ended
    }

    private let settings: ClientSession.Settings
    private let signer: (any DeviceSigner)?
    private let authentication: ClientAuthentication
    /// Gives the connect request its id.
    private let calls: PendingCalls
    private var state: State

    /// What the connect request asked for.
    private var requestedScopes: [[UInt8]] = []

    init(
        settings: ClientSession.Settings, signer: (any DeviceSigner)?, authentication: ClientAuthentication,
        calls: PendingCalls, now: Instant
    ) {
        self.settings = settings
        self.signer = signer
        self.authentication = authentication
        self.calls = calls
        state = .awaitingChallenge(deadline: now.adding(milliseconds: settings.challengeMilliseconds))
    }

    var isAwaitingChallenge: Bool {
        switch state {
        case .awaitingChallenge, .awaitingCredentials: true
        case .awaitingHello, .ended: false
        }
    }

    func opened(_ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction { .none }

    // MARK: - Challenge

    func receive(
        _ event: EventFrame, _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> HandshakeAction {
        guard case .awaitingChallenge = state, JSON.isString(event.name, equalTo: "connect.challenge", in: text) else {
            return .none
        }
        guard let challenge = Challenge(payload: event.payload, in: text) else {
            return close(
                1008, "connect challenge missing nonce",
                Failure(.challenge, .operator, "the gateway's challenge has no nonce to sign", isRetryable: true))
        }
        guard let question = authentication.question() else { return connect(challenge, now, wallMilliseconds) }
        state = .awaitingCredentials(
            challenge, question: question, deadline: now.adding(milliseconds: settings.credentialsMilliseconds))
        return .ask(question: question)
    }

    func answered(_ question: UInt64, isGiven: Bool, _ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction {
        guard case .awaitingCredentials(let challenge, question, _) = state else { return .unknown }
        guard isGiven else {
            return close(
                1000, "no credentials",
                Failure(.credentials, .program, "the host has no credentials to give", isRetryable: true))
        }
        return connect(challenge, now, wallMilliseconds)
    }

    private func connect(_ challenge: Challenge, _ now: Instant, _ wallMilliseconds: UInt64) -> HandshakeAction {
        let request = calls.reserveID()
        let choice = authentication.choose()
        requestedScopes = choice.scopes
        let frame = settings.connect.request(
            id: request, answering: challenge, wallMilliseconds: wallMilliseconds, signer: signer, presenting: choice)
        guard let frame else {
            return close(
                1008, "connect failed", Failure(.identity, .program, "the device key could not sign the challenge"))
        }
        let size = frame.readable.count
        guard size <= Int(Limits.messageBytesBeforeHello) else {
            return close(
                1008, "connect failed",
                Failure(
                    .tooBig, .program,
                    "the connect request has \(size) bytes, gateways take at most \(Limits.messageBytesBeforeHello)"))
        }
        state = .awaitingHello(request: request, deadline: now.adding(milliseconds: settings.helloMilliseconds))
        return .send(frame)
    }

    private func close(_ code: UInt16, _ reason: StaticString, _ failure: Failure) -> HandshakeAction {
        state = .ended
        return .close(code: code, reason: reason, ConnectFailure(failure))
    }

    // MARK: - Hello

    func receive(
        _ response: ResponseFrame, id: UInt64?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> HandshakeAction {
        guard case .awaitingHello(let request, _) = state, id == request else { return .unknown }
        state = .ended
        guard response.isOK else {
            let refused = ConnectFailure(ErrorObject(response.error, in: text), in: text)
            guard refused.details?.isStarting != true else {
                return .close(code: 1013, reason: "gateway starting", refused)
            }
            return .close(code: 1008, reason: "connect failed", refused)
        }
        let minimum = settings.connect.minProtocol
        let offered = minimum...max(minimum, settings.connect.maxProtocol)
        do throws(Failure) {
            let hello = try Hello(response.payload, in: text, offered: offered)
            return .ready(hello, warning: missingScopes(hello))
        } catch {
            return .close(code: 1002, reason: "invalid hello", ConnectFailure(error))
        }
    }

    /// A gateway may say yes and yet grant less than was asked for; every later refusal would look like a riddle.
    private func missingScopes(_ hello: Hello) -> Failure? {
        guard let granted = hello.scopes, !granted.contains(where: { isEqual("operator.admin", $0) }) else {
            return nil
        }
        let missing = requestedScopes.filter { wanted in
            !granted.contains { $0.elementsEqual(wanted) }
                && !(isEqual("operator.read", wanted) && granted.contains { isEqual("operator.write", $0) })
        }
        guard !missing.isEmpty else { return nil }
        let names = missing.map { String(printable: $0, limit: 64) }
        var list = ""
        for name in names { list += list.isEmpty ? name : ", " + name }
        var warning = Failure(
            .ok, .operator,
            "the gateway did not grant \(list): calls that need it will be refused "
                + (signer == nil
                    ? "(it grants none without a device identity)" : "(approve the device with these scopes)"))
        warning.name = "scopes".bytes
        return warning
    }

    // MARK: - Time

    var deadline: Instant {
        switch state {
        case .awaitingChallenge(let deadline), .awaitingHello(_, let deadline),
            .awaitingCredentials(_, _, let deadline):
            deadline
        case .ended: .never
        }
    }

    func tick(_ now: Instant) -> HandshakeAction {
        guard deadline <= now else { return .none }
        switch state {
        case .awaitingChallenge:
            return close(
                1008, "connect challenge timeout",
                Failure(
                    .challengeTimeout, .operator,
                    "the gateway sent no challenge within \(settings.challengeMilliseconds) ms", isRetryable: true))
        case .awaitingCredentials:
            return close(
                1000, "no credentials",
                Failure(
                    .credentials, .program,
                    "the host gave no credentials within \(settings.credentialsMilliseconds) ms", isRetryable: true))
        case .awaitingHello:
            return close(
                4000, "connect timeout",
                Failure(
                    .helloTimeout, .operator,
                    "the gateway did not answer the connect request within \(settings.helloMilliseconds) ms",
                    isRetryable: true))
        case .ended:
            return .none
        }
    }
}
