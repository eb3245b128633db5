import GWBase
import GWJSON
import GWSocketIO
import GWWebSocket

/// What the host asked for of its Socket.IO connection, checked.
public struct SocketIOSettings {
    public var link: LinkSettings
    public var machine = SocketIOMachine.Settings()
    /// Of the URL.
    public var namespace: [UInt8]

    public init(_ link: LinkSettings, namespace: [UInt8]) {
        self.link = link
        self.namespace = namespace
    }
}

/// A Socket.IO client: feeds its machine what its connections bring, and turns the machine's actions into frames and events.
public final class SocketIOClient: Link {
    let machine: SocketIOMachine
    /// What is joined where the host names no namespace.
    public let namespace: [UInt8]

    /// Waits for the first namespace.  With the context's lock held.
    public init(context: Context, settings: SocketIOSettings) {
        machine = SocketIOMachine(settings: settings.machine, random: context.random)
        namespace = settings.namespace
        super.init(context: context, link: settings.link, isPaused: true)
    }

    // MARK: - Time

    override var sessionDeadline: Instant { machine.deadline }

    override func tickSession(_ now: Instant) {
        machine.tick(now)
        follow(now)
        rest()
    }

    override func readingIsHeld(_ now: Instant) { machine.readingIsHeld(now) }

    override func forgetAttempts() { machine.networkChanged() }

    // MARK: - Connections

    override func opened(_ now: Instant) { machine.opened(now) }

    override func lost(_ failure: Failure, _ now: Instant) -> End {
        let connection = machine.isOpen ? machine.connections : 0
        let end = machine.ended(failure, sentOffset: sentOffset)
        follow(now)
        switch end {
        case .retry(let milliseconds, let failure):
            return End(failure: failure, connection: connection, retryMilliseconds: milliseconds)
        case .rest(let failure): return End(failure: failure, connection: connection, isPaused: true)
        case .stop(let failure): return End(failure: failure, connection: connection)
        }
    }

    override func closing() {
        machine.close()
        follow(Syscall.coarseNow())
    }

    /// Without a namespace there is nothing to connect for.
    private func rest() {
        guard machine.isIdle else { return }
        pause(Failure(.ok, .none, "no namespace is wanted any more"))
    }

    override func describe(_ state: inout State) {
        if isOpen, machine.isOpen { state.phase = 7 }
        state.protocolVersion = machine.connections > 0 ? SocketIOClient.protocolVersion : 0
        state.connections = machine.connections
        state.attempts = machine.attempts
        state.callsInFlight = UInt64(machine.acksInFlight)
    }

    public override func cancel(_ ack: UInt64) -> Bool {
        guard machine.cancel(ack) else { return false }
        follow(Syscall.coarseNow())
        reschedule()
        return true
    }

    static let protocolVersion: UInt32 = 5

    // MARK: - Messages

    override func channel(_ channel: Channel, received input: WebSocketConnection.Input, _ now: Instant) {
        guard case .message(let kind, let message) = input else { return }
        // It lies in the arena or in a buffer that the arena has taken over, which are ours.
        let memory = UnsafeMutableRawBufferPointer(mutating: message)
        switch kind {
        case .text: follow(machine.receive(memory, now), message, now)
        case .binary: follow(machine.receiveBinary(message, now), message, now)
        }
        follow(now)
    }

    /// Does what the machine has still to do.
    func follow(_ now: Instant) {
        while true {
            let action = machine.next()
            if case .none = action { return }
            follow(action, UnsafeRawBufferPointer(start: nil, count: 0), now)
        }
    }

    @inline(__always)
    private func follow(_ action: SocketIOMachine.Action, _ message: UnsafeRawBufferPointer, _ now: Instant) {
        switch action {
        case .none: break
        case .received(let received): report(received, message)
        default: followRarely(action, now)
        }
    }

    @inline(never)
    private func followRarely(_ action: SocketIOMachine.Action, _ now: Instant) {
        switch action {
        case .none, .received: break
        case .opened(let parameters): report(parameters, now)
        case .send(let packet): send(packet, now)
        case .ask(let question, let namespace): reportQuestion(question, namespace)
        case .joined(let namespace, let sid, let isRecovered): reportJoined(namespace, sid, isRecovered)
        case .delivered(let received, let stored): report(received, context.arena.adopt(&stored.memory))
        case .ended(let ack): report(ack)
        case .disconnected(let namespace, let reason, let failure):
            report(.sioDisconnected, namespace, reason, failure)
        case .left(let namespace, let reason, let failure): report(.sioLeft, namespace, reason, failure)
        case .warn(let failure): warn(failure)
        case .close(let code, let reason, let failure): end(code, reason, failure, now)
        }
    }
}
