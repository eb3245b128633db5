import GWBase
import GWJSON

/// Who is shown an event that the host sends to everybody.
public enum GoClawEvents {
    /// nil: nobody, ever.
    public static func audience(of event: [UInt8], _ payload: UnsafeRawBufferPointer) -> GoClawGateway.Audience? {
        if event.starts(with: "cache.".utf8) || isEqual("audit.log", event) { return nil }
        if everybody.contains(where: { isEqual($0, event) }) { return .all }
        var members = JSONMembers()
        guard let whole = JSON.scan(payload, &members), whole.kind == .object,
            let user = members.find("userId", in: payload), let name = JSON.string(user, in: payload)
        else { return .admins }
        return .user(name)
    }

    /// Those of the system, and those that are sent past every filter.
    private static let everybody: [StaticString] = [
        "health", "presence", "voicewake.changed", "tick", "shutdown", "connect.challenge", "talk.mode", "heartbeat",
        "cron", "device.pair.requested", "device.pair.resolved",
    ]

    /// A whole frame.
    public static func frame(_ event: [UInt8], _ payload: UnsafeRawBufferPointer) -> [UInt8] {
        GoClawWriter.event(event, Array(payload))
    }

    /// The answer to a request that the host has answered; `id` is JSON text.
    public static func response(_ id: [UInt8], _ payload: UnsafeRawBufferPointer) -> [UInt8] {
        GoClawWriter.response(id, Array(payload))
    }

    public static func rejection(_ id: [UInt8], _ rejection: Rejection) -> [UInt8] {
        GoClawWriter.rejection(id, rejection)
    }
}
