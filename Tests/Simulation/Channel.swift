import GWBase
import GWWebSocket

protocol ChannelOwner: AnyObject {
    /// Bytes of the HTTP upgrade.
    func channel(_ channel: Channel, head: UnsafeRawBufferPointer) -> HeadAction
    func channelEndedInHead(_ channel: Channel) -> Failure
    /// The WebSocket is open.
    func channelOpened(_ channel: Channel)
    func channel(_ channel: Channel, received message: UnsafeRawBufferPointer)
    func channelReceivedPong(_ channel: Channel)
    func channel(_ channel: Channel, ended failure: Failure)
}

enum HeadAction {
    case needMore
    case open(consumed: Int, WebSocketConnection)
    case end(Failure)
}

/// One end of a wire, as `GWRuntime/Channel.swift` is one of a socket: HTTP head, WebSocket, then lingering.
final class Channel {
    private enum Stage {
        case upgrading
        case open
        case lingering
        case closed
    }

    let wire: Wire
    let side: Wire.Side
    private let process: Process
    private weak var owner: (any ChannelOwner)?
    private var stage = Stage.upgrading
    private(set) var webSocket: WebSocketConnection?
    private var head = ByteBuffer()
    private var arena: Arena
    private var isSendQueued = false
    private var takenOffset: UInt64 = 0
    /// Bytes of the WebSocket output that have left the process.
    private(set) var sentOffset: UInt64 = 0
    /// Where the WebSocket output begins in all that the wire has taken.
    private var headBytes: UInt64 = 0
    private var hasSentAll = false

    private var world: World { process.world }

    init(_ wire: Wire, _ side: Wire.Side, process: Process, owner: any ChannelOwner, arena: Arena) {
        self.wire = wire
        self.side = side
        self.process = process
        self.owner = owner
        self.arena = arena
        wire.attach(self, side)
    }

    var isOpen: Bool { stage == .open }
    var isClosed: Bool { stage == .closed }

    var queuedBytes: Int { head.count + (webSocket?.output.count ?? 0) }

    var nextOffset: UInt64 { takenOffset + UInt64(webSocket?.output.count ?? 0) }

    /// Bytes of the WebSocket output that the wire has ever taken, also after the owner was told of the end.
    var leftOffset: UInt64 { wire.accepted(from: side) - headBytes }

    // MARK: - Readiness

    func readable() { if !process.isStopped { receive() } }

    func writable() { if !process.isStopped { send() } }

    /// What has come while the process did not run.
    func resumed() {
        receive()
        send()
    }

    // MARK: - Output

    func sendHead<Result>(_ body: (inout ByteBuffer) -> Result) -> Result {
        defer {
            headBytes = UInt64(head.count)
            queueSend()
        }
        return body(&head)
    }

    /// Sends a text message in pieces; why it could not be.
    func sendText(_ pieces: [UnsafeRawBufferPointer], compress: Bool) -> Failure? {
        guard isOpen, let webSocket else { return nil }
        webSocket.beginMessage(.text, length: pieces.reduce(0) { $0 + $1.count }, compress: compress)
        for piece in pieces { webSocket.append(piece) }
        if let failure = webSocket.endMessage() { return failure }
        queueSend()
        return nil
    }

    func sendText(_ text: [UInt8], compress: Bool) {
        if let failure = text.withUnsafeBytes({ sendText([$0], compress: compress) }) { end(failure) }
    }

    func sendPing() {
        if webSocket?.sendPing([]) == nil { queueSend() }
    }

    /// Output leaves at the end of the turn, which for a host that is busy may be later.
    func queueSend() {
        guard !isSendQueued, !isClosed else { return }
        isSendQueued = true
        world.after(world.chance(percent: 80) ? 0 : world.between(0, .milliseconds(20))) { [self] in
            if !process.isStopped { send() }
        }
    }

    func send() {
        isSendQueued = false
        guard !isClosed else { return }
        guard write() else { return lost() }
        if stage == .lingering, queuedBytes == 0, !leavesEndToPeer { finishSending() }
    }

    private func write() -> Bool {
        while !head.isEmpty {
            guard let count = wire.write(side, head.readable) else { return false }
            guard count > 0 else { return true }
            head.consume(count)
        }
        while let webSocket, !webSocket.output.isEmpty {
            guard let count = wire.write(side, webSocket.output.readable) else { return false }
            guard count > 0 else { return true }
            webSocket.output.consume(count)
            takenOffset += UInt64(count)
            sentOffset = takenOffset
        }
        return true
    }

    /// After a closing handshake a client leaves the end of the transport to the server (RFC 6455 section 7.1.1).
    private var leavesEndToPeer: Bool { side == .client && webSocket?.closeSummary.isClean == true }

    private func finishSending() {
        guard !hasSentAll else { return }
        hasSentAll = true
        wire.shutdownWrite(side)
    }

    // MARK: - Input

    private func receive() {
        while !isClosed {
            switch wire.read(side) {
            case .wouldBlock: return
            case .bytes(let bytes): received(bytes)
            case .ended: return endOfStream()
            case .reset: return lost()
            }
        }
    }

    private func received(_ bytes: [UInt8]) {
        guard stage != .lingering else { return }
        let carried = webSocket?.carried.count ?? 0
        let room = arena.reserve(carried + bytes.count)
        if let webSocket, let base = room.baseAddress { _ = webSocket.takeCarried(to: base) }
        UnsafeMutableRawBufferPointer(rebasing: room[carried...]).copyBytes(from: bytes)
        let window = UnsafeMutableRawBufferPointer(rebasing: room[0..<(carried + bytes.count)])
        arena.commit(window.count)
        decode(window)
        arena.reset()
    }

    private func decode(_ window: UnsafeMutableRawBufferPointer) {
        var offset = 0
        if stage == .upgrading {
            guard let owner else { return }
            switch owner.channel(self, head: UnsafeRawBufferPointer(window)) {
            case .needMore: return
            case .end(let failure): return end(failure)
            case .open(let consumed, let webSocket):
                self.webSocket = webSocket
                stage = .open
                offset = consumed
                owner.channelOpened(self)
            }
        }
        guard let webSocket else { return }
        while isOpen {
            guard deliver(webSocket.next(window, &offset, arena, process.now)) else { break }
        }
        process.reschedule()
    }

    /// Passes one thing that was decoded on; false when there is nothing more to decode now.
    private func deliver(_ input: WebSocketConnection.Input) -> Bool {
        switch input {
        case .message(_, let message):
            owner?.channel(self, received: message)
            return true
        case .pong:
            owner?.channelReceivedPong(self)
            return true
        case .part, .ping:
            return true
        case .needMore:
            if let webSocket, !webSocket.output.isEmpty { queueSend() }
            return false
        case .closed(let summary):
            end(summary.failure)
            return false
        case .failed(let failure):
            end(failure)
            return false
        }
    }

    /// Keepalive and closing handshake: what is due.
    func tickWebSocket() {
        guard isOpen, let webSocket else { return }
        _ = deliver(webSocket.tick(process.now))
    }

    private func endOfStream() {
        switch stage {
        case .closed: break
        case .lingering: drop()
        case .upgrading: end(owner?.channelEndedInHead(self) ?? Channel.gone)
        case .open: if let webSocket { _ = deliver(webSocket.endOfStream(process.now)) } else { drop() }
        }
    }

    // MARK: - The end

    private static var gone: Failure {
        Failure(.lost, .network, "the connection was lost: reset by peer", isRetryable: true)
    }

    private func lost() {
        if stage == .lingering { return drop() }
        end(Channel.gone)
    }

    /// Tells the owner, sends what is queued, then lingers until the peer has closed too.
    func end(_ failure: Failure) {
        guard stage == .upgrading || stage == .open else { return }
        let owner = owner
        self.owner = nil
        if failure.status == .lost || failure.status == .pongTimeout {
            drop()
        } else {
            stage = .lingering
            world.after(.seconds(2)) { [self] in drop() }
            send()
            if queuedBytes > 0 { sentOffset = nextOffset }
        }
        owner?.channel(self, ended: failure)
    }

    /// Closes the socket now; nothing is sent or told any more.
    func drop() {
        guard !isClosed else { return }
        stage = .closed
        owner = nil
        head.clear()
        webSocket?.output.clear()
        wire.close(side)
    }

    /// The process has vanished with all that it held.
    func vanish(isTold: Bool) {
        guard !isClosed else { return }
        stage = .closed
        owner = nil
        wire.vanish(side, isTold: isTold)
    }
}
