import GWBase
import GWJSON
import GWSocketIO
import GWTLS

/// A machine with a clock of its own, and all that it sends and tells, as text.
final class ClientEnd {
    static let open =
        #"0{"sid":"E1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#

    let machine: SocketIOMachine
    var now = Instant(microseconds: 1_000_000)
    /// What the machine told, and `> ` with what it sent, in order; binary messages in hex.
    private(set) var log: [String] = []
    /// The questions that were asked, newest last.
    private(set) var questions: [UInt64] = []
    /// What the newest event is acknowledged with.
    private(set) var lastAck: UInt64 = 0
    private(set) var lastAttachments: [[UInt8]] = []
    private(set) var written: UInt64 = 0
    /// Why the machine ended the connection.
    private(set) var closing: Failure?
    var hasConnection = false
    var isBusy = false

    init(_ settings: SocketIOMachine.Settings = .init(), seed: UInt64 = 1) {
        var settings = settings
        settings.decodeBase64 = { Base64.decode($0) }
        machine = SocketIOMachine(settings: settings, random: seededPool(seed))
    }

    /// A machine whose namespaces are joined.
    static func joined(
        _ names: [String] = ["/"], _ settings: SocketIOMachine.Settings = .init()
    ) -> (end: ClientEnd, namespaces: [UInt64]) {
        let end = ClientEnd(settings)
        let ids = names.map { end.join($0) }
        end.connect()
        for name in names { end.receive(name == "/" ? #"40{"sid":"S"}"# : "40\(name),{\"sid\":\"S\"}") }
        _ = end.take()
        return (end, ids)
    }

    /// The log since the last call.
    func take() -> [String] {
        defer { log = [] }
        return log
    }

    func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        machine.tick(now)
        drain()
    }

    // MARK: - The connection

    func connect(openPacket: String? = open) {
        hasConnection = true
        closing = nil
        written = 0
        machine.opened(now)
        if let openPacket { receive(openPacket) }
    }

    @discardableResult
    func lose(_ failure: Failure? = nil, sentOffset: UInt64? = nil) -> SocketIOMachine.End {
        hasConnection = false
        let failure = failure ?? closing ?? Failure(.lost, .network, "lost", isRetryable: true)
        let end = machine.ended(failure, sentOffset: sentOffset ?? written)
        drain()
        return end
    }

    func receive(_ message: String) { receive(Array(message.utf8)) }

    func receive(_ message: [UInt8]) {
        let memory = Memory(message)
        withExtendedLifetime(memory) { follow(machine.receive(memory.bytes, now), memory.readable) }
        drain()
    }

    func receive(binary: [UInt8]) {
        let memory = Memory(binary)
        withExtendedLifetime(memory) { follow(machine.receiveBinary(memory.readable, now), memory.readable) }
        drain()
    }

    // MARK: - The host

    func join(_ name: String, auth: JoinRequest.Auth = .none) -> UInt64 {
        var request = JoinRequest(name: name.bytes)
        request.auth = auth
        let id = (try? machine.join(request, now)) ?? 0
        drain()
        return id
    }

    static func auth(_ json: String) -> JoinRequest.Auth {
        let memory = Memory(json)
        return withExtendedLifetime(memory) { .fixed(Secret(copying: memory.readable)) }
    }

    func leave(_ namespace: UInt64) -> Bool {
        defer { drain() }
        return machine.leave(namespace)
    }

    func answer(_ question: UInt64, _ auth: String) -> Bool {
        defer { drain() }
        let memory = Memory(auth)
        return withExtendedLifetime(memory) { machine.answer(question, auth: memory.readable, now) }
    }

    var output: OutputRoom? {
        hasConnection && closing == nil
            ? .init(queuedBytes: 0, maxQueuedBytes: 1_000_000, isBusy: isBusy, offset: written) : nil
    }

    @discardableResult
    func emit(
        _ namespace: UInt64, _ name: String, _ arguments: String = "", attachments: [[UInt8]] = [],
        ack: Bool = false, volatile: Bool = false, timeout: UInt32 = 0
    ) throws(Failure) -> UInt64 {
        let (name, arguments) = (Memory(name), Memory(arguments))
        let binary = attachments.map { Memory($0) }
        var emission = SocketIOMachine.Emission(
            namespace: namespace, name: name.readable, arguments: arguments.readable)
        emission.attachments = binary.map(\.readable)
        emission.wantsAck = ack
        emission.isVolatile = volatile
        emission.timeoutMilliseconds = timeout
        defer { withExtendedLifetime((name, arguments, binary)) {} }
        switch try machine.emit(emission, output: output, now) {
        case .kept(let ack): return ack
        case .send(let rest, let ack):
            write(text(machine.head) + text(rest), attachments)
            return ack
        }
    }

    func acknowledge(_ ack: UInt64, _ arguments: String = "", attachments: [[UInt8]] = []) throws(Failure) {
        let arguments = Memory(arguments)
        let binary = attachments.map { Memory($0) }
        defer { withExtendedLifetime((arguments, binary)) {} }
        let rest = try machine.acknowledge(
            ack, arguments: arguments.readable, attachments: binary.map(\.readable), output: output)
        write(text(machine.head) + text(rest), attachments)
    }

    func cancel(_ ack: UInt64) -> Bool {
        defer { drain() }
        return machine.cancel(ack)
    }

    // MARK: - What is to be done

    private func write(_ text: String, _ attachments: [[UInt8]]) {
        log.append("> \(text)")
        for attachment in attachments { log.append("> hex \(GWSocketIOTests.text(hexText(attachment)))") }
        written += UInt64(text.utf8.count)
    }

    func drain() {
        while true {
            let action = machine.next()
            if case .none = action { return }
            follow(action, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private func follow(_ action: SocketIOMachine.Action, _ message: UnsafeRawBufferPointer) {
        switch action {
        case .none: break
        case .opened(let parameters): log.append("opened \(parameters.pingIntervalMilliseconds)")
        case .send(let packet):
            machine.willWrite(packet, at: written)
            write(text(packet.text), packet.attachments)
        case .ask(let question, let namespace):
            questions.append(question)
            log.append("ask \(namespace.id)")
        case .joined(let namespace, let sid, let isRecovered):
            log.append("joined \(namespace.id) \(text(sid))\(isRecovered ? " recovered" : "")")
        case .received(let received): tell(received, message)
        case .delivered(let received, let stored): tell(received, stored.memory.readable)
        case .ended(let ack): log.append("ended \(ack.id) \(ack.failure.status.code)")
        case .disconnected(let namespace, let reason, _): log.append("disconnected \(namespace.id) \(reason.text)")
        case .left(let namespace, let reason, let failure):
            let detail = failure.detail.isEmpty ? "" : " \(text(failure.detail))"
            log.append("left \(namespace.id) \(reason.map { "\($0.text)" } ?? failure.text)\(detail)")
        case .warn(let failure): log.append("warn \(failure.status.code)")
        case .close(_, let reason, let failure):
            closing = failure
            log.append("close \(reason)")
        }
    }

    private func tell(_ received: Received, _ memory: UnsafeRawBufferPointer) {
        let arguments = received.arguments.map { text(memory[$0]) } ?? "[]"
        lastAttachments = received.attachments.map { Array(memory[$0]) }
        let binary = lastAttachments.map { " " + text(hexText($0)) }.joined()
        switch received.kind {
        case .event(let ack):
            lastAck = ack
            let name = received.name.map { text($0.bytes(in: memory)) } ?? "nameless"
            log.append("event \(received.namespace) \(name) \(arguments)\(binary)\(ack == 0 ? "" : " ?")")
        case .ack(let id):
            log.append("ack \(id) \(arguments)\(binary)")
        }
    }
}
