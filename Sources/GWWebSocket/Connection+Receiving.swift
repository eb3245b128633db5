import GWBase
import GWDeflate

extension WebSocketConnection {
    public enum Input {
        /// Everything was taken.
        case needMore
        /// A whole message.  Its bytes lie in the window or in the arena.
        case message(MessageKind, UnsafeRawBufferPointer)
        /// A part of a message whose end is still to come, with `partBytes`.  Of a text it has whole code points only.
        case part(MessageKind, UnsafeRawBufferPointer)
        /// Only with `reportsControlFrames`; the pong has been written.
        case ping(UnsafeRawBufferPointer)
        case pong(UnsafeRawBufferPointer)
        /// The closing handshake is over, or its time is: send what is in `output` and close the transport, as a client after the
        /// server has (RFC 6455 section 7.1.1).
        indirect case closed(CloseSummary)
        /// The connection failed: send what is in `output` (the close frame), shut down sending, and close.
        indirect case failed(Failure)
    }

    /// Copies `carried` to where the transport receives next, which has room for `mostCarriedBytes`, and gives its size.
    public func takeCarried(to target: UnsafeMutableRawPointer) -> Int {
        let bytes = carried.readable
        guard let source = bytes.baseAddress, bytes.count > 0 else { return 0 }
        target.copyMemory(from: source, byteCount: bytes.count)
        carried.clear()
        return bytes.count
    }

    /// Decodes the next thing in `window` from `offset` on, in place.  What is wrong in it fails the connection with the next `tick`.
    ///
    /// A message that lies whole in one uncompressed frame is unmasked where it lies and given as a slice of the window; others are
    /// inflated or collected into `arena`.  Control frames are handled on the way.  The window, if it lies in the arena, must be
    /// committed there, so that nothing else is put on it.
    public func next(
        _ window: UnsafeMutableRawBufferPointer, _ offset: inout Int, _ arena: Arena, _ now: Instant
    ) -> Input {
        guard let base = window.baseAddress, offset >= 0, offset < window.count else { return .needMore }
        lastReceived = now
        if phase == .messageStart, let message = nextWhole(base, window.count, &offset) { return message }
        let start = offset
        let input = nextOther(base, window.count, &offset, arena, now)
        traffic.wireBytesReceived &+= UInt64(truncatingIfNeeded: offset &- start)
        return counted(input)
    }

    private func counted(_ input: Input) -> Input {
        switch input {
        case .message(_, let bytes): traffic.received(bytes.count)
        case .part(_, let bytes): traffic.received(bytes.count, isPart: true)
        case .needMore, .ping, .pong, .closed, .failed: break
        }
        return input
    }

    /// The common case: one unfragmented, uncompressed message below 64 KiB, all of it there.  nil for everything else,
    /// also for what is wrong.
    @inline(__always)
    private func nextWhole(_ base: UnsafeMutableRawPointer, _ end: Int, _ offset: inout Int) -> Input? {
        let frame = base + offset
        let available = end &- offset
        guard available >= 2 else { return nil }
        let first = frame.load(as: UInt8.self)
        let second = frame.load(fromByteOffset: 1, as: UInt8.self)
        // Final, no reserved bit, text or binary.
        guard first &- (FrameBit.final | Opcode.text) <= 1, second & FrameBit.mask == peerMaskBit else { return nil }
        var length = Int(second & FrameBit.length)
        var size = 2 &+ peerKeySize
        if length > FrameSize.controlPayload {
            guard length == Int(FrameSize.length16), available >= 8 else { return nil }
            length = Int(UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            size &+= 2
            guard length > FrameSize.controlPayload else { return nil }
        }
        guard length <= available &- size, length <= assembler.maxWholeBytes else { return nil }
        let payload = frame + size
        offset = offset &+ size &+ length
        let bytes = UnsafeRawBufferPointer(start: payload, count: length)
        let isASCII: Bool
        if peerKeySize != 0 {
            let key = frame.loadUnaligned(fromByteOffset: size &- 4, as: UInt32.self)
            isASCII = Mask.apply(key, payload, length)
        } else {
            isASCII = first == FrameBit.final | Opcode.binary || UTF8Validator.isASCII(payload, length)
        }
        traffic.wireBytesReceived &+= UInt64(truncatingIfNeeded: size &+ length)
        let isBinary = first == FrameBit.final | Opcode.binary
        guard isBinary || isASCII else { return wideText(bytes) }
        traffic.received(length)
        return .message(isBinary ? .binary : .text, bytes)
    }

    @inline(never)
    private func wideText(_ bytes: UnsafeRawBufferPointer) -> Input {
        var validator = UTF8Validator()
        guard validator.check(bytes) else { return fail(.invalidText) }
        guard validator.isComplete else { return fail(.unfinishedText) }
        traffic.received(bytes.count)
        return .message(.text, bytes)
    }

    @inline(never)
    private func nextOther(
        _ base: UnsafeMutableRawPointer, _ end: Int, _ offset: inout Int, _ arena: Arena, _ now: Instant
    ) -> Input {
        assembler.memoryRoom = memoryRoom
        while offset < end {
            switch phase {
            case .ignoring:
                offset = end
            case .payload:
                let count = min(payloadLeft, end &- offset, assembler.mostPayloadAtOnce)
                let payload = base + offset
                offset &+= count
                if let input = takePayload(payload, count, arena) { return input }
            case .messageStart, .betweenFrames:
                switch decoder.decode(base + offset, end &- offset, assembler) {
                case .incomplete:
                    carry(base, end, &offset)
                case .violation(let violation):
                    offset = end
                    return fail(violation)
                case .header(let header) where header.isControl:
                    guard header.length <= end &- offset &- header.size else {
                        carry(base, end, &offset)
                        continue
                    }
                    let payload = base + offset + header.size
                    offset &+= header.size &+ header.length
                    _ = Mask.apply(header.key, payload, header.length)
                    let bytes = UnsafeRawBufferPointer(start: payload, count: header.length)
                    if let input = takeControl(header.opcode, bytes, now) { return input }
                case .header(let header):
                    offset &+= header.size
                    if let input = beginPayload(header, base, end, &offset, arena) { return input }
                }
            }
        }
        return .needMore
    }

    /// Keeps the beginning of a header or control frame for the next time.
    private func carry(_ base: UnsafeMutableRawPointer, _ end: Int, _ offset: inout Int) {
        let count = end &- offset
        carried.append(UnsafeRawBufferPointer(start: base + offset, count: count))
        // They come again.
        traffic.wireBytesReceived &-= UInt64(truncatingIfNeeded: count)
        offset = end
    }

    // MARK: Data frames

    private func beginPayload(
        _ header: FrameHeader, _ base: UnsafeMutableRawPointer, _ end: Int, _ offset: inout Int, _ arena: Arena
    ) -> Input? {
        var isWhole = phase == .messageStart && header.isFinal && header.length <= end &- offset
        assembler.begin(header)
        if header.isCompressed, header.length > assembler.mostPayloadAtOnce { isWhole = false }
        if !isWhole, let violation = assembler.judgeMemory() { return fail(violation) }
        payloadLeft = header.length
        payloadKey = header.key
        payloadIsFinal = header.isFinal
        phase = .payload
        guard isWhole else {
            // The rest of an empty frame never comes.
            return header.length == 0 ? takePayload(base + offset, 0, arena) : nil
        }
        let payload = base + offset
        offset &+= header.length
        phase = .messageStart
        if header.isCompressed { return takeWholeCompressed(payload, header, arena) }
        return takeWhole(payload, header)
    }

    /// A message in one frame, where it lies: in blocks, so that the check finds in the cache what was just unmasked.
    private func takeWhole(_ payload: UnsafeMutableRawPointer, _ header: FrameHeader) -> Input {
        var done = 0
        while done < header.length {
            let size = min(header.length &- done, 16_384)
            var isASCII = true
            if peerKeySize != 0 {
                isASCII = Mask.apply(header.key, payload + done, size)
            } else if assembler.kind == .text {
                isASCII = UTF8Validator.isASCII(payload + done, size)
            }
            guard assembler.checkText(payload + done, size, isASCII: isASCII) else { return fail(.invalidText) }
            done &+= size
        }
        if let violation = assembler.end(nil) { return fail(violation) }
        return .message(assembler.kind, UnsafeRawBufferPointer(start: payload, count: header.length))
    }

    private func takeWholeCompressed(
        _ payload: UnsafeMutableRawPointer, _ header: FrameHeader, _ arena: Arena
    ) -> Input {
        guard let inflator else { return fail(.compressionNotAgreed) }
        usedDeflate = true
        if peerKeySize != 0 { _ = Mask.apply(header.key, payload, header.length) }
        assembler.memoryRoom = inflatingRoom(inflator)
        let bytes = UnsafeRawBufferPointer(start: payload, count: header.length)
        return finished(assembler.inflateWhole(bytes, inflator, arena))
    }

    /// The first compressed message allocates the stream, which counts too.
    private func inflatingRoom(_ inflator: Inflator) -> Int {
        inflator.isAllocated ? memoryRoom : max(memoryRoom &- inflator.streamBytes, 0)
    }

    /// Takes the next `count` payload bytes of the frame under way; a result if the message ends or fails with them.
    private func takePayload(_ payload: UnsafeMutableRawPointer, _ count: Int, _ arena: Arena) -> Input? {
        var violation: Violation?
        if assembler.isCompressed {
            guard let inflator else { return fail(.compressionNotAgreed) }
            usedDeflate = true
            if peerKeySize != 0 { _ = Mask.apply(payloadKey, payload, count) }
            assembler.memoryRoom = inflatingRoom(inflator)
            violation = assembler.inflate(UnsafeRawBufferPointer(start: payload, count: count), inflator)
        } else {
            violation = assembler.append(payload, count, key: payloadKey, expected: payloadLeft)
        }
        if let violation { return fail(violation) }
        return advance(count, arena)
    }

    /// `count` payload bytes of the frame under way are done with.
    private func advance(_ count: Int, _ arena: Arena) -> Input? {
        payloadLeft &-= count
        payloadKey = Mask.rotated(payloadKey, by: count)
        if payloadLeft == 0, payloadIsFinal {
            phase = .messageStart
            return finished(assembler.finish(inflator, arena))
        }
        if payloadLeft == 0 { phase = .betweenFrames }
        return assembler.takePart(arena).map { .part(assembler.kind, $0) }
    }

    private func finished(_ result: MessageAssembler.WholeResult) -> Input {
        switch result {
        case .message(let bytes):
            if assembler.isCompressed { traffic.inflated(assembler.declared, to: assembler.total) }
            return .message(assembler.kind, bytes)
        case .violation(let violation):
            return fail(violation)
        }
    }

    // MARK: Receiving past the window

    /// While a large uncompressed payload is under way: where the transport may receive its next bytes, sparing them a copy.
    /// nil otherwise.  Valid until the next call of anything here; at most what is given may be received.
    public func directRoom() -> UnsafeMutableRawBufferPointer? {
        guard phase == .payload, !assembler.isCompressed, payloadLeft > 65_536 else { return nil }
        assembler.memoryRoom = memoryRoom
        return assembler.directRoom(expected: payloadLeft)
    }

    /// `count` bytes were received into `directRoom`.
    public func directReceived(_ count: Int, _ arena: Arena, _ now: Instant) -> Input {
        guard phase == .payload, count > 0, count <= payloadLeft else { return .needMore }
        lastReceived = now
        traffic.wireBytesReceived &+= UInt64(truncatingIfNeeded: count)
        if let violation = assembler.commitDirect(count, key: payloadKey) { return fail(violation) }
        return counted(advance(count, arena) ?? .needMore)
    }

    // MARK: Control frames

    private func takeControl(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer, _ now: Instant) -> Input? {
        switch opcode {
        case Opcode.ping:
            // After our close frame nothing is sent, not even this.
            if close.isOpen { sendPong(payload) }
            return settings.reportsControlFrames ? .ping(payload) : nil
        case Opcode.pong:
            keepalive.pongReceived(payload, now)
            return settings.reportsControlFrames ? .pong(payload) : nil
        default:
            return takeClose(payload)
        }
    }

    /// A close frame (RFC 6455 section 5.5.1).
    private func takeClose(_ payload: UnsafeRawBufferPointer) -> Input? {
        var code: UInt16?
        var reason: [UInt8] = []
        if payload.count == 1 { return fail(.closeBodyOfOneByte) }
        if payload.count >= 2 {
            let number = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
            guard CloseCode.isValidOnWire(number) else { return fail(.closeCode(number)) }
            let text = UnsafeRawBufferPointer(rebasing: payload[2...])
            var validator = UTF8Validator()
            guard validator.check(text), validator.isComplete else { return fail(.closeReason) }
            code = number
            reason = Array(text)
        }
        // A message of which only a part has come ends here; the closure is clean all the same.
        phase = .ignoring
        assembler.abandon()
        keepalive.stop()
        switch close.peerClosed(code, reason) {
        case .reply(let code):
            abortMessage()
            appendClose(code, [])
        case .none:
            break
        }
        return .closed(close.summary)
    }

    // MARK: End of the transport

    /// The peer ended the transport.  `needMore` if that was to be expected and has been reported.
    public func endOfStream(_ now: Instant) -> Input {
        if let failed = failBroken() { return failed }
        stopReceiving()
        switch close.transportEnded() {
        case .closed: return .closed(close.summary)
        case .lost: return .failed(close.summary.failure)
        case .none: return .needMore
        }
    }
}
