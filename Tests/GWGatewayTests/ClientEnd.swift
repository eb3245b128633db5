import GWBase
import GWGateway
import GWJSON

/// A client session under a clock of the test's, with its actions as values.
final class ClientEnd {
    enum Step {
        case none
        case send(String)
        case ask(UInt64)
        case connected(Hello, warning: Failure?)
        case event(String, payload: String?, missing: UInt64)
        case accepted(UInt64, payload: String?)
        case answered(UInt64, payload: String?)
        case rejected(UInt64, error: ErrorObject, json: String?)
        case warn(Failure)
        case close(UInt16, String, ConnectFailure)
    }

    static let start = Instant(microseconds: 5_000_000)
    static let nonce = "6f1c2b7e-3d0a-4c55-9d0e-0a1b2c3d4e5f"
    static let challenge = """
        {"type":"event","event":"connect.challenge","payload":{"nonce":"\(nonce)","ts":1767225600000}}
        """

    let session: ClientSession
    var now: Instant
    private(set) var connectID = ""

    init(
        _ settings: ClientSession.Settings = ClientSession.Settings(), credentials: Credentials = Credentials(),
        signer: (any DeviceSigner)? = nil, calls: PendingCalls = PendingCalls(), now: Instant = start,
        asks: Bool = false
    ) {
        self.now = now
        let authentication = ClientAuthentication(
            credentials, keeper: nil, role: settings.connect.role, scopes: settings.connect.scopes,
            asks: asks)
        session = ClientSession(
            settings: settings, signer: signer, authentication: authentication, calls: calls, now: now)
    }

    func receive(_ json: String) -> Step { receive(Array(json.utf8)) }

    func receive(_ bytes: [UInt8]) -> Step {
        let message = Text(bytes)
        return step(session.receive(message.bytes, now: now, wallMilliseconds: 1_767_225_600_500), message)
    }

    /// The host's answer to a question for credentials.
    func answer(question: UInt64, isGiven: Bool = true) -> Step {
        step(session.answered(question, isGiven: isGiven, now: now, wallMilliseconds: 1_767_225_600_500), Text(""))
    }

    private func step(_ action: consuming ClientSession.MessageAction, _ message: Text) -> Step {
        func cut(_ value: JSONSlice?) -> String? { value.map { text(message.bytes[$0.range]) } }
        switch consume action {
        case .none: return .none
        case .settled: return .none
        case .send(let frame):
            let sent = text(frame)
            connectID = object(sent)["id"] as? String ?? ""
            return .send(sent)
        case .ask(let question): return .ask(question)
        case .connected(let hello, let warning): return .connected(hello, warning: warning)
        case .event(let event, let missing):
            let name = JSON.string(event.name, in: message.bytes) ?? []
            return .event(text(name), payload: cut(event.payload), missing: missing)
        case .accepted(let id, _, let payload): return .accepted(id, payload: cut(payload))
        case .answered(let id, _, let payload): return .answered(id, payload: cut(payload))
        case .rejected(let id, _, let error):
            return .rejected(id, error: ErrorObject(error, in: message.bytes), json: cut(error))
        case .warn(let failure): return .warn(failure)
        case .close(let code, let reason, let failure): return .close(code, text(reason), failure)
        }
    }

    func advance(_ milliseconds: UInt32) { now = now.adding(milliseconds: milliseconds) }

    func tick() -> ClientSession.TickAction { session.tick(now) }

    /// Answers the connect request that was sent last.
    func answerConnect(_ rest: String) -> Step { receive(#"{"type":"res","id":"\#(connectID)",\#(rest)}"#) }

    static func hello(tickMilliseconds: Int = 30_000, auth: String = "") -> String {
        """
        "ok":true,"payload":{"type":"hello-ok","protocol":4,"server":{"version":"1","connId":"c"},\(auth)\
        "policy":{"maxPayload":26214400,"maxBufferedBytes":52428800,"tickIntervalMs":\(tickMilliseconds)}}
        """
    }

    /// Brings the session to the point where calls can be made.
    static func ready(
        _ settings: ClientSession.Settings = ClientSession.Settings(), tickMilliseconds: Int = 30_000
    ) -> ClientEnd {
        let end = ClientEnd(settings)
        _ = end.receive(challenge)
        _ = end.answerConnect(hello(tickMilliseconds: tickMilliseconds))
        return end
    }

    /// Makes a call; nil if it was refused.
    func call(expectsFinal: Bool = false, timeout: UInt32 = 0, userData: UInt = 0) -> UInt64? {
        let action = session.call(
            expectsFinal: expectsFinal, timeoutMilliseconds: timeout, userData: userData, streamOffset: 0, now: now)
        if case .queued(let id) = action { return id }
        return nil
    }

    func answer(_ id: UInt64, _ rest: String) -> Step { receive(#"{"type":"res","id":"\#(wireID(id))",\#(rest)}"#) }
}

func wireID(_ id: UInt64) -> String {
    var buffer = ByteBuffer()
    CallID.write(id, into: &buffer)
    return text(buffer)
}
