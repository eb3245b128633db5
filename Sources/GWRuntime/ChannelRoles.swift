import GWBase
import GWTLS
import GWWebSocket

/// What a channel tells whoever opens it, until WebSocket begins or it has ended.
protocol ChannelOpener: AnyObject {
    /// TLS stands, or none was asked for: the HTTP upgrade can begin.
    func channelIsSecure(_ channel: Channel, _ now: Instant)
    /// Bytes of the HTTP upgrade, or none: the peer has sent all that it will.
    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction
    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant)
    /// The server's certificate would be refused: TLS waits for `answer`.
    func channel(_ channel: Channel, asks refusal: Failure, _ now: Instant)
}

extension ChannelOpener {
    /// Servers do not ask about clients.
    func channel(_ channel: Channel, asks refusal: Failure, _ now: Instant) {}
}

enum HeadAction {
    case needMore
    /// WebSocket begins after this many bytes; from there on the owner is told.
    case open(consumed: Int, WebSocketConnection, any ChannelOwner)
    /// Over: what is queued is sent, then the connection closes.
    case end(Failure)
}

/// What a channel tells whom its WebSocket connection belongs to.
protocol ChannelOwner: AnyObject {
    /// A message or a control frame; never the end, which comes as such.
    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant)
    /// The connection is over for its owner, which hears nothing more of it.
    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant)
    /// Output has left, all of it or a part.
    func channelDidSend(_ channel: Channel)
    /// Something was received: deadlines may have moved.
    func reschedule()
}
