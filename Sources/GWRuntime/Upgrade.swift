import GWBase
import GWDeflate
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// A connection that came in through a listener, until it is a WebSocket: TLS, the upgrade request, the decision about it.
final class Upgrade {
    let deadline: Instant
    let address: SocketAddress
    private unowned(unsafe) let socket: Socket
    private let listener: Listener
    private var handshake: ServerHandshake
    private(set) var isAsked = false

    init(socket: Socket, listener: Listener, address: SocketAddress, deadline: Instant) {
        self.socket = socket
        self.listener = listener
        self.address = address
        self.deadline = deadline
        handshake = ServerHandshake(limits: listener.settings.socket.head)
    }

    /// What the host is told of the request.
    private func detail(_ channel: Channel, withSubprotocols: Bool) -> [UInt8] {
        var detail = ByteBuffer()
        let head = handshake.head
        let handshake = handshake
        let remote = address.text
        let certificate = channel.peerCertificate
        detail.appendJSONObject { object in
            object.string("target", head?.target ?? [])
            object.array("headers") { SocketDetail.write(head?.fields, &$0) }
            if withSubprotocols {
                object.array("subprotocols") { list in for name in handshake.subprotocols { list.string(name) } }
            }
            object.string("remote", remote)
            object.shownCertificate(certificate)
        }
        return Array(detail.readable)
    }

    /// `isAhead`: the peer sent more before it was answered, which there is no place for while the host decides.
    private func decide(_ channel: Channel, isAhead: Bool) -> HeadAction? {
        if let refusal = listener.settings.refusal(of: handshake) { return refuse(refusal, channel) }
        guard listener.settings.asksHost else { return nil }
        if isAhead { return refuse(Upgrade.ahead, channel) }
        isAsked = true
        // Nothing more is read of it until the host has decided.
        channel.stopReading()
        var event = socket.event(.socketRequest)
        event.name = socket.context.arena.copy(handshake.head?.target ?? [])
        event.payload = socket.context.arena.copy(detail(channel, withSubprotocols: true))
        socket.context.emit(event)
        return .needMore
    }

    private static var ahead: Failure {
        Failure(.upgradeInvalid, .user, "the peer sent more before its upgrade request was answered", code: 400)
    }

    private func refuse(_ failure: Failure, _ channel: Channel) -> HeadAction {
        let handshake = handshake
        channel.sendHead { handshake.refuse(failure, into: &$0) }
        return .end(failure)
    }

    /// Answers 101; the connection is a WebSocket from here on.
    private func accept(_ channel: Channel, subprotocol: [UInt8]?, _ now: Instant) -> WebSocketConnection {
        let settings = listener.settings
        let acceptValue = WebSocketAccept.value(forKey: handshake.key)
        let handshake = handshake
        let agreement = channel.sendHead {
            handshake.accept(
                acceptValue: acceptValue, deflate: settings.agreesToDeflate ? settings.socket.webSocket.deflate : nil,
                subprotocol: subprotocol, into: &$0)
        }
        let detail = detail(channel, withSubprotocols: false)
        let webSocket = WebSocketConnection(
            role: .server, settings: settings.socket.webSocket, deflate: agreement.deflate,
            random: socket.context.random, now: now)
        socket.opened(channel, subprotocol: agreement.subprotocol, detail: detail)
        return webSocket
    }

    /// Nobody decides any more: says so where the peer can still be answered, and ends the connection.
    func abandon(_ channel: Channel, status: UInt16, _ failure: Failure, _ now: Instant) {
        if channel.isUpgrading {
            let handshake = handshake
            channel.sendHead { handshake.refuse(status, failure.text, into: &$0) }
        }
        channel.end(failure, now)
    }

    // MARK: - The host's decision

    func accept(_ channel: Channel, subprotocol: [UInt8]?) throws(Failure) {
        if let subprotocol, !handshake.subprotocols.contains(subprotocol) {
            throw Failure(
                .argument, .program,
                "the peer did not offer the subprotocol \(String(printable: subprotocol, limit: 60))")
        }
        let socket = socket
        channel.begin(accept(channel, subprotocol: subprotocol, Syscall.now()), socket)
        socket.reschedule()
    }

    func reject(_ channel: Channel, status: UInt16, text: String) {
        let handshake = handshake
        channel.sendHead { handshake.refuse(status, text, into: &$0) }
        channel.end(
            Failure(.cancelled, .none, "the host refused the connection", code: UInt32(status)), Syscall.now())
    }
}

extension Upgrade: ChannelOpener {
    func channelIsSecure(_ channel: Channel, _ now: Instant) {}

    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction {
        guard !isEnd else {
            return .end(Failure(.upgradeInvalid, .user, "the peer closed before the upgrade was done"))
        }
        guard !isAsked else { return refuse(Upgrade.ahead, channel) }
        switch handshake.receive(bytes) {
        case .needMore:
            return .needMore
        case .refused(let failure):
            return refuse(failure, channel)
        case .request(let consumed):
            if let action = decide(channel, isAhead: consumed < bytes.count) { return action }
            let chosen = listener.settings.choose(from: handshake.subprotocols)
            return .open(consumed: consumed, accept(channel, subprotocol: chosen, now), socket)
        }
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) { socket.ended(failure) }
}

/// A socket that was accepted.
extension Socket {
    static func accept(
        _ descriptor: Int32, _ tls: TLSEngine?, from address: SocketAddress, listener: Listener, _ now: Instant
    ) -> Socket {
        let socket = Socket(context: listener.context, settings: listener.settings.socket, listener: listener)
        let upgrade = Upgrade(
            socket: socket, listener: listener, address: address,
            deadline: now.adding(milliseconds: listener.settings.handshakeMilliseconds))
        socket.phase = .accepting(upgrade)
        let channel = Channel(
            context: listener.context, fd: descriptor, tls: tls, opener: upgrade)
        socket.channel = channel
        socket.reschedule()
        channel.beginSecuring(now)
        return socket
    }

    func upgradeTimedOut(_ now: Instant) {
        guard let listener, let channel, case .accepting(let upgrade) = phase else { return }
        let limit = listener.settings.handshakeMilliseconds
        if upgrade.isAsked {
            let text = "the host did not decide within \(limit) ms"
            return upgrade.abandon(channel, status: 503, Failure(.upgradeTimeout, .program, text, code: 503), now)
        }
        let text = "TLS and the upgrade took longer than \(limit) ms"
        upgrade.abandon(channel, status: 408, Failure(.upgradeTimeout, .user, text, code: 408), now)
    }
}
