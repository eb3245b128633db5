/// Where the output of a connection stands when something more is to be sent on it.
public struct OutputRoom {
    /// Bytes that wait to be sent, and how many may.
    public var queuedBytes: Int
    public var maxQueuedBytes: Int
    /// The kernel takes no more at present.
    public var isBusy: Bool
    /// The place of the next frame in all that the connection sends.
    public var offset: UInt64

    public init(queuedBytes: Int, maxQueuedBytes: Int, isBusy: Bool = false, offset: UInt64) {
        self.queuedBytes = queuedBytes
        self.maxQueuedBytes = maxQueuedBytes
        self.isBusy = isBusy
        self.offset = offset
    }

    /// Why so many bytes more are not taken; nil if they are.
    public func refusal(of what: StaticString, _ size: Int) -> Failure? {
        guard size > maxQueuedBytes || queuedBytes > maxQueuedBytes - size else { return nil }
        guard size <= maxQueuedBytes else { return .tooBig(what, size, "max_queued_bytes is", maxQueuedBytes) }
        return .wouldPass(
            .full, held: queuedBytes, "bytes wait to be sent", more: size, "max_queued_bytes", maxQueuedBytes)
    }
}
