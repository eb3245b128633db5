import GWBase
import GWGateway
import GWWebSocket

/// One connection of the gateway, as `GWRuntime/Peer.swift` is one.
final class SimulatedPeer: Process, ChannelOwner {
    private enum Phase {
        case upgrading(deadline: Instant)
        case open
        case closing
        case ended
    }

    private let gateway: SimulatedGateway
    private let number: Int
    private let session: any GatewaySession
    private var phase: Phase
    private var channel: Channel?
    private var handshake = ServerHandshake()
    private var ends = 0

    init(_ gateway: SimulatedGateway, _ wire: Wire, _ arena: Arena) {
        self.gateway = gateway
        number = wire.number
        phase = .upgrading(deadline: gateway.world.now.adding(milliseconds: Limits.handshakeMilliseconds))
        session = gateway.dialect.session(gateway, wire: wire.number, gateway.world.now)
        super.init(gateway.world, name: "peer \(wire.number)")
        channel = Channel(wire, .gateway, process: self, owner: self, arena: arena)
    }

    var isReady: Bool {
        if case .open = phase { return session.isReady }
        return false
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .upgrading(let deadline): deadline
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, session.deadline)
        case .ended: .never
        }
    }

    override func tick() {
        switch phase {
        case .upgrading(let deadline):
            if deadline <= now { channel?.end(Failure(.upgradeTimeout, .user, "the upgrade takes too long")) }
        case .open:
            follow(session.tick(now))
            channel?.tickWebSocket()
        case .closing:
            channel?.tickWebSocket()
        case .ended:
            break
        }
    }

    override func resumed(slept: Bool) { channel?.resumed() }

    // MARK: - Upgrade

    func channel(_ channel: Channel, head: UnsafeRawBufferPointer) -> HeadAction {
        switch handshake.receive(head) {
        case .needMore: return .needMore
        case .refused(let failure): return .end(failure)
        case .request(let consumed):
            if world.chance(percent: gateway.weather.refusalPercent) {
                let refusal = Failure(.upgradeRefused, .operator, "no backend", code: 503)
                let handshake = handshake
                channel.sendHead { handshake.refuse(refusal, into: &$0) }
                return .end(refusal)
            }
            let handshake = handshake
            var settings = WebSocketSettings()
            settings.pingMilliseconds = Limits.serverPingMilliseconds
            settings.deflate.memoryLevel = 1
            let agreement = channel.sendHead {
                handshake.accept(
                    acceptValue: handshake.key, deflate: gateway.compresses ? settings.deflate : nil, subprotocol: nil,
                    into: &$0)
            }
            return .open(
                consumed: consumed,
                WebSocketConnection(
                    role: .server, settings: settings, deflate: agreement.deflate, random: gateway.pool, now: now))
        }
    }

    func channelEndedInHead(_ channel: Channel) -> Failure {
        Failure(.upgradeInvalid, .user, "the peer closed before its upgrade request was complete")
    }

    func channelOpened(_ channel: Channel) {
        phase = .open
        for _ in 0..<twice { if let opening = session.opening() { channel.sendText(opening, compress: false) } }
        reschedule()
    }

    /// Gateways that say something twice are not believed to, but have been seen.
    private var twice: Int { world.chance(percent: gateway.weather.twicePercent) ? 2 : 1 }

    // MARK: - Messages

    func channel(_ channel: Channel, received message: UnsafeRawBufferPointer) {
        guard case .open = phase else { return }
        follow(session.receive(message, now))
    }

    private func follow(_ step: SessionStep) {
        switch step {
        case .none: break
        case .send(let frame): channel?.sendText(frame, compress: true)
        case .admitted(let hello):
            trace("is admitted")
            for _ in 0..<twice { channel?.sendText(hello, compress: true) }
            reschedule()
        case .request(let id, let params): receive(id, params)
        case .tick: push("tick", skips: 0)
        case .close(let frame, let code, let reason, let failure):
            if !frame.isEmpty { channel?.sendText(frame, compress: false) }
            close(code, reason, failure)
        }
    }

    func push(_ event: StaticString, skips: Int) {
        channel?.sendText(
            session.event(event, Array("{\"wire\":\(number),\"skipped\":\(skips)}".utf8), skips: skips), compress: true)
    }

    // MARK: - Requests

    /// Runs a request, or not, and says so, or not, soon or late.
    private func receive(_ id: [UInt8], _ params: [UInt8]) {
        guard let call = callNumber(in: params) else {
            return world.check(false, "a request without its number has come: \(String(printable: params))")
        }
        let isBusy = !gateway.isCalm && world.chance(percent: 5)
        trace("\(isBusy ? "refuses" : "runs") call \(call)")
        if !isBusy { gateway.journal.ran(call) }
        let delay = answerDelay
        guard !gateway.isCalm else {
            let content = Array("{\"call\":\(call)}".utf8)
            return answer(id, call, isOK: true, content, after: 0)
        }
        if !isBusy, world.chance(percent: 30) {
            let accepted = Array("{\"status\":\"accepted\",\"call\":\(call)}".utf8)
            for _ in 0..<twice { answer(id, call, isOK: true, accepted, after: delay / 2) }
        }
        guard isBusy || world.chance(percent: 92) else { return }
        let number = gateway.nextAnswer()
        if isBusy || world.chance(percent: 15) {
            for _ in 0..<twice { answer(id, call, isOK: false, Array("no \(call) \(number)".utf8), after: delay) }
        } else {
            let content = numbered(call, number, padding: padding)
            for _ in 0..<twice { answer(id, call, isOK: true, content, after: delay) }
        }
        if world.chance(percent: 1) { answer(Array("\"never\"".utf8), call, isOK: true, [0x31], after: delay) }
    }

    private var answerDelay: UInt64 {
        switch world.below(20) {
        case 0..<14: world.between(0, .milliseconds(50))
        case 14..<18: world.between(0, .seconds(3))
        default: world.between(0, .seconds(120))
        }
    }

    private var padding: Int { world.chance(percent: 10) ? world.below(world.pick([200, 3000, 70_000])) : 0 }

    private func answer(_ id: [UInt8], _ call: Int, isOK: Bool, _ content: [UInt8], after delay: UInt64) {
        world.after(delay) { [self] in
            guard isReady, !isStopped, let channel, channel.isOpen else { return }
            gateway.journal.answers(call, Journal.Answer(isOK: isOK, content: content))
            channel.sendText(session.answer(id, isOK: isOK, content), compress: true)
            reschedule()
        }
    }

    // MARK: - The end

    private func close(_ code: UInt16, _ reason: [UInt8], _ failure: Failure) {
        guard case .open = phase, let channel, let webSocket = channel.webSocket else { return }
        trace("closes: \(failure.text)")
        session.end()
        phase = .closing
        if let refused = webSocket.sendClose(code, reason, now) { return channel.end(refused) }
        channel.queueSend()
        reschedule()
    }

    func shutDown() {
        if isReady { push("shutdown", skips: 0) }
        close(1012, Array("service restart".utf8), Failure(.cancelled, .none, "the gateway stops"))
    }

    func vanish(isTold: Bool) {
        phase = .ended
        session.end()
        channel?.vanish(isTold: isTold)
        channel = nil
        gateway.ended(self)
    }

    func channel(_ channel: Channel, ended failure: Failure) {
        trace("has ended: \(failure.text)")
        ends += 1
        world.check(ends == 1, "\(name) ends \(ends) times")
        self.channel = nil
        phase = .ended
        session.end()
        gateway.ended(self)
    }
}
