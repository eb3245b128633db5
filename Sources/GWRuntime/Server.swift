import CSystem
import GWBase
import GWGateway
import GWTLS

/// An embedded gateway: a listening socket and the peers that came through it.
public final class Server: Source {
    private enum State {
        case listening
        /// Out of descriptors: looks again then.
        case pausedAccepting(until: Instant)
        case stopping
        case stopped
    }

    private static let acceptsPerTurn = 64
    private static let pauseMilliseconds: UInt32 = 100

    let settings: ServerSettings
    let verifier = OpenSSLVerifier()
    let builtin: BuiltinMethods
    private let fd: Int32
    private var state = State.listening
    private var peers: [UInt64] = []
    var requests = PendingRequests()
    public let port: UInt16
    private let hostText: String

    /// Listens.  With the context's lock held.
    public static func open(context: Context, settings: ServerSettings) throws(Failure) -> Server {
        do throws(SystemError) {
            return Server(context: context, settings: settings, listening: try listen(settings.address))
        } catch {
            throw Failure(.listen, .program, "cannot listen on \(settings.address.text): \(error.text)")
        }
    }

    private static func listen(_ address: SocketAddress) throws(SystemError) -> Int32 {
        let fd = try Syscall.socket(address)
        Syscall.setReuseAddress(fd)
        do throws(SystemError) {
            try Syscall.bindAndListen(fd, address)
        } catch {
            Syscall.close(fd)
            throw error
        }
        return fd
    }

    private init(context: Context, settings: ServerSettings, listening fd: Int32) {
        self.settings = settings
        self.fd = fd
        builtin = BuiltinMethods(wallMilliseconds: Syscall.wallMilliseconds())
        port = Syscall.localAddress(fd)?.port ?? 0
        hostText = settings.address.hostText
        super.init(context: context)
        start()
        context.reactor.watch(fd, id, gw_epoll_in, isNew: true)
    }

    deinit { stopListening() }

    // MARK: - Connections

    override func ready(_ events: UInt32, _ now: Instant) {
        for _ in 0..<Server.acceptsPerTurn {
            guard case .listening = state else { return }
            switch Syscall.accept(fd) {
            case .connection(let descriptor, let address): admit(descriptor, address, now)
            case .lost: continue
            case .wouldBlock: return
            case .exhausted:
                // The socket stays readable, so asking again at once would only burn the processor.
                context.unwatch(fd)
                state = .pausedAccepting(until: now.adding(milliseconds: Server.pauseMilliseconds))
                reschedule()
            }
        }
    }

    private func admit(_ descriptor: Int32, _ address: SocketAddress, _ now: Instant) {
        guard peers.count < Int(settings.maxConnections) else {
            Syscall.close(descriptor)
            return
        }
        Syscall.setNoDelay(descriptor)
        let tls: TLSEngine?
        do throws(Failure) {
            tls = try settings.tls.map { context throws(Failure) in try TLSEngine(server: context) }
        } catch {
            Syscall.close(descriptor)
            return
        }
        let peer = Peer(server: self, address: address, now: now)
        peers.append(peer.id)
        peer.begin(Channel(context: context, fd: descriptor, tls: tls, isConnected: true, opener: peer), now)
    }

    func peerEnded(_ peer: UInt64) {
        requests.removeAll(of: peer)
        peers.removeAll { $0 == peer }
        finishIfStopped()
    }

    func peer(_ id: UInt64) -> Peer? {
        guard let peer = context.sources[id] as? Peer, peer.server === self else { return nil }
        return peer
    }

    // MARK: - Time

    override var deadline: Instant {
        switch state {
        case .pausedAccepting(let until): min(until, requests.nextDeadline)
        case .listening, .stopping: requests.nextDeadline
        case .stopped: .never
        }
    }

    override func tick(_ now: Instant) {
        if case .pausedAccepting(let until) = state, until <= now {
            state = .listening
            context.reactor.watch(fd, id, gw_epoll_in, isNew: true)
        }
        while let request = requests.popExpired(now) {
            peer(request.peer)?.reject(
                request,
                Rejection(
                    "UNAVAILABLE", "the program did not answer within \(settings.requestMilliseconds) ms",
                    retryAfterMilliseconds: 1000))
        }
    }

    // MARK: - For the host

    public var url: [UInt8] { "\(settings.tls == nil ? "ws" : "wss")://\(hostText):\(port)".bytes }
    /// SHA-256 of the certificate and of its key in hex, and the certificate as PEM; empty without TLS.
    public var certificatePin: [UInt8] { settings.tls?.certificate.map { hexText($0.sha256) } ?? [] }
    public var keyPin: [UInt8] { settings.tls?.certificate.map { hexText($0.keySHA256) } ?? [] }
    public var certificate: [UInt8] { settings.tls?.certificate?.pem ?? [] }

    /// Answers a request; whether it was still open.
    public func reply(_ request: UInt64, payload: UnsafeRawBufferPointer, isFinal: Bool) -> ReplyResult {
        guard let pending = isFinal ? requests.remove(request) : requests.extend(request),
            let peer = peer(pending.peer), peer.isOpen
        else { return .gone }
        peer.reply(pending, payload, isFinal: isFinal)
        reschedule()
        return peer.isAboveMark ? .queued : .sent
    }

    public func reject(_ request: UInt64, _ rejection: Rejection) -> ReplyResult {
        guard let pending = requests.remove(request), let peer = peer(pending.peer), peer.isOpen else {
            return .gone
        }
        peer.reject(pending, rejection)
        reschedule()
        return peer.isAboveMark ? .queued : .sent
    }

    public enum ReplyResult {
        case sent
        case queued
        case gone
    }

    /// Sends an event to one peer, or to all that may see it.
    public func push(
        to peer: UInt64?, event: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) -> ReplyResult {
        if let peer {
            guard let peer = self.peer(peer), peer.isReady else { return .gone }
            peer.push(event, payload)
            return peer.isAboveMark ? .queued : .sent
        }
        var result = ReplyResult.sent
        for id in peers {
            guard let peer = self.peer(id), peer.maySee(event) else { continue }
            peer.push(event, payload)
            if peer.isAboveMark { result = .queued }
        }
        return result
    }

    public func disconnect(_ peer: UInt64, code: UInt16, reason: [UInt8]) -> Bool {
        guard let peer = self.peer(peer) else { return false }
        peer.close(code, reason, Failure(.cancelled, .none, "closed by the host"), Syscall.now())
        return true
    }

    /// Stops listening and closes every peer; whether it was still running.
    public func stop(reason: [UInt8]) -> Bool {
        switch state {
        case .stopping, .stopped: return false
        case .listening, .pausedAccepting: break
        }
        stopListening()
        state = .stopping
        let now = Syscall.now()
        for id in peers { peer(id)?.shutDown(reason, now) }
        finishIfStopped()
        return true
    }

    private func stopListening() {
        switch state {
        case .listening, .pausedAccepting:
            if case .listening = state { context.unwatch(fd) }
            Syscall.close(fd)
        case .stopping, .stopped: break
        }
    }

    /// The context ends: the socket closes at once.
    override func drop() {
        stopListening()
        state = .stopped
    }

    private func finishIfStopped() {
        guard case .stopping = state, peers.isEmpty else { return }
        state = .stopped
        context.emit(Event(.serverClosed, source: id, userData: settings.userData))
        finish()
    }
}
