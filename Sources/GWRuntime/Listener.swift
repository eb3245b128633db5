import GWBase
import GWHTTP
import GWTLS
import GWWebSocket

/// What the host asked for of its listener, checked.
public struct ListenerSettings {
    public var listening: ListeningSettings
    public var socket = SocketSettings()
    public var agreesToDeflate = true
    /// Allowed Origin values, normalized; nil: any.
    public var origins: [[UInt8]]?
    public private(set) var subprotocols: [[UInt8]] = []
    public var asksHost = false
    public var handshakeMilliseconds = Limits.handshakeMilliseconds
    public var maxConnections = Limits.connections
    /// 0: no limit of its own.
    public var maxConnectionsPerAddress: UInt32 = 0

    public init(_ listening: ListeningSettings) { self.listening = listening }

    /// Subprotocols in the order of preference.
    public mutating func support(subprotocols: [[UInt8]]) throws(Failure) {
        try ClientHandshake.check(subprotocols: subprotocols)
        self.subprotocols = subprotocols
    }

    /// Why a request is refused before anybody is asked; nil if it is not.
    func refusal(of handshake: ServerHandshake) -> Failure? {
        guard let origins, let head = handshake.head else { return nil }
        switch head.fields.single("origin") {
        case .missing:
            return nil
        case .value(let origin):
            let normalized = Origin.normalized(origin)
            if origins.contains(where: { $0.elementsEqual(normalized) }) { return nil }
            return Failure(
                .upgradeRefused, .user, "origin \(String(printable: origin, limit: 100)) is not allowed", code: 403)
        case .repeated:
            return Failure(.upgradeInvalid, .user, "Origin stands there twice", code: 400)
        }
    }

    func choose(from offered: [[UInt8]]) -> [UInt8]? {
        subprotocols.first { wanted in offered.contains { $0.elementsEqual(wanted) } }
    }
}

/// A raw WebSocket server: a listening socket and the connections that came through it.
public final class Listener: Source {
    private enum State {
        case running
        case stopping
        case stopped
    }

    let settings: ListenerSettings
    private var acceptor: Acceptor?
    /// With the certificate that new connections are shown.
    private var listening: ListeningSettings
    private var state = State.running
    private var connections: [(socket: UInt64, host: [UInt8])] = []
    private var opened: UInt64 = 0
    private var refused: UInt64 = 0
    /// Of the connections that have ended.
    private var traffic = Traffic()
    public private(set) var address: ListeningAddress

    /// Listens.  With the context's lock held.
    public static func open(context: Context, settings: ListenerSettings) throws(Failure) -> Listener {
        let fd = try Acceptor.listen(on: settings.listening.address)
        return Listener(context: context, settings: settings, listening: fd)
    }

    private init(context: Context, settings: ListenerSettings, listening fd: Int32) {
        self.settings = settings
        listening = settings.listening
        address = ListeningAddress(
            Syscall.localAddress(fd) ?? settings.listening.address, settings.listening.tls)
        super.init(context: context)
        start()
        acceptor = Acceptor(context: context, listening: fd, asked: settings.listening.address, owner: self)
    }

    /// The connection of an id, if it is this listener's and has not ended.
    public func connection(_ id: UInt64) -> Socket? {
        guard let socket = context.socket(id), socket.listener === self else { return nil }
        return socket
    }

    /// Lets a connection in that the host was asked about; false if there is none such.
    public func accept(_ id: UInt64, subprotocol: [UInt8]?) throws(Failure) -> Bool {
        guard let socket = connection(id), case .accepting(let upgrade) = socket.phase, upgrade.isAsked,
            let channel = socket.channel
        else { return false }
        try upgrade.accept(channel, subprotocol: subprotocol)
        return true
    }

    /// Refuses a connection that the host was asked about; false if there is none such.
    public func reject(_ id: UInt64, status: UInt16, text: String) -> Bool {
        guard let socket = connection(id), case .accepting(let upgrade) = socket.phase, upgrade.isAsked,
            let channel = socket.channel
        else { return false }
        upgrade.reject(channel, status: status, text: text)
        return true
    }

    func socketOpened() { opened &+= 1 }

    func socketEnded(_ id: UInt64, _ socket: Socket) {
        if !socket.wasOpen { refused &+= 1 }
        traffic.add(socket.state.traffic)
        connections.removeAll { $0.socket == id }
        finishIfStopped()
    }

    public var statistics: ListenerStatistics {
        var sum = ListenerStatistics(
            connectionsNow: connections.count, connections: opened, refused: refused, traffic: traffic)
        for (id, _) in connections {
            if let socket = connection(id) { sum.traffic.add(socket.state.traffic) }
        }
        return sum
    }

    /// Shows another certificate to those who connect from now on; connections that are there stay.
    public func use(_ reloaded: ListeningSettings) {
        listening = reloaded
        address = address.with(reloaded.tls)
    }

    /// Stops listening and closes every connection; whether it was still running.
    public func stop() -> Bool {
        guard case .running = state else { return false }
        drop()
        state = .stopping
        for (id, _) in connections { _ = connection(id)?.close(code: 1001, reason: "server shutdown".bytes) }
        finishIfStopped()
        return true
    }

    override func drop() {
        acceptor?.close()
        acceptor = nil
        state = .stopped
    }

    private func finishIfStopped() {
        guard case .stopping = state, connections.isEmpty else { return }
        state = .stopped
        context.emit(Event(.serverClosed, source: id, userData: settings.socket.userData))
        finish()
    }
}

extension Listener: AcceptorOwner {
    func accepted(_ descriptor: Int32, from address: SocketAddress, _ now: Instant) {
        let host = address.hostText.bytes
        let perAddress = Int(settings.maxConnectionsPerAddress)
        guard connections.count < Int(settings.maxConnections),
            perAddress == 0 || connections.count(where: { $0.host.elementsEqual(host) }) < perAddress
        else { return refuse(descriptor) }
        let tls: TLSEngine?
        do throws(Failure) {
            tls = try listening.makeEngine()
        } catch {
            return refuse(descriptor)
        }
        let socket = Socket.accept(descriptor, tls, from: address, listener: self, now)
        if socket.id != 0 { connections.append((socket.id, host)) }
    }

    /// Above a limit.  Without TLS an answer costs nothing.
    private func refuse(_ descriptor: Int32) {
        refused &+= 1
        if settings.listening.tls == nil {
            var answer = ByteBuffer()
            ServerHandshake().refuse(503, "too many connections", into: &answer)
            // Input that nobody has read would turn the close into a reset, which destroys the answer.
            _ = Syscall.receive(descriptor, into: context.ciphertext)
            _ = Syscall.send(descriptor, answer.readable)
            Syscall.shutdownWrite(descriptor)
        }
        Syscall.close(descriptor)
    }
}
