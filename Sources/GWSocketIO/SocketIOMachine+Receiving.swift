import GWBase
import GWJSON

/// What the server sends.
extension SocketIOMachine {
    /// A text message has come.  One byte of it is changed where that makes an array of an event's arguments.
    @inline(__always)
    public func receive(_ message: UnsafeMutableRawBufferPointer, _ now: Instant) -> Action {
        guard !isEnding, let action = session?.receive(UnsafeRawBufferPointer(message), now) else { return next() }
        switch action {
        case .message(let data):
            return receive(packet: UnsafeMutableRawBufferPointer(rebasing: message[data]), data.lowerBound, now)
        case .none:
            return next()
        default:
            follow(action, UnsafeRawBufferPointer(message), now)
            return next()
        }
    }

    @inline(never)
    private func follow(_ action: EngineIOSession.Action, _ message: UnsafeRawBufferPointer, _ now: Instant) {
        switch action {
        case .none, .message:
            break
        case .opened(let parameters):
            begin(parameters, now)
        case .ping(let data):
            let pong = OutgoingPacket()
            pong.text.append(EngineIOPacket.pongType)
            pong.text.append(UnsafeRawBufferPointer(rebasing: message[data]))
            add(.send(pong))
        case .base64(let data):
            guard let bytes = settings.decodeBase64(UnsafeRawBufferPointer(rebasing: message[data])) else {
                return refuse("a binary message that is no base64")
            }
            bytes.withUnsafeBytes { take($0) }
        case .close(let failure):
            close(failure.status == .closed ? 1000 : 1002, DisconnectReason(failure), failure)
        }
    }

    /// A binary message has come: the next attachment of the packet that waits for it.
    public func receiveBinary(_ bytes: UnsafeRawBufferPointer, _ now: Instant) -> Action {
        guard !isEnding, session != nil else { return next() }
        if let failure = session?.receiveBinary() {
            close(1002, DisconnectReason(failure), failure)
        } else {
            take(bytes)
        }
        return next()
    }

    // MARK: - Packets

    /// `start` is where the packet begins in its message.
    @inline(__always)
    private func receive(packet memory: UnsafeMutableRawBufferPointer, _ start: Int, _ now: Instant) -> Action {
        let text = UnsafeRawBufferPointer(memory)
        guard assembly == nil, case .packet(let packet) = PacketDecoder.read(text, maxAttachments: maxAttachments),
            packet.kind == .event || packet.kind == .ack, let namespace = find(packet.namespace, in: text),
            namespace.isJoined
        else {
            receiveRarely(text, now)
            return next()
        }
        guard var received = accept(packet, text, for: namespace) else { return next() }
        makeArray(&received, in: memory, for: namespace, packet)
        if let name = received.name { received.name?.range = name.range.shifted(by: start) }
        received.arguments = received.arguments?.shifted(by: start)
        return .received(received)
    }

    private var maxAttachments: Int { Int(settings.maxAttachments) }

    /// Everything but an event or an acknowledgement without attachments for a namespace that is joined.
    @inline(never)
    private func receiveRarely(_ text: UnsafeRawBufferPointer, _ now: Instant) {
        guard assembly == nil else { return refuse("a text packet while attachments are missing") }
        switch PacketDecoder.read(text, maxAttachments: maxAttachments) {
        case .refused(let what):
            close(
                1002, .parseError,
                Failure(
                    .sioParse, .operator, "the server sent \(what): \(String(printable: text, limit: 60))",
                    isRetryable: true))
        case .tooManyAttachments(let count):
            closeForLimit(
                1002,
                Failure(
                    .limit, .program,
                    "the server sent a packet with \(count) attachments, max_attachments is \(maxAttachments)"))
        case .packet(let packet):
            receive(packet, text, now)
        }
    }

    private func receive(_ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer, _ now: Instant) {
        if !abandoned.isEmpty, packet.kind != .event, packet.kind != .ack, packet.attachments == 0,
            answerAbandoned(packet, text, now)
        {
            return
        }
        let namespace = find(packet.namespace, in: text)
        switch packet.kind {
        case .event, .ack, .binaryEvent, .binaryAck:
            let stored = StoredPacket(packet, text)
            if stored.isComplete {
                complete(stored)
            } else if hasRoom(for: text.count) {
                // They come even where nobody wants the packet.
                assembly = Assembly(stored: stored, until: attachmentDeadline(now))
            }
        case .connect:
            if let namespace, case .joining = namespace.state { joined(namespace, packet, text) }
        case .connectError:
            guard let namespace else { return }
            switch namespace.state {
            case .joining, .joined: refused(namespace, packet, text)
            case .waiting, .asking: break
            }
        case .disconnect:
            guard let namespace else { return }
            switch namespace.state {
            case .joining, .joined:
                let failure = Failure(
                    .sioDisconnected, .none, "the server disconnected namespace \(namespace.shownName)")
                end(namespace, .serverDisconnect, failure)
            case .waiting, .asking: break
            }
        }
    }

    private func refuse(_ what: StaticString) {
        close(1002, .parseError, Failure(.sioParse, .operator, "the server sent \(what)", isRetryable: true))
    }

    /// The server sends more than is taken.
    private func closeForLimit(_ code: UInt16, _ failure: Failure) {
        var failure = failure
        failure.isRetryable = true
        close(code, .parseError, failure)
    }

    // MARK: - Attachments

    private func take(_ attachment: UnsafeRawBufferPointer) {
        guard let stored = assembly?.stored else { return refuse("a binary message that belongs to no packet") }
        guard hasRoom(for: attachment.count) else { return }
        stored.append(attachment)
        guard stored.isComplete else { return }
        assembly = nil
        complete(stored)
    }

    /// Whether so many bytes more may be kept of a packet; the connection ends if not.
    private func hasRoom(for count: Int) -> Bool {
        let size = (assembly?.stored.memory.count ?? 0) + count
        guard size > Int(settings.maxPacketBytes) else { return true }
        closeForLimit(
            1009, .tooBig("a packet with its attachments", size, "max_packet_bytes is", Int(settings.maxPacketBytes)))
        return false
    }

    private func complete(_ stored: StoredPacket) {
        let packet = stored.packet
        guard let namespace = find(packet.namespace, in: stored.memory.readable) else { return }
        switch namespace.state {
        case .joined:
            deliver(stored, to: namespace)
        case .joining where packet.kind == .event || packet.kind == .binaryEvent:
            hold(stored, for: namespace)
        case .joining, .waiting, .asking:
            break
        }
    }

    // MARK: - Delivery

    /// The server may send events before it says that we are in.
    private func hold(_ stored: StoredPacket, for namespace: Namespace) {
        namespace.heldBytes += stored.memory.count
        guard namespace.heldBytes <= Int(settings.maxPacketBytes), namespace.held.count < Int(Limits.sioHeldPackets)
        else {
            return closeForLimit(
                1002,
                .wouldPass(
                    .limit, held: namespace.heldBytes - stored.memory.count,
                    "bytes of events came before their namespace was joined", more: stored.memory.count,
                    "max_packet_bytes", Int(settings.maxPacketBytes)))
        }
        namespace.held.append(stored)
    }

    func deliver(_ stored: StoredPacket, to namespace: Namespace) {
        guard var received = accept(stored.packet, stored.memory.readable, for: namespace) else { return }
        received.attachments = stored.attachments
        makeArray(&received, in: stored.memory.mutableReadable, for: namespace, stored.packet)
        add(.delivered(received, stored))
    }

    /// Nil for what is to be ignored.
    @inline(__always)
    private func accept(
        _ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer, for namespace: Namespace
    ) -> Received? {
        let arguments = packet.arguments(in: text)
        guard packet.name != nil else {
            // An unknown id is that of an acknowledgement which nobody waits for any more.
            guard let wireID = packet.id, let id = namespace.pending.removeValue(forKey: wireID),
                let ack = acks.remove(id)
            else { return nil }
            return Received(
                kind: .ack(id: id), namespace: namespace.id, userData: ack.userData, arguments: arguments)
        }
        var ack: UInt64 = 0
        if let wireID = packet.id { ack = owe(wireID, to: namespace) }
        return Received(
            kind: .event(ack: ack), namespace: namespace.id, userData: namespace.userData, name: packet.name,
            arguments: arguments)
    }

    private func owe(_ wireID: UInt64, to namespace: Namespace) -> UInt64 {
        guard owed.count < Int(settings.maxAcks) else {
            add(
                .warn(
                    .wouldPass(
                        .limit, held: owed.count, "events wait for an acknowledgement of ours", more: 1, "max_calls",
                        Int(settings.maxAcks))))
            return 0
        }
        return owed.insert(OwedAck(namespace: namespace.id, wireID: wireID))
    }

    /// Makes the comma in front of the arguments of an event a bracket.
    @inline(__always)
    private func makeArray(
        _ received: inout Received, in memory: UnsafeMutableRawBufferPointer, for namespace: Namespace,
        _ packet: SocketIOPacket
    ) {
        guard let arguments = received.arguments, received.name != nil, arguments.lowerBound < memory.count else {
            return
        }
        memory[arguments.lowerBound] = UInt8(ascii: "[")
        if namespace.recovery != nil, packet.id == nil {
            noteOffset(arguments, in: UnsafeRawBufferPointer(memory), for: namespace)
        }
    }

    /// A server that keeps sessions puts where we are behind the arguments.
    private func noteOffset(_ arguments: Range<Int>, in text: UnsafeRawBufferPointer, for namespace: Namespace) {
        var last: JSONSlice?
        JSON.forEachElement(of: JSONSlice(kind: .array, range: arguments), in: text) { last = $0 }
        guard let last, last.isString else { return }
        namespace.recovery?.offset = Array(last.bytes(in: text))
    }
}

extension Range<Int> {
    fileprivate func shifted(by offset: Int) -> Range<Int> { lowerBound &+ offset..<upperBound &+ offset }
}
