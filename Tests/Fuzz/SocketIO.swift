import GWBase
import GWJSON
import GWSocketIO

/// Messages of a server, one a line, a line that begins with NUL being binary, into the packet codec and into a machine in the state that the first
/// byte chooses: all that they point to lies inside, arguments are JSON, and nothing that ends ends twice.
func fuzzSocketIO(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let state = choices.byte()
    var host = Host(maxPacketBytes: state & 32 == 0 ? 1 << 20 : 64)
    host.begin(state)
    for line in choices.all().split(separator: 0x0a, maxSplits: 31, omittingEmptySubsequences: false) {
        withExactly(line) { memory in
            let text = UnsafeRawBufferPointer(memory)
            use(EngineIOPacket.read(text))
            if line.first == UInt8(ascii: "4") { readPacket(Array(line.dropFirst())) }
            if line.first == 0 {
                host.receive(binary: UnsafeRawBufferPointer(rebasing: text.dropFirst()))
            } else {
                host.receive(memory)
            }
        }
        if state & 16 != 0 { host.advance(700) }
    }
    host.end()
}

private func readPacket(_ bytes: [UInt8]) {
    withExactly(bytes) { memory in
        let text = UnsafeRawBufferPointer(memory)
        guard case .packet(let packet) = PacketDecoder.read(text, maxAttachments: 10) else { return }
        for range in [packet.namespace, packet.payload?.range, packet.name?.range] {
            if let range { require(range.upperBound <= text.count, "a range outside of the text") }
        }
        if let payload = packet.payload { require(JSON.isValid(payload.bytes(in: text)), "a payload that is not JSON") }
        guard packet.payload?.isArray == true, packet.kind != .disconnect else { return }
        guard let arguments = packet.arguments(in: text) else { return }
        memory[arguments.lowerBound] = UInt8(ascii: "[")
        require(JSON.isValid(UnsafeRawBufferPointer(rebasing: text[arguments])), "arguments that are not JSON")
    }
}

/// A machine and what it has told.
private struct Host {
    let machine: SocketIOMachine
    var now = Instant(microseconds: 1_000_000)
    var isConnected = false
    var open: Set<UInt64> = []
    var owed: [UInt64] = []
    var namespaces: [UInt64] = []
    var offset: UInt64 = 0

    init(maxPacketBytes: UInt32) {
        var settings = SocketIOMachine.Settings()
        settings.maxPacketBytes = maxPacketBytes
        settings.decodeBase64 = { $0.count < 8 ? Array($0) : nil }
        machine = SocketIOMachine(settings: settings, random: seededPool(1))
    }

    mutating func begin(_ state: UInt8) {
        for name in ["/", "/a"] {
            var request = JoinRequest(name: Array(name.utf8))
            if state & 8 != 0 { request.auth = .asked }
            do throws(Failure) { namespaces.append(try machine.join(request, now)) } catch { fatalError(error.text) }
        }
        connect()
        guard state & 1 != 0 else { return }
        give(#"0{"sid":"E","pingInterval":1000,"pingTimeout":1000,"maxPayload":100}"#)
        guard state & 2 != 0 else { return }
        give(#"40{"sid":"S","pid":"P"}"#)
        give(#"40/a,{"sid":"S"}"#)
        guard state & 4 != 0 else { return }
        for namespace in namespaces { emit(namespace) }
    }

    private mutating func give(_ text: String) {
        withExactly(Array(text.utf8)) { receive($0) }
    }

    mutating func connect() {
        guard !isConnected, !machine.isIdle else { return }
        isConnected = true
        offset = 0
        machine.opened(now)
    }

    mutating func emit(_ namespace: UInt64) {
        let name: StaticString = "e"
        var emission = SocketIOMachine.Emission(
            namespace: namespace, name: UnsafeRawBufferPointer(start: name.utf8Start, count: 1),
            arguments: UnsafeRawBufferPointer(start: nil, count: 0))
        emission.wantsAck = true
        do throws(Failure) {
            switch try machine.emit(emission, output: output, now) {
            case .kept(let ack): open.insert(ack)
            case .send(let rest, let ack):
                open.insert(ack)
                offset += UInt64(machine.head.count + rest.count)
            }
        } catch {
            use(error)
        }
    }

    private var output: OutputRoom? {
        isConnected ? .init(queuedBytes: 0, maxQueuedBytes: 1 << 20, isBusy: false, offset: offset) : nil
    }

    mutating func receive(_ message: UnsafeMutableRawBufferPointer) {
        follow(machine.receive(message, now), UnsafeRawBufferPointer(message))
        drain()
    }

    mutating func receive(binary: UnsafeRawBufferPointer) {
        follow(machine.receiveBinary(binary, now), binary)
        drain()
    }

    mutating func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        machine.tick(now)
        drain()
        require(machine.deadline > now, "a deadline stays in the past")
        connect()
    }

    mutating func end() {
        machine.close()
        drain()
        require(open.isEmpty && machine.acksInFlight == 0, "acknowledgements outlive their client")
        require(machine.isIdle, "namespaces outlive their client")
    }

    private mutating func drain() {
        while true {
            let action = machine.next()
            if case .none = action { return }
            follow(action, UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private mutating func follow(_ action: SocketIOMachine.Action, _ message: UnsafeRawBufferPointer) {
        switch action {
        case .none, .opened, .joined, .disconnected, .left, .warn: break
        case .send(let packet):
            machine.willWrite(packet, at: offset)
            offset += UInt64(packet.text.count)
        case .ask(let question, _):
            use(machine.answer(question, auth: UnsafeRawBufferPointer(start: nil, count: 0), now))
        case .received(let received): take(received, message)
        case .delivered(let received, let stored): take(received, stored.memory.readable)
        case .ended(let ack): require(open.remove(ack.id) != nil, "an acknowledgement ends twice")
        case .close(_, _, let failure):
            guard isConnected else { return }
            isConnected = false
            use(machine.ended(failure, sentOffset: offset / 2))
        }
    }

    private mutating func take(_ received: Received, _ memory: UnsafeRawBufferPointer) {
        for range in received.attachments + [received.arguments, received.name?.range].compactMap({ $0 }) {
            require(range.upperBound <= memory.count, "a range outside of the memory")
        }
        if let arguments = received.arguments {
            require(JSON.isValid(UnsafeRawBufferPointer(rebasing: memory[arguments])), "arguments that are not JSON")
        }
        switch received.kind {
        case .ack(let id): require(open.remove(id) != nil, "an acknowledgement ends twice")
        case .event(let ack):
            guard ack != 0 else { return }
            let none = UnsafeRawBufferPointer(start: nil, count: 0)
            do throws(Failure) {
                use(try machine.acknowledge(ack, arguments: none, attachments: [], output: output))
            } catch {
                use(error)
            }
        }
    }
}
