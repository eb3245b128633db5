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
    private let wire: Int
    private let session: any GatewaySession
    private var phase: Phase
    private var channel: Channel?
    private var handshake = ServerHandshake()
    private var ends = 0
    private var events = 0

    init(_ gateway: SimulatedGateway, _ wire: Wire, _ arena: Arena) {
        self.gateway = gateway
        self.wire = wire.number
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
            settings.pingMilliseconds = session.pings ? .max : Limits.serverPingMilliseconds
            settings.reportsControlFrames = session.pings
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

    func channelReceivedPong(_ channel: Channel) { session.pong(now) }

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
        case .ping: channel?.sendPing()
        case .drop(let failure): channel?.end(failure)
        case .close(let frame, let code, let reason, let failure):
            if !frame.isEmpty { channel?.sendText(frame, compress: false) }
            close(code, reason, failure)
        }
    }

    func push(_ event: StaticString, skips: Int, restartMilliseconds: Int = 0) {
        events += 1
        let restart = restartMilliseconds > 0 ? ",\"restartExpectedMs\":\(restartMilliseconds)" : ""
        let payload = "{\"wire\":\(wire),\"n\":\(events),\"skipped\":\(skips)\(restart)}"
        channel?.sendText(session.event(event, Array(payload.utf8), skips: skips), compress: true)
    }

    // MARK: - Requests

    /// Runs a request, or not, and says so, or not, soon or late.
    private func receive(_ id: [UInt8], _ params: [UInt8]) {
        let isBusy = !gateway.isCalm && world.chance(percent: 5)
        guard let (name, subject) = note(params, isBusy: isBusy) else { return }
        let answers = Answers(peer: self, id: id, call: name == "call" ? subject : nil)
        guard !gateway.isCalm else { return answers.add(isOK: true, numbered(name, subject), after: 0) }
        let delay = answerDelay
        if !isBusy, world.chance(percent: 30) {
            let accepted = Array("{\"status\":\"accepted\",\"\(name)\":\(subject)}".utf8)
            for _ in 0..<twice { answers.add(isOK: true, accepted, after: delay / 2) }
        }
        guard isBusy || world.chance(percent: 92) else { return }
        let answer = gateway.nextAnswer()
        if isBusy || world.chance(percent: 15) {
            for _ in 0..<twice { answers.add(isOK: false, Array("no \(subject) \(answer)".utf8), after: delay) }
        } else {
            let content = numbered(name, subject, answer: answer, padding: padding)
            for _ in 0..<twice { answers.add(isOK: true, content, after: delay) }
        }
        if world.chance(percent: 1) {
            Answers(peer: self, id: Array("\"never\"".utf8), call: nil).add(isOK: true, [0x31], after: delay)
        }
    }

    /// Writes a request down; what it is about.
    private func note(_ params: [UInt8], isBusy: Bool) -> (name: String, subject: Int)? {
        if let place = number("subscription", in: params) {
            gateway.openings.subscribed(place, on: wire)
            return ("subscription", place)
        }
        if let place = number("sync", in: params) {
            gateway.openings.synced(place, on: wire)
            return ("sync", place)
        }
        guard let place = number("call", in: params) else {
            world.check(false, "a request has come that nobody made: \(String(printable: params))")
            return nil
        }
        trace("\(isBusy ? "refuses" : "runs") call \(place)")
        gateway.ledger.came(place, runs: !isBusy, params)
        gateway.openings.called(place, wasKept: gateway.ledger.wasKept(place), on: wire)
        return ("call", place)
    }

    private var answerDelay: UInt64 {
        switch world.below(20) {
        case 0..<14: world.between(0, .milliseconds(50))
        case 14..<18: world.between(0, .seconds(3))
        default: world.between(0, .seconds(120))
        }
    }

    private var padding: Int { world.chance(percent: 10) ? world.below(world.pick([200, 3000, 70_000])) : 0 }

    /// What a request is answered with.
    private struct Answers {
        let peer: SimulatedPeer
        let id: [UInt8]
        /// nil: the request is no call of the host's.
        let call: Int?

        func add(isOK: Bool, _ content: [UInt8], after delay: UInt64) {
            peer.world.after(delay) {
                guard peer.isReady, !peer.isStopped, let channel = peer.channel, channel.isOpen else { return }
                if let call { peer.gateway.ledger.answers(call, Ledger.Answer(isOK: isOK, content: content)) }
                channel.sendText(peer.session.answer(id, isOK: isOK, content), compress: true)
                peer.reschedule()
            }
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

    func shutDown(restartMilliseconds: Int) {
        if isReady { push("shutdown", skips: 0, restartMilliseconds: restartMilliseconds) }
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
