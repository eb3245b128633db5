import GWBase
import GWGateway

/// What the client notes of itself, where the host asked for it.
extension Client {
    func note(_ state: StateTimes.State, _ now: Instant) {
        let text: StaticString =
            switch state {
            case .waiting: "waiting for the next attempt"
            case .connecting: "connecting"
            case .ready: "ready"
            case .closing: "closing"
            }
        log(journal?.state(text, now))
    }

    func noteEnd(_ failure: Failure, isFinal: Bool, _ now: Instant) {
        guard let journal else { return }
        log(journal.failure(failure, isFinal: isFinal, now))
        log(journal.dumpOnFailure())
    }

    func noteFrame(isIncoming: Bool, _ text: UnsafeRawBufferPointer, _ now: Instant) {
        log(journal?.frame(isIncoming: isIncoming, text, now))
    }

    /// A call's frame, which was never in one piece.
    func noteCall(_ head: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer, _ now: Instant) {
        var frame = ByteBuffer()
        frame.append(head)
        if rest.count > 0 {
            frame.append(rest)
            frame.append(FrameWriter.end)
        }
        noteFrame(isIncoming: false, frame.readable, now)
    }

    private func log(_ entry: Journal.Entry?) {
        guard let entry else { return }
        var event = Event(.log, source: id, userData: settings.userData)
        event.connection = machine.connections
        event.code = entry.level.rawValue
        event.name = context.arena.copy(
            UnsafeRawBufferPointer(start: entry.kind.utf8Start, count: entry.kind.utf8CodeUnitCount))
        if entry.isText {
            event.text = context.arena.copy(entry.text)
        } else {
            event.payload = context.arena.copy(entry.text)
        }
        event.subject = UInt64(entry.bytes)
        context.emit(event)
    }

    /// What the flight recorder holds.
    public var dump: [UInt8] { journal?.dump() ?? [] }
}
