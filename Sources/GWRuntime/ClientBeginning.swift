import GWBase
import GWGateway
import GWJSON

/// What connections begin with, and events that are held while the host catches up.
extension Client {
    // MARK: - Subscriptions

    /// Calls a method now, if there is a connection, and on every one that comes.
    public func subscribe(method: [UInt8], params: [UInt8], userData: UInt) throws(Failure) -> UInt64 {
        let id = try machine.subscribe(method: method, params: params, userData: userData)
        begin(Syscall.coarseNow())
        return id
    }

    /// Whether there was one.
    public func unsubscribe(_ id: UInt64) -> Bool { machine.unsubscribe(id) }

    /// Sends what the connection begins with, as far as it has not been sent.
    func begin(_ now: Instant) {
        while isOpen, let channel, channel.isOpen {
            let action = machine.next(offset: channel.nextOffset, now)
            switch action {
            case .none: return
            case .frame:
                if journal != nil { noteFrame(isIncoming: false, machine.frameHead, now) }
                channel.sendText(machine.frameHead, compress: true)
            case .ended, .subscribed, .synced: report(action, ClientSession.noText)
            }
            reschedule()
        }
    }

    func report(_ action: ClientMachine.BeginAction, _ text: UnsafeRawBufferPointer) {
        switch action {
        case .none, .frame: break
        case .ended(let call): report(call)
        case .subscribed(let id, let userData, let outcome): subscribed(id, userData, outcome, text)
        case .synced(let list, let failed):
            var event = Event(.synced, source: id, userData: settings.userData)
            event.connection = machine.connections
            event.code = failed
            event.payload = context.arena.copy(list)
            context.emit(event)
        }
    }

    private func subscribed(
        _ subscription: UInt64, _ userData: UInt, _ outcome: ClientMachine.Outcome, _ text: UnsafeRawBufferPointer
    ) {
        var event = Event(.subscribed, source: id, userData: userData)
        switch outcome {
        case .answered(let payload):
            if let payload { event.payload = payload.bytes(in: text) }
        case .rejected(let error):
            event.reject(error, text, context.arena)
        case .failed(let failure):
            event.explain(failure, context.arena)
        }
        event.connection = machine.connections
        event.subject = subscription
        context.emit(event)
    }

    // MARK: - Catching up

    func report(_ resync: ClientMachine.Resync) {
        var event = Event(.resync, source: id, userData: settings.userData)
        event.connection = machine.connections
        event.subject = resync.id
        event.code = resync.reason.rawValue
        event.sequence = resync.lastSequence ?? Event.noSequence
        context.emit(event)
    }

    /// An event that shows a gap, or that comes while events are held.
    func arrange(_ frame: EventFrame, _ text: UnsafeRawBufferPointer, _ missing: UInt64, _ now: Instant) {
        if missing > 0 {
            var gap = Event(.gap, source: id, userData: settings.userData)
            gap.connection = machine.connections
            gap.sequence = frame.sequence ?? Event.noSequence
            gap.code = UInt32(clamping: missing)
            context.emit(gap)
            report(machine.resync(before: frame, missing: missing, now))
        }
        switch machine.pass(frame, text) {
        case .deliver: report(frame, text)
        case .held: break
        case .release(let failure): release(failure)
        }
    }

    /// The host has caught up; false for what is not the present barrier.
    public func resynced(_ id: UInt64) -> Bool {
        guard machine.resynced(id) else { return false }
        giveHeld()
        return true
    }

    /// The barrier is down although the host has not caught up.
    func release(_ failure: Failure) {
        warn(failure)
        giveHeld()
    }

    private func giveHeld() {
        while let held = machine.nextHeld() { report(held.frame, context.arena.copy(held.text)) }
    }
}
