import GWBase
import GWJSON

/// What the host sends, and the acknowledgements that it waits for.
extension SocketIOMachine {
    /// An event to be sent; what it points to lives as long as the call.
    public struct Emission {
        public var namespace: UInt64
        public var name: UnsafeRawBufferPointer
        /// A JSON array that was checked, or empty for none.
        public var arguments: UnsafeRawBufferPointer
        public var attachments: [UnsafeRawBufferPointer] = []
        public var wantsAck = false
        /// Better lost than late.
        public var isVolatile = false
        /// For the acknowledgement; 0: the client's default.
        public var timeoutMilliseconds: UInt32 = 0
        public var userData: UInt = 0

        public init(namespace: UInt64, name: UnsafeRawBufferPointer, arguments: UnsafeRawBufferPointer) {
            self.namespace = namespace
            self.name = name
            self.arguments = arguments
        }
    }

    public enum EmitAction {
        /// Send the text of `head` and this behind it, then the attachments, with nothing between.
        case send(UnsafeRawBufferPointer, ack: UInt64)
        /// It is kept until the namespace is joined.
        case kept(ack: UInt64)
    }

    // MARK: - Events

    /// Sends an event or keeps it.  `output` is nil where no connection takes frames.
    public func emit(_ emission: Emission, output: OutputRoom?, _ now: Instant) throws(Failure) -> EmitAction {
        guard let namespace = find(emission.namespace) else {
            throw Failure(.gone, .program, "the namespace has ended")
        }
        guard !ReservedEvent.contains(emission.name) else {
            throw Failure(
                .argument, .program,
                "\(String(printable: emission.name, limit: 40)) is a name that the protocol keeps for itself")
        }
        try check(emission.arguments, emission.attachments)
        guard !emission.wantsAck || acks.count < Int(settings.maxAcks) else {
            throw .wouldPass(
                .limit, held: acks.count, "acknowledgements are waited for", more: 1, "max_calls", Int(settings.maxAcks)
            )
        }
        let rest = SocketIOMachine.elements(emission.arguments)
        let isSent = namespace.isJoined && !isEnding && output != nil
        let wireID = emission.wantsAck ? namespace.nextWireID : nil
        head.clear()
        head.append(EngineIOPacket.messageType)
        PacketWriter.begin(
            emission.attachments.isEmpty ? .event : .binaryEvent, attachments: emission.attachments.count,
            namespace: namespace.name, id: wireID, into: &head)
        PacketWriter.eventName(emission.name, hasArguments: rest.count > 1, into: &head)
        try checkSize(head.count + rest.count, emission.attachments)
        if isSent, let output {
            guard !emission.isVolatile || !output.isBusy else { throw SocketIOMachine.dropped }
            try checkRoom(head.count + rest.count, emission.attachments, output)
            return .send(rest, ack: expect(emission, namespace, at: output.offset, now))
        }
        guard !emission.isVolatile else { throw SocketIOMachine.dropped }
        return .kept(ack: try keep(emission, rest, namespace, now))
    }

    /// The elements of an array behind its opening bracket, with the closing one; for none that bracket alone.
    private static func elements(_ array: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var rest = array[...]
        // Checked: the first byte that is no white space is the bracket.
        while let byte = rest.first, byte <= 0x20 { rest = rest.dropFirst() }
        rest = rest.dropFirst()
        while let byte = rest.first, byte <= 0x20 { rest = rest.dropFirst() }
        while let byte = rest.last, byte <= 0x20 { rest = rest.dropLast() }
        guard rest.count > 0 else {
            let bracket: StaticString = "]"
            return UnsafeRawBufferPointer(start: bracket.utf8Start, count: 1)
        }
        return UnsafeRawBufferPointer(rebasing: rest)
    }

    private static var dropped: Failure {
        Failure(.notSent, .none, "a volatile event was dropped: it could not be sent at once", isRetryable: true)
    }

    /// The acknowledgement of an event that is sent or kept; 0 where none is wanted.
    private func expect(_ emission: Emission, _ namespace: Namespace, at offset: UInt64?, _ now: Instant) -> UInt64 {
        guard emission.wantsAck else { return 0 }
        let wireID = namespace.nextWireID
        namespace.nextWireID &+= 1
        let limit = emission.timeoutMilliseconds == 0 ? settings.ackMilliseconds : emission.timeoutMilliseconds
        let id = acks.add(
            PendingAck(namespace: namespace.id, wireID: wireID, userData: emission.userData, streamOffset: offset),
            deadline: now.adding(milliseconds: limit))
        namespace.pending[wireID] = id
        return id
    }

    private func keep(
        _ emission: Emission, _ rest: UnsafeRawBufferPointer, _ namespace: Namespace, _ now: Instant
    ) throws(Failure) -> UInt64 {
        let size = emission.attachments.reduce(head.count + rest.count) { $0 + $1.count }
        let buffer = namespace.buffer
        guard buffer.packets.count < Int(settings.maxBufferedPackets) else {
            throw .wouldPass(
                .full, held: buffer.packets.count, "events wait for their namespace", more: 1, "max_buffered_events",
                Int(settings.maxBufferedPackets))
        }
        guard size <= Int(settings.maxBufferedBytes), buffer.byteCount <= Int(settings.maxBufferedBytes) - size else {
            throw .wouldPass(
                .full, held: buffer.byteCount, "bytes of events wait for their namespace", more: size,
                "max_buffered_bytes", Int(settings.maxBufferedBytes))
        }
        let packet = OutgoingPacket(ack: expect(emission, namespace, at: nil, now))
        packet.text.append(head.readable)
        packet.text.append(rest)
        packet.attachments = emission.attachments.map { Array($0) }
        namespace.buffer.append(packet)
        return packet.ack
    }

    /// Sends what has waited for the namespace.
    func flush(_ namespace: Namespace) {
        for packet in namespace.buffer.takeAll() {
            if let failure = tooBig(packet.text.count, packet.attachments.map { $0.count }) {
                fail(packet.ack, failure, isWarned: true)
            } else {
                add(.send(packet))
            }
        }
    }

    /// A packet that was kept is written now; it is to be called before it is.
    public func willWrite(_ packet: OutgoingPacket, at offset: UInt64) {
        if packet.ack != 0 { acks.wrote(packet.ack, at: offset) }
    }

    // MARK: - Acknowledging

    /// Answers an event of the server's; what is to be sent stands in `head`, then come the arguments and attachments.
    public func acknowledge(
        _ ack: UInt64, arguments: UnsafeRawBufferPointer, attachments: [UnsafeRawBufferPointer], output: OutputRoom?
    ) throws(Failure) -> UnsafeRawBufferPointer {
        guard let owedAck = owed[ack], let namespace = find(owedAck.namespace) else {
            throw Failure(.gone, .program, "the event was acknowledged already, or its connection has ended")
        }
        guard let output, namespace.isJoined, !isEnding else {
            throw Failure(.gone, .none, "the connection that the event came on has ended")
        }
        try check(arguments, attachments)
        let rest = SocketIOMachine.elements(arguments)
        head.clear()
        head.append(EngineIOPacket.messageType)
        PacketWriter.begin(
            attachments.isEmpty ? .ack : .binaryAck, attachments: attachments.count, namespace: namespace.name,
            id: owedAck.wireID, into: &head)
        head.append(UInt8(ascii: "["))
        try checkSize(head.count + rest.count, attachments)
        try checkRoom(head.count + rest.count, attachments, output)
        owed.remove(ack)
        return rest
    }

    // MARK: - Checks

    private func check(
        _ arguments: UnsafeRawBufferPointer, _ attachments: [UnsafeRawBufferPointer]
    ) throws(Failure) {
        guard let first = arguments.first(where: { $0 > 0x20 }) ?? (arguments.isEmpty ? UInt8(ascii: "[") : nil),
            first == UInt8(ascii: "[")
        else { throw Failure(.argument, .program, "the arguments must be a JSON array") }
        guard !attachments.isEmpty else { return }
        guard attachments.count <= Int(Limits.sioAttachments) else {
            throw Failure(
                .limit, .program,
                "the event has \(attachments.count) attachments, servers take at most \(Limits.sioAttachments)")
        }
        let array = JSONSlice(kind: .array, range: 0..<arguments.count)
        guard Placeholders.areValid(in: array, arguments, count: attachments.count) else {
            throw Failure(
                .argument, .program,
                "a placeholder names none of the \(attachments.count) attachments; the first has num 0")
        }
    }

    private func checkSize(_ text: Int, _ attachments: [UnsafeRawBufferPointer]) throws(Failure) {
        if let failure = tooBig(text, attachments.map { $0.count }) { throw failure }
    }

    /// Why messages of these sizes would make the server close the connection; nil if they would not.
    private func tooBig(_ text: Int, _ attachments: [Int]) -> Failure? {
        guard let limit = session?.parameters?.maxPayloadBytes, limit > 0 else { return nil }
        let largest = attachments.reduce(text) { max($0, $1) }
        guard UInt64(largest) > limit else { return nil }
        return .tooBig("a message of the event", largest, "the server takes at most", Int(clamping: limit))
    }

    private func checkRoom(
        _ text: Int, _ attachments: [UnsafeRawBufferPointer], _ output: OutputRoom
    ) throws(Failure) {
        let size = attachments.reduce(text) { $0 + $1.count }
        if let failure = output.refusal(of: "the event", size) { throw failure }
    }

    // MARK: - The end of acknowledgements

    /// Ends an acknowledgement for the host; false if it has ended already.
    public func cancel(_ id: UInt64) -> Bool {
        guard acks.find(id) != nil else { return false }
        fail(id, Failure(.cancelled, .none, "the acknowledgement is not waited for any more"))
        return true
    }

    /// The time limit of an acknowledgement has passed.
    func expire(_ id: UInt64) {
        guard let ack = acks.find(id) else { return }
        guard ack.streamOffset == nil else {
            return fail(
                id,
                Failure(
                    .callTimeout, .none, "no acknowledgement within its time limit; the server may have the event"))
        }
        fail(
            id,
            Failure(
                .notSent, .none, "the event could not be sent within the time limit of its acknowledgement",
                isRetryable: true))
    }

    /// What the host waited for does not come; if its packet still waits it is not sent any more.
    private func fail(_ id: UInt64, _ failure: Failure, isWarned: Bool = false) {
        guard id != 0, let ack = acks.remove(id) else {
            if isWarned { add(.warn(failure)) }
            return
        }
        if let namespace = find(ack.namespace) {
            namespace.pending[ack.wireID] = nil
            if ack.streamOffset == nil { _ = namespace.buffer.remove(ack: id) }
        }
        add(.ended(EndedAck(id: id, namespace: ack.namespace, userData: ack.userData, failure: failure)))
    }

    /// A namespace, or its connection, has ended: none of its acknowledgements comes any more.  Those whose packets wait for
    /// the next connection may stay.
    func endAcks(of namespace: Namespace, _ failure: Failure, sentOffset: UInt64, keepsBuffered: Bool) {
        for id in owed.ids where owed[id]?.namespace == namespace.id { owed.remove(id) }
        for id in namespace.pending.values.sorted() {
            guard let ack = acks.find(id) else { continue }
            if keepsBuffered, ack.streamOffset == nil { continue }
            let isSent = ack.streamOffset.map { $0 < sentOffset } ?? false
            let what =
                isSent
                ? "it is not known whether the server has the event" : "the event was not sent"
            fail(
                id,
                Failure(
                    isSent ? .outcomeUnknown : .notSent, .none, "\(what): \(failure.text)", isRetryable: !isSent))
        }
        if !keepsBuffered { _ = namespace.buffer.takeAll() }
    }
}
