import GWBase
import GWGateway
import GWWebSocket

/// What the host asked for of its gateway, checked.
public struct ServerSettings {
    public var listening: ListeningSettings
    public var session = ServerSession.Settings()
    /// nil: the gateway speaks OpenClaw's dialect.
    public var goClaw: GoClawServerSettings?
    public var agreesToDeflate = true
    public var webSocket = WebSocketSettings()
    public var requestMilliseconds = Limits.callMilliseconds
    public var maxConnections = Limits.connections
    public var maxRequests = Limits.requestsPerPeer
    public var userData: UInt = 0

    public init(_ listening: ListeningSettings) { self.listening = listening }
}

/// What a gateway of GoClaw's dialect is told beside.
public struct GoClawServerSettings {
    public var gateway = GoClawGateway.Settings()
    public var session = GoClawServerSession.Settings()
    /// Empty: every origin.
    public var allowedOrigins: [[UInt8]] = []
    public var maxQueuedMessages = UInt32(GoClaw.queuedMessages)

    public init() {}
}
