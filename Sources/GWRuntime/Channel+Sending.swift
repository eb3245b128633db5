import GWBase
import GWTLS
import GWWebSocket

/// Output gathers in one buffer and is offered to the kernel once a turn.
extension Channel {
    /// Output was added: it leaves at the end of the turn.
    func queueSend() {
        guard !isSendQueued, !isClosed else { return }
        isSendQueued = true
        context.queueSend(self)
    }

    /// Offers all output to the kernel.
    func send(_ now: Instant) {
        isSendQueued = false
        guard !isClosed, !isBlocked else { return }
        if let link, link.queuedBytes > 0, case .failed(let error) = link.flush() { return lost(error, now) }
        if let tls { sendEncrypted(tls, now) } else { sendPlain(now) }
        if case .lingering = stage, !isBlocked, !leavesEndToPeer { finishSending() }
        updateWatch()
        owner?.channelDidSend(self)
    }

    private func sendPlain(_ now: Instant) {
        if !head.isEmpty {
            guard finish(write(&head), now) else { return }
            head.wipe()
        }
        guard let webSocket, !webSocket.output.isEmpty else { return }
        let before = webSocket.output.count
        let result = write(&webSocket.output)
        takenOffset &+= UInt64(before &- webSocket.output.count)
        sentOffset = takenOffset
        _ = finish(result, now)
    }

    private func sendEncrypted(_ tls: TLSEngine, _ now: Instant) {
        repeat {
            encrypt(tls)
            let waiting = tls.output.count
            guard waiting > 0 else { return }
            let result = write(&tls.output)
            if tls.output.count < waiting { sentOffset = takenOffset }
            guard finish(result, now) else { return }
        } while hasPlaintext
    }

    private var hasPlaintext: Bool {
        if case .securing = stage { return false }
        return !head.isEmpty || !(webSocket?.output.isEmpty ?? true)
    }

    private func encrypt(_ tls: TLSEngine) {
        if case .securing = stage { return }
        if !head.isEmpty {
            if tls.write(head.readable) != nil { return }
            head.wipe()
        }
        guard let webSocket, tls.output.count < Channel.ciphertextMark, !webSocket.output.isEmpty else { return }
        let piece = UnsafeRawBufferPointer(rebasing: webSocket.output.readable.prefix(Channel.ciphertextMark))
        guard tls.write(piece) == nil else { return }
        takenOffset &+= UInt64(piece.count)
        webSocket.output.consume(piece.count)
    }

    func output(_ bytes: UnsafeRawBufferPointer) -> IOResult { link?.send(bytes) ?? Syscall.send(fd, bytes) }

    private enum WriteResult {
        case all
        case blocked
        case failed(Int32)
    }

    /// Writes as much as the kernel takes.
    private func write(_ buffer: inout ByteBuffer) -> WriteResult {
        while !buffer.isEmpty {
            switch output(buffer.readable) {
            case .bytes(let count):
                buffer.consume(count)
                // A short count means a full socket buffer: asking again would only say so.
                if !buffer.isEmpty { return .blocked }
            case .wouldBlock, .ended: return .blocked
            case .failed(let error): return .failed(error)
            }
        }
        return (link?.queuedBytes ?? 0) > 0 ? .blocked : .all
    }

    /// Draws the consequences of a write; whether everything has left.
    private func finish(_ result: WriteResult, _ now: Instant) -> Bool {
        switch result {
        case .all: return true
        case .blocked: isBlocked = true
        case .failed(let error): lost(error, now)
        }
        return false
    }
}
