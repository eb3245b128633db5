/// What has gone through a connection.  Messages and their bytes count uncompressed, as the hosts see them.
public struct Traffic: Equatable, Sendable {
    public var messagesReceived: UInt64 = 0
    public var messagesSent: UInt64 = 0
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    /// Frames with their headers.
    public var wireBytesReceived: UInt64 = 0
    public var wireBytesSent: UInt64 = 0
    /// Of compressed messages only.
    public var receivedBeforeInflate: UInt64 = 0
    public var receivedAfterInflate: UInt64 = 0
    public var sentBeforeDeflate: UInt64 = 0
    public var sentAfterDeflate: UInt64 = 0

    public init() {}

    /// Adds that of another connection.
    public mutating func add(_ other: Traffic) {
        messagesReceived &+= other.messagesReceived
        messagesSent &+= other.messagesSent
        bytesReceived &+= other.bytesReceived
        bytesSent &+= other.bytesSent
        wireBytesReceived &+= other.wireBytesReceived
        wireBytesSent &+= other.wireBytesSent
        receivedBeforeInflate &+= other.receivedBeforeInflate
        receivedAfterInflate &+= other.receivedAfterInflate
        sentBeforeDeflate &+= other.sentBeforeDeflate
        sentAfterDeflate &+= other.sentAfterDeflate
    }

    /// A message ended, or with `isPart` a part of one, that was handed over.
    @inline(__always)
    mutating func received(_ count: Int, isPart: Bool = false) {
        bytesReceived &+= UInt64(truncatingIfNeeded: count)
        if !isPart { messagesReceived &+= 1 }
    }

    @inline(__always)
    mutating func sent(_ count: Int, isPart: Bool = false) {
        bytesSent &+= UInt64(truncatingIfNeeded: count)
        if !isPart { messagesSent &+= 1 }
    }

    mutating func deflated(_ before: Int, to after: Int) {
        sentBeforeDeflate &+= UInt64(truncatingIfNeeded: before)
        sentAfterDeflate &+= UInt64(truncatingIfNeeded: after)
    }

    mutating func inflated(_ before: Int, to after: Int) {
        receivedBeforeInflate &+= UInt64(truncatingIfNeeded: before)
        receivedAfterInflate &+= UInt64(truncatingIfNeeded: after)
    }
}
