import GWBase
import GWGateway
import GWJSON

/// A server session under a clock of the test's, with its actions as values.
final class ServerEnd {
    enum Step {
        case admitted(ServerSession.Peer, hello: String)
        case request(id: String, method: String, params: String?)
        case send(String)
        case close(response: String, UInt16, String, Failure)
    }

    static let wall: UInt64 = 1_767_225_600_000

    let session: ServerSession
    var now: Instant

    init(
        _ settings: ServerSession.Settings = ServerSession.Settings(), isLoopback: Bool = true,
        now: Instant = ClientEnd.start
    ) {
        self.now = now
        session = ServerSession(
            settings: settings, verifier: TestVerifier(), nonce: ClientEnd.nonce.bytes, connectionID: "c-1".bytes,
            isLoopback: isLoopback, deadline: now.adding(milliseconds: settings.handshakeMilliseconds))
    }

    func receive(_ json: String) -> Step { receive(Array(json.utf8)) }

    func receive(_ bytes: [UInt8]) -> Step {
        let message = Text(bytes)
        switch session.receive(message.bytes, now: now, wallMilliseconds: ServerEnd.wall) {
        case .admitted(let peer, let hello): return .admitted(peer, hello: text(hello))
        case .request(let request):
            return .request(
                id: text(message.bytes[request.id.range]), method: text(message.bytes[request.method.range]),
                params: request.params.map { text(message.bytes[$0.range]) })
        case .send(let frame): return .send(text(frame))
        case .close(let frame, let code, let reason, let failure):
            return .close(response: text(frame), code, text(reason), failure)
        }
    }

    func advance(_ milliseconds: UInt32) { now = now.adding(milliseconds: milliseconds) }

    /// A connect request with these params, in the vector's shape.
    static func connect(_ params: [String: Any]) -> String {
        json(["type": "req", "id": "c-1", "method": "connect", "params": params])
    }

    /// Params that every schema accepts; `changes` replaces members, a member that is `NSNull` goes.
    static func params(_ changes: [String: Any?] = [:]) -> [String: Any] {
        var params: [String: Any] = [
            "minProtocol": 3, "maxProtocol": 4,
            "client": ["id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"],
            "role": "operator", "scopes": ["operator.read", "operator.write"],
        ]
        for (name, value) in changes { params[name] = value }
        return params
    }

    /// A session whose peer was admitted.
    static func ready(_ settings: ServerSession.Settings = ServerSession.Settings(), scopes: [String]) -> ServerEnd {
        let end = ServerEnd(settings)
        _ = end.receive(connect(params(["scopes": scopes])))
        return end
    }

    func maySee(_ event: String) -> Bool {
        let name = Text(event)
        return session.maySee(name.bytes)
    }
}
