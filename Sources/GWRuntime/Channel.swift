import CSystem
import GWBase
import GWTLS
import GWWebSocket

/// What a channel tells whoever opens it, until WebSocket begins or it has ended.
protocol ChannelOpener: AnyObject {
    /// TLS stands, or none was asked for: the HTTP upgrade can begin.
    func channelIsSecure(_ channel: Channel, _ now: Instant)
    /// Bytes of the HTTP upgrade, or none: the peer has sent all that it will.
    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction
    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant)
    /// The server's certificate would be refused: TLS waits for `answer`.
    func channel(_ channel: Channel, asks refusal: Failure, _ now: Instant)
}

extension ChannelOpener {
    /// Servers do not ask about clients.
    func channel(_ channel: Channel, asks refusal: Failure, _ now: Instant) {}
}

enum HeadAction {
    case needMore
    /// WebSocket begins after this many bytes; from there on the owner is told.
    case open(consumed: Int, WebSocketConnection, any ChannelOwner)
    /// Over: what is queued is sent, then the connection closes.
    case end(Failure)
}

/// What a channel tells whom its WebSocket connection belongs to.
protocol ChannelOwner: AnyObject {
    /// A message or a control frame; never the end, which comes as such.
    func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant)
    /// The connection is over for its owner, which hears nothing more of it.
    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant)
    /// Output has left, all of it or a part.
    func channelDidSend(_ channel: Channel)
    /// Something was received: deadlines may have moved.
    func reschedule()
}

/// One connection, client's or server's: a socket, TLS if it is to be, the HTTP head, then WebSocket.
///
/// Input is received into the arena of the batch and decoded there.  Output gathers in one buffer and leaves once a turn.
final class Channel: Source {
    private enum Stage {
        case securing
        case upgrading
        case open
        /// Over for its owner: the last bytes are sent and what still arrives is thrown away, so that the peer gets our
        /// close frame rather than a reset (RFC 6455 section 7.1.1).
        case lingering(until: Instant)
        case closed
    }

    private static let lingerMilliseconds: UInt32 = 2_000
    /// No more plaintext is encrypted while this much ciphertext waits for the kernel.
    private static let ciphertextMark = 262_144
    private static let readSize = 65_536
    /// Where what is received may inflate to a thousand times its size before the budget is looked at again.
    private static let deflatedReadSize = 16_384

    private var stage: Stage
    private let fd: Int32
    let tls: TLSEngine?
    /// TLS to a proxy, below everything else.
    private let link: ProxyLink?
    private unowned(unsafe) var opener: (any ChannelOpener)?
    private unowned(unsafe) var owner: (any ChannelOwner)?
    /// Set while the stage is open, and kept for its last bytes while it lingers.
    private(set) var webSocket: WebSocketConnection?
    /// Output before WebSocket begins.
    private var head = ByteBuffer()
    /// What epoll reports of the socket; 0: it is not registered.
    private var watched: UInt32 = 0
    private var isSendQueued = false
    private var isBlocked = false
    /// The host does not collect: nothing is read for it.
    private var isReadingHeld = false
    /// The host has said that it wants nothing more for now.
    private var isPaused = false
    private var hasSentAll = false
    /// The host is to say whether it believes the server.
    private var isAsking = false
    /// Bytes of the WebSocket output that have been taken from it so far.
    private var takenOffset: UInt64 = 0
    /// Bytes of it that have left the process; under TLS what is in a record that has partly left counts.
    private(set) var sentOffset: UInt64 = 0

    /// Takes a connected socket over; `beginSecuring` then begins.
    init(context: Context, fd: Int32, tls: TLSEngine?, link: ProxyLink? = nil, opener: any ChannelOpener) {
        self.fd = fd
        self.tls = tls
        self.link = link
        self.opener = opener
        stage = tls == nil ? .upgrading : .securing
        super.init(context: context)
        start()
        watch(gw_epoll_in)
    }

    deinit { drop() }

    var isEncrypted: Bool { tls != nil }

    /// What TLS agreed on; nil without it, and before its handshake is done.
    var agreement: TLSAgreement? { tls?.agreement }

    /// The certificate that the peer showed.
    var peerCertificate: Certificate? { tls?.peerCertificate }

    var isOpen: Bool {
        if case .open = stage { return true }
        return false
    }

    /// The HTTP upgrade is under way, and can be answered.
    var isUpgrading: Bool {
        if case .upgrading = stage { return true }
        return false
    }

    /// Bytes that wait for the kernel.
    var queuedBytes: Int {
        head.count + (webSocket?.output.count ?? 0) + (tls?.output.count ?? 0) + (link?.queuedBytes ?? 0)
    }

    /// The place in the WebSocket output where the next message begins.
    var nextOffset: UInt64 { takenOffset + UInt64(webSocket?.output.count ?? 0) }

    /// Closes the socket now; nothing is sent or told any more.
    override func drop() {
        guard !isClosed else { return }
        stage = .closed
        opener = nil
        owner = nil
        if watched != 0 { context.unwatch(fd) }
        Syscall.close(fd)
        head.wipe()
        // The owner may still ask how it ended.
        webSocket?.output.wipe()
        finish()
    }

    private var isClosed: Bool {
        if case .closed = stage { return true }
        return false
    }

    // MARK: - Readiness

    override func ready(_ events: UInt32, _ now: Instant) {
        if events & gw_epoll_out != 0 {
            isBlocked = false
            send(now)
        }
        if events & ~gw_epoll_out != 0 || link?.hasPending == true, !isClosed { receive(now) }
        // What a proxy's record still holds makes no descriptor ready.
        if link != nil { reschedule() }
    }

    /// Begins TLS, or what comes after it.
    func beginSecuring(_ now: Instant) {
        guard tls != nil else {
            opener?.channelIsSecure(self, now)
            return
        }
        secure(now)
    }

    private func secure(_ now: Instant) {
        guard let tls else { return }
        switch tls.handshake() {
        case .wantsInput:
            send(now)
        case .asks(let refusal):
            stopReading()
            guard !isAsking else { return }
            isAsking = true
            opener?.channel(self, asks: refusal, now)
        case .done:
            stage = .upgrading
            opener?.channelIsSecure(self, now)
            send(now)
        case .failed(let failure):
            end(failure, now)
        }
    }

    /// The host's word about the server.
    func answer(isBelieved: Bool, _ now: Instant) {
        guard case .securing = stage, isAsking else { return }
        isAsking = false
        tls?.answer(isBelieved: isBelieved)
        resumeReading()
        secure(now)
    }

    // MARK: - Input

    private func receive(_ now: Instant) {
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

    private func input(into room: UnsafeMutableRawBufferPointer) -> IOResult {
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

    private func deliver(_ input: WebSocketConnection.Input, _ now: Instant) -> Bool {
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

    private func endOfStream(_ now: Instant) {
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

    private func lost(_ error: Int32, _ now: Instant) {
        if case .lingering = stage { return drop() }
        end(
            Failure(.lost, .network, "the connection was lost: \(SystemError.text(error))", isRetryable: true), now)
    }

    private func discard() {
        switch input(into: context.ciphertext) {
        case .bytes, .wouldBlock: break
        case .ended, .failed: drop()
        }
    }

    // MARK: - Backpressure

    /// Nothing is read for now, so silence says nothing about the peer.
    var isReadingStopped: Bool { isReadingHeld || isPaused }

    func stopReading() {
        isReadingHeld = true
        updateWatch()
    }

    func resumeReading() {
        isReadingHeld = false
        readingMayGoOn()
    }

    func pause() {
        isPaused = true
        updateWatch()
    }

    func resume() {
        isPaused = false
        readingMayGoOn()
    }

    private func readingMayGoOn() {
        updateWatch()
        if link != nil { reschedule() }
    }

    // MARK: - Output

    /// Bytes of the HTTP upgrade.
    func sendHead<Result>(_ body: (inout ByteBuffer) -> Result) -> Result {
        defer { queueSend() }
        return body(&head)
    }

    /// Sends a whole text message.
    func sendText(_ text: UnsafeRawBufferPointer, compress: Bool) {
        guard isOpen, let webSocket else { return }
        webSocket.beginMessage(.text, length: text.count, compress: compress)
        webSocket.append(text)
        if let failure = webSocket.endMessage() { return end(failure, Syscall.coarseNow()) }
        queueSend()
    }

    /// The output held a secret, and all of it has left.
    func wipeOutput() {
        if let webSocket, webSocket.output.isEmpty { webSocket.output.wipe() }
    }

    /// WebSocket begins now: what the upgrade waited for has been decided outside of it.
    func begin(_ webSocket: WebSocketConnection, _ owner: any ChannelOwner) {
        guard case .upgrading = stage else { return }
        stage = .open
        self.webSocket = webSocket
        self.owner = owner
        opener = nil
        resumeReading()
    }

    /// Keepalive and closing handshake: what is due.
    func tickWebSocket(_ now: Instant) {
        guard isOpen, let webSocket else { return }
        if isReadingStopped { webSocket.readingIsHeld(now) }
        _ = deliver(webSocket.tick(now), now)
    }

    override func networkChanged(_ now: Instant) {
        guard isOpen else { return }
        webSocket?.probe(now)
        owner?.reschedule()
    }

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
        if case .lingering = stage, !isBlocked { finishSending() }
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

    private func output(_ bytes: UnsafeRawBufferPointer) -> IOResult { link?.send(bytes) ?? Syscall.send(fd, bytes) }

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

    // MARK: - The end

    /// Tells the owner, sends what is queued, then lingers until the peer has closed too.
    func end(_ failure: Failure, _ now: Instant) {
        switch stage {
        case .closed, .lingering: return
        case .securing, .upgrading, .open: break
        }
        let owner = owner
        let opener = opener
        self.owner = nil
        self.opener = nil
        if failure.status == .lost || failure.status == .pongTimeout {
            drop()
        } else {
            stage = .lingering(until: now.adding(milliseconds: Channel.lingerMilliseconds))
            // The peer's end must be seen.
            isReadingHeld = false
            isPaused = false
            send(now)
            // What is still queued may yet leave.
            if queuedBytes > 0 { sentOffset = nextOffset }
            reschedule()
        }
        owner?.channel(self, ended: failure, now)
        opener?.channel(self, ended: failure, now)
    }

    /// Everything is sent: say so to the peer.
    private func finishSending() {
        guard !hasSentAll else { return }
        hasSentAll = true
        if let tls {
            tls.close()
            var rest = ByteBuffer()
            swap(&rest, &tls.output)
            if !rest.isEmpty { _ = output(rest.readable) }
        }
        Syscall.shutdownWrite(fd)
    }

    override var deadline: Instant {
        if let link, link.hasPending, !isReadingStopped, !isClosed { return Instant(microseconds: 0) }
        if case .lingering(let until) = stage { return until }
        return .never
    }

    override func tick(_ now: Instant) {
        if case .lingering(let until) = stage, until <= now { return drop() }
        if let link, link.hasPending {
            receive(now)
            reschedule()
        }
    }

    // MARK: - Watching

    private func updateWatch() {
        guard !isClosed else { return }
        watch((isReadingStopped ? 0 : gw_epoll_in) | (isBlocked ? gw_epoll_out : 0))
    }

    private func watch(_ events: UInt32) {
        guard events != watched else { return }
        if events == 0 {
            // Registered without an event it would still report, again and again, that the peer has gone.
            context.unwatch(fd)
        } else {
            context.reactor.watch(fd, id, events, isNew: watched == 0)
        }
        watched = events
    }
}
