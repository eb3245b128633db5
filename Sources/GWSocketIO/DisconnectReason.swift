import GWBase

/// Why a namespace is not joined any more, in the words of the official client.
public enum DisconnectReason: Sendable {
    case serverDisconnect
    case clientDisconnect
    case pingTimeout
    case transportClose
    case transportError
    case parseError

    public var text: StaticString {
        switch self {
        case .serverDisconnect: "io server disconnect"
        case .clientDisconnect: "io client disconnect"
        case .pingTimeout: "ping timeout"
        case .transportClose: "transport close"
        case .transportError: "transport error"
        case .parseError: "parse error"
        }
    }

    /// Of a connection that has ended for this cause.
    init(_ failure: Failure) {
        switch failure.status {
        case .closed, .lost, .ok: self = .transportClose
        case .sioPingTimeout, .pongTimeout: self = .pingTimeout
        case .sioParse, .tooBig, .limit: self = .parseError
        default: self = .transportError
        }
    }
}
