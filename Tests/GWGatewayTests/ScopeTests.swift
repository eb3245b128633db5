import Testing

@Suite("Visibility of events by scope (openclaw-gateway 6.5)")
struct EventVisibilityTests {
    private static let read = [
        "agent", "chat", "chat.send_timing", "chat.side_result", "cron", "talk.event", "task", "task.suggestion",
        "voicewake.changed", "node.presence", "sessions.changed", "session.message", "session.operation",
        "session.tool",
    ]
    private static let write = ["talk.mode", "plugin.something"]
    private static let approvals = [
        "exec.approval.requested", "exec.approval.resolved", "plugin.approval.requested", "openclaw.approval.x",
        "session.approval",
    ]
    private static let pairing = ["device.pair.requested", "node.pair.resolved"]
    private static let admin = ["terminal.data", "terminal.exit"]
    private static let open = ["health", "heartbeat", "presence", "shutdown", "tick", "update.available"]
    /// Names that only begin like others; the host's own events are everybody's.
    private static let own = [
        "chatter", "agents", "session", "sessionsx", "task-list", "terminals", "my.event", "", "node",
    ]

    @Test("each scope shows its events and those of the scopes that it implies")
    func table() {
        let all = Self.read + Self.write + Self.approvals + Self.pairing + Self.admin
        for (scopes, shown) in [
            ([], []), (["operator.read"], Self.read), (["operator.write"], Self.read + Self.write),
            (["operator.approvals"], Self.approvals), (["operator.pairing"], Self.pairing), (["operator.admin"], all),
            (["operator.talk.secrets"], []), (["operator.read", "operator.pairing"], Self.read + Self.pairing),
        ] as [([String], [String])] {
            let end = ServerEnd.ready(scopes: scopes)
            for event in all { #expect(end.maySee(event) == shown.contains(event), "\(event) to \(scopes)") }
            for event in Self.open + Self.own { #expect(end.maySee(event), "\(event)") }
        }
    }

    @Test("nobody sees anything before the hello or after the end")
    func states() {
        let end = ServerEnd()
        #expect(!end.maySee("tick"))
        _ = end.receive(ServerEnd.connect(ServerEnd.params()))
        #expect(end.maySee("tick"))
        end.session.end()
        #expect(!end.maySee("tick"))
    }
}
