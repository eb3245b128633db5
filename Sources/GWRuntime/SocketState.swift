import GWDeflate
import GWWebSocket

/// How a raw WebSocket stands (`gw_socket_state`).
public struct SocketState {
    /// `GW_PHASE_*`.
    public var phase: UInt32
    public var isEncrypted = false
    /// What was agreed of permessage-deflate.
    public var deflate: DeflateParameters?
    public var close: CloseSummary?
    public var queuedBytes = 0
    public var memoryBytes = 0
    public var roundTripMicroseconds: UInt64 = 0
    public var traffic = Traffic()
    public var timings: DialTimings

    init(phase: UInt32, _ timings: DialTimings, _ channel: Channel?) {
        self.phase = phase
        self.timings = timings
        guard let channel else { return }
        isEncrypted = channel.isEncrypted
        queuedBytes = channel.queuedBytes
        guard let webSocket = channel.webSocket else { return }
        deflate = webSocket.deflate
        close = webSocket.closeSummary
        memoryBytes = webSocket.heldBytes
        roundTripMicroseconds = webSocket.roundTripMicroseconds
        traffic = webSocket.statistics
    }
}
