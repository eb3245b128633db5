import GWBase
import GWTLS
import GWWebSocket

/// Input is received into the arena of the batch and decoded there.
extension Channel {
    func receive(_ now: Instant) {
        guard !isReadingStopped else { return }
        if case .lingering = stage { return discard() }
        guard context.mayRead(self) else { return }
        if tls == nil { receivePlain(now) } else { receiveEncrypted(now) }
    }

    private var readLimit: Int { webSocket?.isDeflating == true ? Channel.deflatedReadSize : .max / 2 }

    private func receivePlain(_ now: Instant) {
        if let direct = webSocket?.directRoom() {
            switch input(into: direct) {
            case .bytes(let count): receivedDirect(count, now)
            case .wouldBlock: break
            case .ended: endOfStream(now)
            case .failed(let error): lost(error, now)
            }
            return
        }
        let carried = webSocket?.carried.count ?? 0
        let room = context.arena.reserve(carried &+ Channel.readSize)
        let target = UnsafeMutableRawBufferPointer(rebasing: room[carried..<min(room.count, carried &+ readLimit)])
        switch input(into: target) {
        case .bytes(let count): received(room, count, now)
        case .wouldBlock: break
        case .ended: endOfStream(now)
        case .failed(let error): lost(error, now)
        }
    }

    private func receiveEncrypted(_ now: Instant) {
        guard let tls else { return }
        let limit = min(readLimit, context.ciphertext.count)
        switch input(into: UnsafeMutableRawBufferPointer(rebasing: context.ciphertext[0..<limit])) {
        case .bytes(let count):
            tls.supply(UnsafeRawBufferPointer(rebasing: context.ciphertext[0..<count]))
        case .wouldBlock: return
        case .ended: return endOfStream(now)
        case .failed(let error): return lost(error, now)
        }
        if case .securing = stage { secure(now) }
        while true {
            // Plaintext is never longer than the ciphertext that it comes from, but OpenSSL may hold a record already.
            let direct = webSocket?.directRoom()
            let carried = direct == nil ? webSocket?.carried.count ?? 0 : 0
            switch stage {
            case .upgrading, .open: break
            default: return
            }
            let room = direct ?? context.arena.reserve(carried &+ Channel.readSize)
            let action = tls.read(into: UnsafeMutableRawBufferPointer(rebasing: room[carried...]))
            // TLS 1.3 may answer what it read, with a key update for one.
            if !tls.output.isEmpty { queueSend() }
            switch action {
            case .bytes(let count):
                if direct != nil { receivedDirect(count, now) } else { received(room, count, now) }
            case .wantsInput:
                return
            case .closed:
                return endOfStream(now)
            case .failed(let failure):
                return end(failure, now)
            }
        }
    }

    func input(into room: UnsafeMutableRawBufferPointer) -> IOResult {
        link?.receive(into: room) ?? Syscall.receive(fd, into: room)
    }

    private func receivedDirect(_ count: Int, _ now: Instant) {
        guard let webSocket else { return }
        _ = deliver(webSocket.directReceived(count, context.arena, now), now)
        owner?.reschedule()
    }

    /// New bytes stand in the arena, behind the place of what was carried over.
    private func received(_ room: UnsafeMutableRawBufferPointer, _ count: Int, _ now: Instant) {
        var window = UnsafeMutableRawBufferPointer(rebasing: room[0..<count])
        if let webSocket, webSocket.carried.count > 0 {
            let carried = webSocket.carried.count
            room.copyMemory(from: webSocket.carried.readable)
            webSocket.carried.release()
            window = UnsafeMutableRawBufferPointer(rebasing: room[0..<(carried &+ count)])
        }
        let before = context.events.filling.count
        context.arena.commit(window.count)
        decode(window, now)
        owner?.reschedule()
        if context.events.filling.count == before { context.arena.rewind(to: window) }
    }

    private func decode(_ window: UnsafeMutableRawBufferPointer, _ now: Instant) {
        var offset = 0
        if case .upgrading = stage {
            guard let opener else { return }
            switch opener.channel(self, head: UnsafeRawBufferPointer(window), isEnd: false, now) {
            case .needMore:
                return
            case .open(let consumed, let webSocket, let owner):
                stage = .open
                self.webSocket = webSocket
                self.owner = owner
                self.opener = nil
                offset = min(consumed, window.count)
            case .end(let failure):
                return end(failure, now)
            }
        }
        guard let webSocket, let owner else { return }
        let arena = context.arena
        while case .open = stage {
            guard deliver(webSocket.next(window, &offset, arena, now), to: owner, now) else { return }
        }
    }

    func deliver(_ input: WebSocketConnection.Input, _ now: Instant) -> Bool {
        guard let owner else { return false }
        return deliver(input, to: owner, now)
    }

    /// Passes one thing that was decoded on; false when there is nothing more to decode now.
    @inline(__always)
    private func deliver(_ input: WebSocketConnection.Input, to owner: any ChannelOwner, _ now: Instant) -> Bool {
        switch input {
        case .message, .part, .ping, .pong:
            owner.channel(self, received: input, now)
            return true
        case .needMore:
            if let webSocket, !webSocket.output.isEmpty { queueSend() }
            return false
        case .closed(let summary):
            end(summary.failure, now)
            return false
        case .failed(let failure):
            end(failure, now)
            return false
        }
    }

    func endOfStream(_ now: Instant) {
        switch stage {
        case .closed:
            break
        case .lingering:
            drop()
        case .securing:
            end(
                Failure(
                    .tls, .network, "the peer closed the connection during the TLS handshake", isRetryable: true), now)
        case .upgrading:
            guard let opener else { return drop() }
            let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
            if case .end(let failure) = opener.channel(self, head: nothing, isEnd: true, now) { end(failure, now) }
        case .open:
            guard let webSocket else { return drop() }
            _ = deliver(webSocket.endOfStream(now), now)
        }
    }

    func lost(_ error: Int32, _ now: Instant) {
        if case .lingering = stage { return drop() }
        end(
            Failure(.lost, .network, "the connection was lost: \(SystemError.text(error))", isRetryable: true), now)
    }

    func discard() {
        switch input(into: context.ciphertext) {
        case .bytes, .wouldBlock: break
        case .ended:
            finishSending()
            drop()
        case .failed: drop()
        }
    }
}
