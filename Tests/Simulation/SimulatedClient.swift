import GWBase
import GWGateway
import GWHTTP
import GWWebSocket

/// A gateway client, as `GWRuntime/Link.swift` and `Client.swift` are one: it feeds its machine what its connections bring,
/// and does what the machine says.
final class SimulatedClient: Process, ChannelOwner {
    private enum Phase {
        case waiting(until: Instant)
        /// For its host to act.
        case paused
        case dialing(until: Instant)
        case open
        case closing
        case closed
    }

    let machine: ClientMachine
    private let network: Network
    unowned let host: any ClientHost
    private let arena: Arena
    private let compresses: Bool
    private let pool: RandomPool
    private var phase: Phase
    private(set) var channel: Channel?
    private var handshake: ClientHandshake?
    /// Counts dials, so that an answer to one that was given up is none to the next.
    private var dials = 0

    init(
        _ world: World, name: String, settings: ClientMachine.Settings, network: Network, host: any ClientHost,
        arena: Arena
    ) {
        self.network = network
        self.host = host
        self.arena = arena
        pool = world.pool()
        machine = ClientMachine(settings: settings, random: pool)
        compresses = world.chance(percent: 50)
        phase = .waiting(until: Instant(microseconds: 0))
        super.init(world, name: name)
        reschedule()
    }

    var isOpen: Bool {
        if case .open = phase { return true }
        return false
    }

    /// Its host has closed it.
    var isClosing: Bool {
        if case .closing = phase { return true }
        return isClosed
    }

    var isClosed: Bool {
        if case .closed = phase { return true }
        return false
    }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .waiting(let until): min(until, machine.deadline)
        case .paused: machine.deadline
        case .dialing(let until): min(until, machine.deadline)
        case .open, .closing: min(channel?.webSocket?.deadline ?? .never, machine.deadline)
        case .closed: .never
        }
    }

    override func tick() {
        switch phase {
        case .waiting(let until):
            tickMachine()
            if until <= now { dial() }
        case .paused:
            tickMachine()
        case .dialing(let until):
            tickMachine()
            guard until <= now else { return }
            guard let channel else {
                return ended(
                    Failure(.connectTimeout, .network, "nothing answers", isRetryable: true), sentOffset: 0)
            }
            channel.end(handshake?.timeLimit() ?? Failure(.upgradeTimeout, .network, "", isRetryable: true))
        case .open, .closing:
            tickMachine()
            channel?.tickWebSocket()
        case .closed:
            break
        }
    }

    /// Input first: it has come in time, only we were not there to take it.
    override func resumed(slept: Bool) {
        channel?.resumed()
        if slept { networkChanged() }
    }

    func networkChanged() {
        trace("probes its way")
        switch phase {
        case .waiting, .dialing:
            // A dial that has come as far as the upgrade goes on.
            guard channel == nil else { break }
            machine.networkChanged()
            dial()
        case .paused: resume()
        case .open: channel?.webSocket?.probe(now)
        case .closing, .closed: break
        }
        reschedule()
    }

    // MARK: - Dialing

    private func dial() {
        dials += 1
        let dial = dials
        trace("dials")
        phase = .dialing(until: now.adding(milliseconds: Limits.connectMilliseconds))
        network.connect { [self] answer in
            guard dial == dials, case .dialing = phase else {
                // It was given up.
                if case .open(let wire) = answer { wire.close(.client) }
                return
            }
            switch answer {
            case .refused:
                ended(Failure(.connect, .network, "connection refused", isRetryable: true), sentOffset: 0)
            case .open(let wire):
                connected(wire)
            }
            reschedule()
        }
    }

    private func connected(_ wire: Wire) {
        trace("has wire \(wire.number)")
        let channel = Channel(wire, .client, process: self, owner: self, arena: arena)
        self.channel = channel
        phase = .dialing(until: now.adding(milliseconds: Limits.upgradeMilliseconds))
        do throws(Failure) {
            // The gateway's answer to a key is the key: what is between them is not what is tried here.
            let key = Array("AAAAAAAAAAAAAAAAAAAAAA==".utf8)
            let handshake = try ClientHandshake(
                host: Array("gateway".utf8), target: [0x2f], fields: HeaderFields(), key: key, accept: key,
                deflate: compresses ? webSocketSettings.deflate : nil, subprotocols: [])
            self.handshake = handshake
            channel.sendHead { handshake.request(into: &$0) }
        } catch {
            channel.end(error)
        }
    }

    private var webSocketSettings: WebSocketSettings {
        var settings = WebSocketSettings()
        settings.deflate.memoryLevel = 1
        return settings
    }

    // MARK: - The channel's reports

    func channel(_ channel: Channel, head: UnsafeRawBufferPointer) -> HeadAction {
        switch handshake?.receive(head) {
        case nil, .needMore:
            return .needMore
        case .failed(let failure):
            return .end(failure)
        case .open(let consumed, let agreement):
            return .open(
                consumed: consumed,
                WebSocketConnection(
                    role: .client, settings: webSocketSettings, deflate: agreement.deflate, random: pool, now: now))
        }
    }

    func channelEndedInHead(_ channel: Channel) -> Failure {
        handshake?.endOfStream() ?? Failure(.lost, .network, "the connection has ended", isRetryable: true)
    }

    func channelOpened(_ channel: Channel) {
        phase = .open
        handshake = nil
        follow(machine.opened(now, wallMilliseconds: wall), ClientSession.noText)
        reschedule()
    }

    func channel(_ channel: Channel, received message: UnsafeRawBufferPointer) {
        // As the runtime has it: what is open or closing hears, what has ended does not.
        follow(machine.receive(message, now, wallMilliseconds: wall), message)
    }

    func channelReceivedPong(_ channel: Channel) {}

    func channel(_ channel: Channel, ended failure: Failure) { ended(failure, sentOffset: channel.sentOffset) }

    var wall: UInt64 { 1_767_225_600_000 + now.microseconds / 1000 }

    // MARK: - The end

    func end(_ code: UInt16, _ reason: StaticString, _ failure: Failure) {
        guard let channel else { return }
        trace("ends the connection: \(failure.text)")
        _ = channel.webSocket?.sendClose(code, Array("\(reason)".utf8), now)
        channel.end(failure)
    }

    func close() {
        trace("is closed by its host")
        switch phase {
        case .closing, .closed:
            break
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return }
            channel.send()
            guard case .open = phase, self.channel === channel else { return close() }
            phase = .closing
            machine.close().forEach { host.client(self, ended: $0) }
            if let refused = webSocket.sendClose(1000, [], now) { return channel.end(refused) }
            channel.queueSend()
            reschedule()
        case .dialing, .waiting, .paused:
            dials += 1
            channel?.drop()
            channel = nil
            machine.close().forEach { host.client(self, ended: $0) }
            finishClosing(nil, connection: 0)
        }
    }

    private func ended(_ failure: Failure, sentOffset: UInt64) {
        channel = nil
        handshake = nil
        let end = machine.ended(failure, sentOffset: sentOffset)
        trace("has lost its connection: \(failure.text)")
        end.calls.forEach { host.client(self, ended: $0) }
        if case .closing = phase { return finishClosing(nil, connection: end.connection) }
        if let delay = end.retryMilliseconds {
            phase = .waiting(until: now.adding(milliseconds: delay))
        } else if end.isPaused {
            phase = .paused
        } else {
            return finishClosing(end.failure, connection: end.connection)
        }
        host.client(
            self, disconnected: end.failure, connection: end.connection, retryMilliseconds: end.retryMilliseconds)
        reschedule()
    }

    /// Its host has done what it waited for.
    func resume() {
        guard case .paused = phase else { return }
        trace("goes on")
        machine.resume()
        phase = .waiting(until: now)
        reschedule()
    }

    private func finishClosing(_ failure: Failure?, connection: UInt64) {
        phase = .closed
        world.check(machine.callsInFlight == 0 && machine.callsKept == 0, "\(name): calls outlive their client")
        host.client(self, closed: failure, connection: connection)
    }
}
