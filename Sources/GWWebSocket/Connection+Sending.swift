import GWBase
import GWDeflate

extension WebSocketConnection {
    // MARK: Messages of known length

    /// Begins a message of `length` bytes, which `append` then gives in any number of pieces.
    ///
    /// It is compressed if `compress` allows it, permessage-deflate was agreed, and it is not below the threshold, unless that does
    /// not count.  Secrets must not be compressed.
    public func beginMessage(_ kind: MessageKind, length: Int, compress: Bool, belowThreshold: Bool = false) {
        guard begin() else { return }
        sendingStart = output.count
        sendingLeft = max(length, 0)
        sendingSize = sendingLeft
        sendingMismatch = length < 0
        lastPongSize = 0
        let first = FrameBit.final | Opcode.of(kind)
        if compress, deflator != nil, belowThreshold || length >= Int(settings.deflate.thresholdBytes) {
            sending = .compressed
            fragmentFirst = first | FrameBit.reserved1
            reserveHeader(length)
            return
        }
        sending = .plain
        let size = encoder.headerSize(sendingLeft)
        let target = output.reserve(size &+ min(sendingLeft, WebSocketConnection.mostReserved))
        sendingKey = encoder.writeHeader(first, sendingLeft, to: target)
        output.commit(size)
    }

    /// The next piece of the message: copied and masked, or compressed, behind what is there.
    public func append(_ piece: UnsafeRawBufferPointer) {
        guard let source = piece.baseAddress, piece.count > 0, !isRefused else { return }
        switch sending {
        case .plain:
            guard piece.count <= sendingLeft else {
                sendingMismatch = true
                return
            }
            let target = output.reserve(piece.count)
            if role == .client {
                _ = Mask.copy(sendingKey, source, to: target, piece.count)
                sendingKey = Mask.rotated(sendingKey, by: piece.count)
            } else {
                target.copyMemory(from: source, byteCount: piece.count)
            }
            output.commit(piece.count)
            sendingLeft &-= piece.count
        case .compressed:
            guard piece.count <= sendingLeft, let deflator, deflator.deflate(piece, into: &output) else {
                sendingMismatch = true
                return
            }
            sendingLeft &-= piece.count
        case .nothing, .fragments:
            break
        }
    }

    /// Ends the message.  On a failure nothing of it is sent.
    public func endMessage() -> Failure? {
        if isRefused {
            isRefused = false
            return isOpen ? misuse : notOpen
        }
        switch sending {
        case .plain:
            guard !sendingMismatch, sendingLeft == 0 else { return abortMismatch() }
        case .compressed:
            guard !sendingMismatch, sendingLeft == 0 else { return abortMismatch() }
            guard finishCompressed() else { return abortInternal() }
        case .nothing, .fragments:
            return misuse
        }
        sending = .nothing
        appended &+= UInt64(truncatingIfNeeded: output.count &- sendingStart)
        traffic.sent(sendingSize)
        return nil
    }

    /// Sends a message that lies in one piece.
    public func send(
        _ kind: MessageKind, _ bytes: UnsafeRawBufferPointer, compress: Bool, belowThreshold: Bool = false
    ) -> Failure? {
        let isLarge = belowThreshold || bytes.count >= Int(settings.deflate.thresholdBytes)
        guard !(compress && isLarge && deflator != nil), isOpen, case .nothing = sending else {
            beginMessage(kind, length: bytes.count, compress: compress, belowThreshold: belowThreshold)
            append(bytes)
            return endMessage()
        }
        lastPongSize = 0
        let before = output.count
        encoder.append(FrameBit.final | Opcode.of(kind), bytes, to: &output)
        appended &+= UInt64(truncatingIfNeeded: output.count &- before)
        traffic.sent(bytes.count)
        return nil
    }

    // MARK: Messages of unknown length

    /// Begins a message that `appendFragment` gives frame by frame (RFC 6455 section 5.4).
    public func beginFragments(_ kind: MessageKind, compress: Bool) -> Failure? {
        guard isOpen else { return notOpen }
        guard case .nothing = sending else { return misuse }
        let isCompressed = compress && deflator != nil
        sending = .fragments(isCompressed: isCompressed)
        fragmentFirst = Opcode.of(kind) | (isCompressed ? FrameBit.reserved1 : 0)
        return nil
    }

    /// Sends the next frame of the message; the peer can read all of it.  `isFinal` ends the message.
    public func appendFragment(_ piece: UnsafeRawBufferPointer, isFinal: Bool) -> Failure? {
        guard isOpen else { return notOpen }
        guard case .fragments(let isCompressed) = sending else { return misuse }
        let first = fragmentFirst | (isFinal ? FrameBit.final : 0)
        lastPongSize = 0
        let before = output.count
        if isCompressed, let deflator {
            usedDeflate = true
            sendingStart = before
            reserveHeader(piece.count)
            guard deflator.deflate(piece, into: &output) else { return abortInternal() }
            let isDone = isFinal ? deflator.finishMessage(into: &output) : deflator.flush(into: &output)
            guard isDone else { return abortInternal() }
            let length = output.count &- before &- sendingReserved
            encoder.enclose(first, length, reserved: sendingReserved, in: &output)
            traffic.deflated(piece.count, to: length)
        } else {
            encoder.append(first, piece, to: &output)
        }
        appended &+= UInt64(truncatingIfNeeded: output.count &- before)
        traffic.sent(piece.count, isPart: !isFinal)
        // Further frames continue this one, without RSV1.
        fragmentFirst = Opcode.continuation
        if isFinal { sending = .nothing }
        return nil
    }

    // MARK: Control frames

    /// Sends a ping of the host's own, with at most 125 bytes.
    public func sendPing(_ payload: [UInt8]) -> Failure? { sendHostControl(Opcode.ping, payload) }

    /// Sends a pong that nobody asked for, which is allowed (RFC 6455 section 5.5.3).
    public func sendPong(_ payload: [UInt8]) -> Failure? { sendHostControl(Opcode.pong, payload) }

    /// Starts the closing handshake.  `code` 0: a close frame without a code.  A reason above 123 bytes is cut between code
    /// points.  A failure for what must not be sent; nothing happens if the connection is closing already.
    @discardableResult
    public func sendClose(_ code: UInt16, _ reason: [UInt8], _ now: Instant) -> Failure? {
        if code == 0 {
            guard reason.isEmpty else { return argument("a close reason needs a code") }
        } else if !CloseCode.isValidToSend(code, by: role) {
            return argument("close code \(code) must not be sent")
        }
        guard isUTF8(reason) else { return argument("the close reason is not UTF-8") }
        guard isOpen else { return nil }
        abortMessage()
        appendClose(code == 0 ? nil : code, reason)
        close.closeSent(code == 0 ? nil : code, now)
        keepalive.stop()
        return nil
    }

    /// Answers a ping.  A peer that pings faster than it reads gets an answer to the newest one only, so that no flood fills the queue.
    func sendPong(_ payload: UnsafeRawBufferPointer) {
        if output.isEmpty { queuedPongs = 0 }
        if queuedPongs >= WebSocketConnection.mostQueuedPongs, lastPongSize > 0, output.count >= lastPongSize {
            output.truncate(output.count &- lastPongSize)
            appended &-= UInt64(truncatingIfNeeded: lastPongSize)
        } else {
            queuedPongs &+= 1
        }
        sendControl(Opcode.pong, payload)
        lastPongSize = encoder.headerSize(payload.count) &+ payload.count
    }

    func sendControl(_ opcode: UInt8, _ payload: UnsafeRawBufferPointer) {
        lastPongSize = 0
        encoder.append(FrameBit.final | opcode, payload, to: &output)
        appended &+= UInt64(truncatingIfNeeded: encoder.headerSize(payload.count) &+ payload.count)
    }

    func appendClose(_ code: UInt16?, _ reason: [UInt8]) {
        var body: [UInt8] = []
        if let code {
            body = [UInt8(truncatingIfNeeded: code >> 8), UInt8(truncatingIfNeeded: code)]
            var length = min(reason.count, FrameSize.controlPayload - 2)
            if length < reason.count {
                // Back to the first byte of the code point that would be cut.
                while length > 0, reason[length] & 0xc0 == 0x80 { length -= 1 }
            }
            body += reason[..<length]
        }
        body.withUnsafeBufferPointer { sendControl(Opcode.close, UnsafeRawBufferPointer($0)) }
    }

    private func sendHostControl(_ opcode: UInt8, _ payload: [UInt8]) -> Failure? {
        guard payload.count <= FrameSize.controlPayload else {
            return argument("control frame with \(payload.count) bytes, limit \(FrameSize.controlPayload)")
        }
        switch sending {
        case .plain, .compressed: return misuse
        case .nothing, .fragments: break
        }
        guard isOpen else { return notOpen }
        payload.withUnsafeBufferPointer { sendControl(opcode, UnsafeRawBufferPointer($0)) }
        return nil
    }

    // MARK: Parts

    private func begin() -> Bool {
        isRefused = false
        if isOpen, case .nothing = sending { return true }
        // A message inside another one would tear both apart: the new one is refused, and the old one fails too unless its
        // frames stand for themselves.
        if isOpen { sendingMismatch = true }
        isRefused = true
        return false
    }

    /// Leaves room for the header of a frame whose length is known only after compression; it is guessed to be at most `length`.
    private func reserveHeader(_ length: Int) {
        sendingReserved = encoder.headerSize(length)
        _ = output.reserve(sendingReserved)
        output.commit(sendingReserved)
    }

    private func finishCompressed() -> Bool {
        guard let deflator, deflator.finishMessage(into: &output) else { return false }
        usedDeflate = true
        let length = output.count &- sendingStart &- sendingReserved
        encoder.enclose(fragmentFirst, length, reserved: sendingReserved, in: &output)
        traffic.deflated(sendingSize, to: length)
        return true
    }

    /// Takes back what was written of a message that is not complete.
    func abortMessage() {
        switch sending {
        case .plain:
            output.truncate(sendingStart)
        case .compressed:
            output.truncate(sendingStart)
            deflator?.abandonMessage()
        case .nothing, .fragments:
            break
        }
        sending = .nothing
    }

    private func abortMismatch() -> Failure {
        abortMessage()
        return Failure(.internal, .program, "the pieces of a message do not add up to its length")
    }

    private func abortInternal() -> Failure {
        output.truncate(sendingStart)
        deflator?.abandonMessage()
        sending = .nothing
        return Failure(.internal, .program, "the compression library failed")
    }

    private var notOpen: Failure { Failure(.closed, .none, "the connection is closing or closed") }
    private var misuse: Failure { Failure(.state, .program, "a message is being sent, or none is") }
    private func argument(_ text: String) -> Failure { Failure(.argument, .program, text) }

    private func isUTF8(_ bytes: [UInt8]) -> Bool {
        var validator = UTF8Validator()
        let isValid = bytes.withUnsafeBufferPointer { validator.check(UnsafeRawBufferPointer($0)) }
        return isValid && validator.isComplete
    }

    /// Answered one by one up to this number, then only the newest.
    private static let mostQueuedPongs = 64
    /// Room made ahead for a message whose pieces are still to come.
    private static let mostReserved = 1 << 30
}
