import GWBase
import GWSocketIO
import GWWebSocket

/// What the host asks a Socket.IO client for, and the frames that it becomes.
extension SocketIOClient {
    // MARK: - Namespaces

    public func join(_ request: JoinRequest) throws(Failure) -> UInt64 {
        let now = Syscall.coarseNow()
        let namespace = try machine.join(request, now)
        follow(now)
        if isPaused { _ = tryAgain() }
        reschedule()
        return namespace
    }

    /// Whether there was one.
    public func leave(_ namespace: UInt64) -> Bool {
        guard machine.leave(namespace) else { return false }
        follow(Syscall.now())
        if machine.isIdle { pause(Failure(.ok, .none, "no namespace is wanted any more")) }
        reschedule()
        return true
    }

    /// Whether anybody still waited for it.
    public func answer(_ question: UInt64, auth: UnsafeRawBufferPointer) -> Bool {
        let now = Syscall.coarseNow()
        guard machine.answer(question, auth: auth, now) else { return false }
        follow(now)
        reschedule()
        return true
    }

    // MARK: - Events

    /// Sends an event or keeps it; whether the queue is above its high mark now.
    public func emit(
        _ emission: SocketIOMachine.Emission
    ) throws(Failure) -> (ack: UInt64, isAboveMark: Bool) {
        switch try machine.emit(emission, output: output, Syscall.coarseNow()) {
        case .kept(let ack):
            reschedule()
            return (ack, false)
        case .send(let rest, let ack):
            return (ack, try write(rest, emission.attachments))
        }
    }

    /// Answers an event of the server's; whether the queue is above its high mark now.
    public func acknowledge(
        _ ack: UInt64, arguments: UnsafeRawBufferPointer, attachments: [UnsafeRawBufferPointer]
    ) throws(Failure) -> Bool {
        let rest = try machine.acknowledge(ack, arguments: arguments, attachments: attachments, output: output)
        return try write(rest, attachments)
    }

    // MARK: - Frames

    private var output: OutputRoom? {
        guard let channel, channel.isOpen, let webSocket = channel.webSocket, webSocket.isOpen else { return nil }
        return OutputRoom(
            queuedBytes: channel.queuedBytes, maxQueuedBytes: Int(settings.maxQueuedBytes), isBusy: channel.isBlocked,
            offset: channel.nextOffset)
    }

    /// Writes what the machine has put together, and `rest` behind it, then the attachments.
    private func write(
        _ rest: UnsafeRawBufferPointer, _ attachments: [UnsafeRawBufferPointer]
    ) throws(Failure) -> Bool {
        guard let channel, let webSocket = channel.webSocket else { return false }
        webSocket.beginMessage(.text, length: machine.head.count + rest.count, compress: true)
        webSocket.append(machine.head.readable)
        webSocket.append(rest)
        if let failure = webSocket.endMessage() { throw failure }
        for attachment in attachments {
            if let failure = webSocket.send(.binary, attachment, compress: true) { throw failure }
        }
        return queued(channel)
    }

    func send(_ packet: OutgoingPacket, _ now: Instant) {
        guard let channel, channel.isOpen, let webSocket = channel.webSocket else { return }
        machine.willWrite(packet, at: channel.nextOffset)
        var failure = webSocket.send(.text, packet.text.readable, compress: !packet.isSecret)
        for attachment in packet.attachments where failure == nil {
            failure = attachment.withUnsafeBufferPointer {
                webSocket.send(.binary, UnsafeRawBufferPointer($0), compress: true)
            }
        }
        if let failure { return channel.end(failure, now) }
        _ = queued(channel)
    }
}
