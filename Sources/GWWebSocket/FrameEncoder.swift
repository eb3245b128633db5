import GWBase

/// Writes frames (RFC 6455 section 5.2) with the shortest length form; a client's with a fresh key each (section 5.3).
struct FrameEncoder {
    let role: Role
    let random: RandomPool

    /// Bytes of the header of a frame with that much payload.
    func headerSize(_ length: Int) -> Int {
        let key = role == .client ? 4 : 0
        if length <= FrameSize.controlPayload { return 2 &+ key }
        return (length <= Int(UInt16.max) ? 4 : 10) &+ key
    }

    /// Writes a header of `headerSize(length)` bytes to `target` and gives the key to mask the payload with, 0 on a server.
    /// `first` is the first byte: opcode and bits.
    @discardableResult
    func writeHeader(_ first: UInt8, _ length: Int, to target: UnsafeMutableRawPointer) -> UInt32 {
        let maskBit = role == .client ? FrameBit.mask : 0
        var size = 2
        target.storeBytes(of: first, as: UInt8.self)
        if length <= FrameSize.controlPayload {
            target.storeBytes(of: UInt8(truncatingIfNeeded: length) | maskBit, toByteOffset: 1, as: UInt8.self)
        } else if length <= Int(UInt16.max) {
            target.storeBytes(of: FrameSize.length16 | maskBit, toByteOffset: 1, as: UInt8.self)
            target.storeBytes(of: UInt16(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt16.self)
            size = 4
        } else {
            target.storeBytes(of: FrameSize.length64 | maskBit, toByteOffset: 1, as: UInt8.self)
            target.storeBytes(of: UInt64(truncatingIfNeeded: length).bigEndian, toByteOffset: 2, as: UInt64.self)
            size = 10
        }
        guard role == .client else { return 0 }
        let key = random.nextUInt32()
        target.storeBytes(of: key, toByteOffset: size, as: UInt32.self)
        return key
    }

    /// Appends a whole frame.
    func append(_ first: UInt8, _ payload: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
        let size = headerSize(payload.count)
        let target = output.reserve(size &+ payload.count)
        let key = writeHeader(first, payload.count, to: target)
        if let source = payload.baseAddress {
            if role == .client {
                _ = Mask.copy(key, source, to: target + size, payload.count)
            } else {
                (target + size).copyMemory(from: source, byteCount: payload.count)
            }
        }
        output.commit(size &+ payload.count)
    }

    /// Turns the last `length` bytes of `output`, in front of which `reserved` bytes were left free, into a frame.
    func enclose(_ first: UInt8, _ length: Int, reserved: Int, in output: inout ByteBuffer) {
        let size = headerSize(length)
        if size > reserved {
            // Longer than was guessed.  Rare: compression made the payload grow over a border of the length forms.
            _ = output.reserve(size &- reserved)
            output.commit(size &- reserved)
        }
        let held = output.mutableReadable
        let start = held.count &- max(size, reserved) &- length
        guard start >= 0, let base = held.baseAddress else { return }
        let payload = base + start + size
        if size != reserved {
            payload.copyMemory(from: base + start + reserved, byteCount: length)
            output.truncate(start &+ size &+ length)
        }
        let key = writeHeader(first, length, to: base + start)
        if role == .client { _ = Mask.apply(key, payload, length) }
    }
}
