import GWBase
import GWGateway
import GWJSON
import GWWebSocket

/// Calls of the host, and the events that the machine's actions become.
extension Client {
    // MARK: - Calls

    /// Queues a request; whether the queue is above its high mark now.
    public func call(_ request: CallRequest) throws(Failure) -> (call: UInt64, isAboveMark: Bool) {
        let now = machine.measuresMethods ? Syscall.now() : Syscall.coarseNow()
        guard let channel, channel.isOpen, let webSocket = channel.webSocket, webSocket.isOpen else {
            return kept(try machine.call(request, output: nil, now))
        }
        let output = OutputRoom(
            queuedBytes: channel.queuedBytes, maxQueuedBytes: Int(settings.maxQueuedBytes), offset: channel.nextOffset)
        let action = try machine.call(request, output: output, now)
        guard case .send(let id, let rest) = action else { return kept(action) }
        if let failure = Client.send(machine.frameHead, rest, webSocket) {
            machine.withdraw(id)
            throw failure
        }
        if journal != nil { noteCall(machine.frameHead, rest, now) }
        return (id, queued(channel))
    }

    /// The call waits for a connection, and no longer than its time to live.
    private func kept(_ action: ClientMachine.CallAction) -> (call: UInt64, isAboveMark: Bool) {
        reschedule()
        return (action.id, false)
    }

    @inline(__always)
    private static func send(
        _ head: UnsafeRawBufferPointer, _ rest: UnsafeRawBufferPointer, _ webSocket: WebSocketConnection
    ) -> Failure? {
        guard rest.count > 0 else { return webSocket.send(.text, head, compress: true) }
        webSocket.beginMessage(.text, length: head.count + rest.count + 1, compress: true)
        webSocket.append(head)
        webSocket.append(rest)
        webSocket.append(FrameWriter.end)
        return webSocket.endMessage()
    }

    func report(_ call: ClientMachine.EndedCall) {
        var event = Event(.callDone, source: id, userData: call.userData)
        event.explain(call.failure, context.arena)
        event.connection = machine.connections
        event.subject = call.id
        context.emit(event)
    }

    // MARK: - Actions of the session

    func connected(_ hello: Hello, _ warning: Failure?) {
        channel?.wipeOutput()
        var event = Event(.clientConnected, source: id, userData: settings.userData)
        event.connection = machine.connections
        event.code = hello.protocolVersion
        event.name = context.arena.copy(hello.serverVersion)
        event.payload = context.arena.copy(hello.redacted)
        context.emit(event)
        if let warning { warn(warning) }
    }

    func report(_ pairing: Pairing) {
        var event = Event(.pairing, source: id, userData: settings.userData)
        event.actor = pairing.state == .approved ? .program : .user
        event.name = borrowed(pairing.name)
        event.text = context.arena.copy(pairing.text.bytes)
        var payload = ByteBuffer()
        payload.appendJSONObject { object in
            object.string("code", pairing.code)
            object.string("senderId", pairing.senderID)
        }
        event.payload = context.arena.copy(payload.readable)
        context.emit(event)
    }

    private func borrowed(_ name: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    }

    func report(_ frame: EventFrame, _ text: UnsafeRawBufferPointer) {
        var event = Event(.gatewayEvent, source: id, userData: settings.userData)
        event.connection = machine.connections
        event.sequence = frame.sequence ?? Event.noSequence
        event.name = borrowedString(frame.name, text)
        if let payload = frame.payload { event.payload = payload.bytes(in: text) }
        emit(event)
    }

    func report(
        _ type: EventType, _ id: UInt64, _ call: PendingCall, _ payload: JSONSlice?, _ text: UnsafeRawBufferPointer
    ) {
        var event = Event(type, source: self.id, userData: call.userData)
        event.connection = machine.connections
        event.subject = id
        if let payload { event.payload = payload.bytes(in: text) }
        emit(event)
    }

    func reject(_ id: UInt64, _ call: PendingCall, _ error: JSONSlice?, _ text: UnsafeRawBufferPointer) {
        var event = Event(.callDone, source: self.id, userData: call.userData)
        event.reject(error, text, context.arena)
        event.connection = machine.connections
        event.subject = id
        context.emit(event)
    }

    func warn(_ failure: Failure) {
        var event = Event(.clientWarning, source: id, userData: settings.userData)
        event.explain(failure, context.arena)
        event.connection = machine.connections
        context.emit(event)
    }

    /// The text of a JSON string: where it lies if it has no escapes, else a copy.
    private func borrowedString(_ value: JSONSlice, _ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let content = UnsafeRawBufferPointer(rebasing: text[value.range.dropFirst().dropLast()])
        guard content.contains(0x5c) else { return content }
        return context.arena.copy(JSON.string(value, in: text) ?? [])
    }
}
