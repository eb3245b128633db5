import GWBase

/// What the close codes of gateways mean for whoever reads them.
enum CloseHint {
    static func text(_ failure: Failure) -> StaticString? {
        guard failure.status == .closed else { return nil }
        return switch failure.code {
        case 1000: "the gateway has ended the connection normally"
        case 1006: "it ended without a close frame"
        case 1008: "the gateway refused what was sent or who sent it"
        case 1012: "the gateway restarts"
        case 1013: "the gateway takes no connections now"
        case 4000: "one side heard nothing of the other for too long"
        case 4001: "the credentials that let this client in have changed"
        default: nil
        }
    }

    /// A gateway whose time limit for the handshake has passed closes without a word.
    static func isTimedOutHandshake(_ failure: Failure) -> Bool {
        failure.status == .closed && failure.code == 1000 && failure.name.isEmpty
    }
}
