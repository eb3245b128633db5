import GWBase

/// How one dialect of the gateway protocol begins a connection: from the open WebSocket to the hello.
///
/// Each input returns what is to be done.  After `ready` or `close` nothing more comes in.
public protocol GatewayHandshake: AnyObject {
    /// The connect request is still to be sent.
    var isAwaitingChallenge: Bool { get }

    var deadline: Instant { get }

    /// The WebSocket is open.
    func opened(_ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction

    /// `id` is nil where the id is none that this library wrote.
    func receive(
        _ response: ResponseFrame, id: UInt64?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> HandshakeAction

    func receive(
        _ event: EventFrame, _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> HandshakeAction

    /// The host has answered the question for credentials; `isGiven`: with some.
    func answered(_ question: UInt64, isGiven: Bool, _ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction

    func tick(_ now: Instant) -> HandshakeAction
}

public enum HandshakeAction: ~Copyable {
    case none
    /// Send this, uncompressed: it holds a credential.
    case send(ByteBuffer)
    /// Ask the host for credentials.
    case ask(question: UInt64)
    case ready(Hello, warning: Failure?)
    /// An answer to what the handshake has not asked.
    case unknown
    case close(code: UInt16, reason: StaticString, ConnectFailure)
}
