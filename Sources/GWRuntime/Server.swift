import GWBase
import GWGateway
import GWTLS

/// An embedded gateway: a listening socket and the peers that came through it.
public final class Server: Source {
    private enum State {
        case running
        case stopping
        case stopped
    }

    let settings: ServerSettings
    let verifier = OpenSSLVerifier()
    let builtin: BuiltinMethods
    private var acceptor: Acceptor?
    /// With the certificate that new connections are shown.
    private var listening: ListeningSettings
    private var state = State.running
    private var peers: [UInt64] = []
    private let goClaw: GoClawGateway?
    var requests = PendingRequests()
    public private(set) var address: ListeningAddress

    /// Listens.  With the context's lock held.
    public static func open(context: Context, settings: ServerSettings) throws(Failure) -> Server {
        let fd = try Acceptor.listen(on: settings.listening.address)
        let server = Server(context: context, settings: settings, listening: fd)
        return server
    }

    private init(context: Context, settings: ServerSettings, listening fd: Int32) {
        self.settings = settings
        listening = settings.listening
        builtin = BuiltinMethods(wallMilliseconds: Syscall.wallMilliseconds())
        address = ListeningAddress(
            Syscall.localAddress(fd) ?? settings.listening.address, path: settings.goClaw == nil ? "" : "/ws",
            settings.listening.tls)
        if var gateway = settings.goClaw?.gateway {
            gateway.isLocal = settings.listening.address.isLoopback
            goClaw = GoClawGateway(
                settings: gateway, verifier: verifier, random: context.random,
                wallMilliseconds: Syscall.wallMilliseconds())
        } else {
            goClaw = nil
        }
        super.init(context: context)
        start()
        acceptor = Acceptor(context: context, listening: fd, asked: settings.listening.address, owner: self)
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
        if case .stopped = state { return .never }
        return min(requests.nextDeadline, goClaw?.deadline ?? .never)
    }

    override func tick(_ now: Instant) {
        if let goClaw {
            goClaw.tick(now, wallMilliseconds: Syscall.wallMilliseconds())
            deliverNotices(now)
        }
        while let request = requests.popExpired(now) {
            peer(request.peer)?.reject(
                request,
                Rejection(
                    "UNAVAILABLE", "the program did not answer within \(settings.requestMilliseconds) ms",
                    retryAfterMilliseconds: 1000))
        }
    }

    /// Brings what one connection of the GoClaw dialect has led to to the others.
    func deliverNotices(_ now: Instant) {
        guard let goClaw else { return }
        for notice in goClaw.takeNotices() {
            for id in peers {
                guard let peer = peer(id) as? GoClawPeer else { continue }
                switch notice {
                case .send(let audience, let frame): peer.deliver(audience, frame)
                case .drop(let senderID): peer.revoke(senderID, now)
                }
            }
        }
    }

    // MARK: - For the host

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
            guard let peer = self.peer(id), peer.maySee(event, payload) else { continue }
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

    /// Shows another certificate to those who connect from now on; connections that are there stay.
    public func use(_ reloaded: ListeningSettings) {
        listening = reloaded
        address = address.with(reloaded.tls)
    }

    /// Stops listening and closes every peer; whether it was still running.
    public func stop(reason: [UInt8]) -> Bool {
        guard case .running = state else { return false }
        stopListening()
        state = .stopping
        let now = Syscall.now()
        for id in peers { peer(id)?.shutDown(reason, now) }
        finishIfStopped()
        return true
    }

    private func stopListening() {
        acceptor?.close()
        acceptor = nil
    }

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

extension Server: AcceptorOwner {
    func accepted(_ descriptor: Int32, from address: SocketAddress, _ now: Instant) {
        guard peers.count < Int(settings.maxConnections) else { return Syscall.close(descriptor) }
        let tls: TLSEngine?
        do throws(Failure) {
            tls = try listening.makeEngine()
        } catch {
            return Syscall.close(descriptor)
        }
        let peer = newPeer(address, now)
        peers.append(peer.id)
        peer.begin(
            Channel(context: context, fd: descriptor, tls: tls, opener: peer), now)
    }

    private func newPeer(_ address: SocketAddress, _ now: Instant) -> Peer {
        guard let goClaw, let dialect = settings.goClaw else {
            return OpenClawPeer(server: self, address: address, now: now)
        }
        return GoClawPeer(server: self, gateway: goClaw, dialect, address: address, now: now)
    }
}
