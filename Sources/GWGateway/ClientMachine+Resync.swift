import GWBase

/// How the host catches up after events were lost: with a gap, or with the connection that ended.
extension ClientMachine {
    public enum ResyncReason: UInt32 {
        case reconnect = 1
        case gap = 2
    }

    /// The host's picture of the gateway is stale; `id` is what it answers.
    public struct Resync {
        public var id: UInt64
        public var reason: ResyncReason
        /// Of the last event that the host has, if it had a number.
        public var lastSequence: UInt64?
    }

    /// Events pass through `pass` rather than straight to the host.
    public var holdsEvents: Bool { barrier.isUp }

    public enum EventAction {
        case deliver
        case held
        /// Too much is held: `nextHeld` gives it all, this event last.
        case release(Failure)
    }

    /// A connection after the first is ready: what the host has to catch up with.
    public func resyncAfterReconnect(_ now: Instant) -> Resync? {
        guard connections > 1 else { return nil }
        return Resync(id: barrier.raise(now), reason: .reconnect, lastSequence: lastSequence)
    }

    /// Events are missing before this one.
    public func resync(before frame: EventFrame, missing: UInt64, _ now: Instant) -> Resync {
        // What is held already, the host does not have.
        if !barrier.isUp {
            let last = (frame.sequence ?? 0).subtractingReportingOverflow(missing &+ 1)
            lastSequence = last.overflow ? nil : last.partialValue
        }
        return Resync(id: barrier.raise(now), reason: .gap, lastSequence: lastSequence)
    }

    /// Whether an event goes to the host now.
    public func pass(_ frame: EventFrame, _ text: UnsafeRawBufferPointer) -> EventAction {
        guard barrier.isUp else { return .deliver }
        if let failure = barrier.hold(frame, text) { return .release(failure) }
        return .held
    }

    /// The host has caught up; false for an id that is not the last one, or whose barrier is down already.
    public func resynced(_ id: UInt64) -> Bool { barrier.lower(id) }

    /// The next event that was held, once nothing holds it any more.
    public func nextHeld() -> (frame: EventFrame, text: [UInt8])? {
        barrier.next().map { ($0.frame, $0.text) }
    }
}
