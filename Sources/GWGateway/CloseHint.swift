import GWBase

/// What the close codes of gateways, and what stands between, mean for whoever reads them.
enum CloseHint {
    static func text(_ failure: Failure) -> StaticString? {
        if failure.status == .upgradeRefused { return refused(failure.code) }
        guard failure.status == .closed else { return nil }
        return switch failure.code {
        case 1000: "the gateway has ended the connection normally"
        case 1006: "it ended without a close frame"
        case 1009: "a message was larger than the gateway takes"
        case 1008: "the gateway refused what was sent or who sent it"
        case 1012: "the gateway restarts"
        case 1013: "the gateway takes no connections now"
        case 4000: "one side heard nothing of the other for too long"
        case 4001: "the credentials that let this client in have changed"
        default: nil
        }
    }

    private static func refused(_ status: UInt32) -> StaticString? {
        switch status {
        case 400, 426: "a proxy before the gateway may not forward the headers Upgrade and Connection"
        case 403: "the gateway may not allow this Origin"
        case 404: "check the path: GoClaw's gateways are at /ws"
        default: nil
        }
    }

    /// A gateway whose time limit for the handshake has passed closes without a word.
    static func isTimedOutHandshake(_ failure: Failure) -> Bool {
        failure.status == .closed && failure.code == 1000 && failure.name.isEmpty
    }
}
