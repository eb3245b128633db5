/// Reads frame headers and holds every rule that can be judged from them (RFC 6455 section 5.2 to 5.5, RFC 7692 section 6.1),
/// each as soon as its byte is there: a peer that sends a wrong byte and stalls has already failed.
struct FrameDecoder {
    let role: Role
    let isDeflateAgreed: Bool

    enum Result {
        case incomplete
        case header(FrameHeader)
        case violation(Violation)
    }

    /// Judges the `count` bytes that are there of a header.  `message` is what they continue or start.
    func decode(_ bytes: UnsafeRawPointer, _ count: Int, _ message: borrowing MessageAssembler) -> Result {
        guard count >= 1 else { return .incomplete }
        let first = bytes.load(as: UInt8.self)
        let opcode = first & FrameBit.opcode
        let isFinal = first & FrameBit.final != 0
        let isCompressed = first & FrameBit.reserved1 != 0
        let isControl = opcode & FrameBit.control != 0
        if first & FrameBit.reserved2And3 != 0 { return .violation(.reservedBits(first)) }
        if isCompressed {
            if !isDeflateAgreed { return .violation(.compressionNotAgreed) }
            if isControl { return .violation(.compressedControl) }
            if opcode == Opcode.continuation { return .violation(.compressedContinuation) }
        }
        switch opcode {
        case Opcode.continuation:
            if !message.isOpen { return .violation(.continuationWithoutMessage) }
        case Opcode.text, Opcode.binary:
            if message.isOpen { return .violation(.messageInsideMessage) }
        case Opcode.close, Opcode.ping, Opcode.pong:
            if !isFinal { return .violation(.fragmentedControl) }
        default:
            return .violation(.unknownOpcode(opcode))
        }

        guard count >= 2 else { return .incomplete }
        let second = bytes.load(fromByteOffset: 1, as: UInt8.self)
        let isMasked = second & FrameBit.mask != 0
        if isMasked != (role == .server) { return .violation(isMasked ? .maskedByServer : .unmaskedByClient) }
        var length = UInt64(second & FrameBit.length)
        var size = 2
        if isControl, length > UInt64(FrameSize.controlPayload) { return .violation(.longControl(Int(length))) }
        if length == UInt64(FrameSize.length16) {
            guard count >= 4 else { return .incomplete }
            length = UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
            size = 4
            if length < UInt64(FrameSize.length16) { return .violation(.lengthNotMinimal(length)) }
        } else if length == UInt64(FrameSize.length64) {
            guard count >= 10 else { return .incomplete }
            length = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
            size = 10
            if length >> 63 != 0 { return .violation(.lengthTopBit) }
            if length <= UInt64(UInt16.max) { return .violation(.lengthNotMinimal(length)) }
        }
        if !isControl, let violation = message.judgeFrame(length: length, isCompressed: isCompressed) {
            return .violation(violation)
        }

        var key: UInt32 = 0
        if isMasked {
            guard count >= size &+ 4 else { return .incomplete }
            key = bytes.loadUnaligned(fromByteOffset: size, as: UInt32.self)
            size &+= 4
        }
        return .header(
            FrameHeader(
                opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, key: key,
                length: Int(truncatingIfNeeded: length), size: size))
    }
}
