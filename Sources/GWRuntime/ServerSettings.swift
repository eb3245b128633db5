import GWBase
import GWGateway
import GWWebSocket

/// What the host asked for of its gateway, checked.
public struct ServerSettings {
    public var listening: ListeningSettings
    public var session = ServerSession.Settings()
    public var agreesToDeflate = true
    public var webSocket = WebSocketSettings()
    public var requestMilliseconds = Limits.callMilliseconds
    public var maxConnections = Limits.connections
    public var maxRequests = Limits.requestsPerPeer
    public var userData: UInt = 0

    public init(_ listening: ListeningSettings) { self.listening = listening }
}
