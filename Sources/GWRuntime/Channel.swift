import CSystem
import GWBase
import GWTLS
import GWWebSocket

/// One connection, client's or server's: a socket, TLS if it is to be, the HTTP head, then WebSocket.
///
/// Input is received into the arena of the batch and decoded there.  Output gathers in one buffer and leaves once a turn.
final class Channel: Source {
    enum Stage {
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
    static let ciphertextMark = 262_144
    static let readSize = 65_536
    /// Where what is received may inflate to a thousand times its size before the budget is looked at again.
    static let deflatedReadSize = 16_384

    var stage: Stage
    let fd: Int32
    let tls: TLSEngine?
    /// TLS to a proxy, below everything else.
    let link: ProxyLink?
    unowned(unsafe) var opener: (any ChannelOpener)?
    unowned(unsafe) var owner: (any ChannelOwner)?
    /// Set while the stage is open, and kept for its last bytes while it lingers.
    var webSocket: WebSocketConnection?
    /// Output before WebSocket begins.
    var head = ByteBuffer()
    /// What epoll reports of the socket; 0: it is not registered.
    private var watched: UInt32 = 0
    var isSendQueued = false
    var isBlocked = false
    /// The host does not collect: nothing is read for it.
    private var isReadingHeld = false
    /// The host has said that it wants nothing more for now.
    private var isPaused = false
    private var hasSentAll = false
    /// The host is to say whether it believes the server.
    private var isAsking = false
    /// Bytes of the WebSocket output that have been taken from it so far.
    var takenOffset: UInt64 = 0
    /// Bytes of it that have left the process; under TLS what is in a record that has partly left counts.
    var sentOffset: UInt64 = 0

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

    var isClosed: Bool {
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

    func secure(_ now: Instant) {
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

    /// After a closing handshake a client leaves the end of the transport to the server (RFC 6455 section 7.1.1).
    var leavesEndToPeer: Bool { webSocket?.role == .client && webSocket?.closeSummary.isClean == true }

    /// Everything is sent: say so to the peer.
    func finishSending() {
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

    func updateWatch() {
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
