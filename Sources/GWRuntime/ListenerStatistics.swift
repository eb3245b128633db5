import GWWebSocket

/// What has come through a listener (`gw_listener_stats`).
public struct ListenerStatistics {
    /// Open ones and those in their handshake.
    public var connectionsNow = 0
    /// Opened in all.
    public var connections: UInt64 = 0
    /// Never opened.
    public var refused: UInt64 = 0
    public var traffic = Traffic()
}
