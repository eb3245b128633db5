import GWBase
import GWDeflate

/// Options of one connection.
public struct WebSocketSettings: Sendable {
    /// Greatest message, after inflation; a message of this size passes.
    public var maxMessageBytes: UInt32 = Limits.messageBytes
    /// Greatest payload of one frame.
    public var maxFrameBytes = UInt32.max
    /// Most frames of one message.
    public var maxFragments = Limits.fragmentsPerMessage
    /// Most bytes of the unfinished message, of what is to be sent and of the compression streams together.
    public var maxMemoryBytes = Int.max
    /// Large messages are given in parts of at least this many bytes; nil: as a whole.
    public var partBytes: UInt32?
    /// Time between our pings; `UInt32.max`: no pings.
    public var pingMilliseconds: UInt32 = Limits.clientPingMilliseconds
    /// How long the peer may be silent after a ping; `UInt32.max`: for ever.
    public var pongMilliseconds: UInt32 = Limits.pongMilliseconds
    /// Limit for each step of the closing handshake.
    public var closeMilliseconds: UInt32 = Limits.closeMilliseconds
    public var deflate = DeflateSettings()
    /// Whether `next` also gives pings and pongs, which are handled in any case.
    public var reportsControlFrames = false

    public init() {}
}
