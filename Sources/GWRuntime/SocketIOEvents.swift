import GWBase
import GWJSON
import GWSocketIO
import GWWebSocket

/// The events that the machine's actions become.
extension SocketIOClient {
    func report(_ parameters: EngineIOParameters, _ now: Instant) {
        timings.hello = timings.lap(now)
        entered(.ready, now)
        var payload = ByteBuffer()
        payload.appendJSONObject { object in
            object.integer("pingInterval", parameters.pingIntervalMilliseconds)
            object.integer("pingTimeout", parameters.pingTimeoutMilliseconds)
            object.integer("maxPayload", parameters.maxPayloadBytes)
        }
        var event = Event(.clientConnected, source: id, userData: settings.userData)
        event.connection = machine.connections
        event.code = SocketIOClient.protocolVersion
        event.payload = context.arena.copy(payload.readable)
        context.emit(event)
    }

    private func event(_ type: EventType, _ namespace: UInt64, _ userData: UInt) -> Event {
        var event = Event(type, source: id, userData: userData)
        event.connection = namespace
        return event
    }

    func reportQuestion(_ question: UInt64, _ namespace: SocketIOMachine.NamespaceReport) {
        var event = event(.sioAuth, namespace.id, namespace.userData)
        event.subject = question
        context.emit(event)
    }

    func reportJoined(_ namespace: SocketIOMachine.NamespaceReport, _ sid: [UInt8], _ isRecovered: Bool) {
        channel?.wipeOutput()
        var event = event(.sioJoined, namespace.id, namespace.userData)
        event.name = context.arena.copy(sid)
        event.flags = isRecovered ? Event.recovered : 0
        context.emit(event)
    }

    func report(
        _ type: EventType, _ namespace: SocketIOMachine.NamespaceReport, _ reason: DisconnectReason?,
        _ failure: Failure
    ) {
        var event = event(type, namespace.id, namespace.userData)
        event.explain(failure, context.arena)
        if let reason {
            let text = reason.text
            event.name = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        }
        context.emit(event)
    }

    func report(_ ack: SocketIOMachine.EndedAck) {
        var event = event(.sioAck, ack.namespace, ack.userData)
        event.explain(ack.failure, context.arena)
        event.subject = ack.id
        context.emit(event)
    }

    func warn(_ failure: Failure) {
        var event = Event(.clientWarning, source: id, userData: settings.userData)
        event.explain(failure, context.arena)
        event.connection = machine.connections
        context.emit(event)
    }

    /// `memory` lives as long as the batch.
    @inline(__always)
    func report(_ received: Received, _ memory: UnsafeRawBufferPointer) {
        var event: Event
        switch received.kind {
        case .event(let ack):
            event = self.event(.sioEvent, received.namespace, received.userData)
            event.subject = ack
            if let name = received.name { event.name = text(of: name, in: memory) }
        case .ack(let id):
            event = self.event(.sioAck, received.namespace, received.userData)
            event.subject = id
        }
        if let arguments = received.arguments {
            event.payload = UnsafeRawBufferPointer(rebasing: memory[arguments])
        } else {
            let none: StaticString = "[]"
            event.payload = UnsafeRawBufferPointer(start: none.utf8Start, count: none.utf8CodeUnitCount)
        }
        if !received.attachments.isEmpty {
            event.code = UInt32(truncatingIfNeeded: received.attachments.count)
            event.text = slices(received.attachments, memory)
        }
        emit(event)
    }

    /// The text of a JSON string, where it lies if it has no escapes, else a copy; any other value as it stands.
    private func text(of value: JSONSlice, in memory: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard value.isString else { return value.bytes(in: memory) }
        let content = UnsafeRawBufferPointer(rebasing: memory[value.range.dropFirst().dropLast()])
        guard content.contains(0x5c) else { return content }
        return context.arena.copy(JSON.string(value, in: memory) ?? [])
    }

    /// An array of `gw_slice` in the arena: of each a pointer and a length.
    private func slices(_ ranges: [Range<Int>], _ memory: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let word = MemoryLayout<UInt>.size
        let size = ranges.count * 2 * word
        guard let room = context.arena.reserve(size + word).baseAddress else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let array = room.alignedUp(toMultipleOf: word)
        for (index, range) in ranges.enumerated() {
            let piece = UnsafeRawBufferPointer(rebasing: memory[range])
            array.storeBytes(of: UInt(bitPattern: piece.baseAddress), toByteOffset: 2 * index * word, as: UInt.self)
            array.storeBytes(of: UInt(piece.count), toByteOffset: (2 * index + 1) * word, as: UInt.self)
        }
        context.arena.commit(array + size - room)
        return UnsafeRawBufferPointer(start: array, count: size)
    }
}
