import CZlib
import GWBase

/// The receiving half of permessage-deflate (RFC 7692 section 7.2.2): one zlib stream for one direction of a connection.
///
/// The stream is made at the first compressed message.  Payload is inflated as it arrives; nothing of it is held back.
public final class Inflator {
    private let windowBits: Int32
    private let resetsAfterMessage: Bool
    private var stream: UnsafeMutablePointer<z_stream>?
    /// A final block has ended and nothing came behind it yet.
    private var isAtStreamEnd = false

    public enum Outcome {
        /// All input was taken and all that it yields was written.
        case inputTaken
        /// There may be more: call again with room, also when no input is left.
        case outputFull
        /// The bytes are no deflate stream, or refer to what was never sent.
        case invalid
    }

    /// `windowBits` as agreed for this direction, 8 to 15.  What refers further back is refused once the bytes are gone, and
    /// inflates as long as they still lie in the output.
    public init(windowBits: UInt8, noContextTakeover: Bool) {
        self.windowBits = Int32(min(max(windowBits, 8), 15))
        resetsAfterMessage = noContextTakeover
    }

    deinit { release() }

    /// Whether `release` loses nothing that a later message may refer to.  Only between messages.
    public var isDroppable: Bool { resetsAfterMessage }

    public var isAllocated: Bool { stream != nil }

    /// What zlib holds for it, once it is allocated: the window and about 7 KiB.
    public var streamBytes: Int { (1 << Int(windowBits)) + 7168 }

    /// Inflates payload bytes of the message under way.  `input` shrinks by what was taken, `produced` grows by what was written
    /// behind it in `output`, at most up to `room`.
    public func inflate(
        _ input: inout UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer, room: Int, produced: inout Int
    ) -> Outcome {
        guard let stream = stream ?? open() else { return .invalid }
        while true {
            if isAtStreamEnd {
                if input.isEmpty { return .inputTaken }
                guard restart(stream) else { return .invalid }
            }
            // zlib counts in 32 bits; what is larger goes in several rounds.
            let given = UInt32(truncatingIfNeeded: min(input.count, Inflator.largestPiece))
            let space = UInt32(truncatingIfNeeded: min(max(room &- produced, 0), Inflator.largestPiece))
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = given
            stream.pointee.next_out = (output + produced).assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = space
            let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
            let taken = given &- stream.pointee.avail_in
            let written = space &- stream.pointee.avail_out
            input = UnsafeRawBufferPointer(rebasing: input[Int(taken)...])
            produced &+= Int(written)

            switch result {
            case Z_STREAM_END:
                isAtStreamEnd = true
            case Z_OK, Z_BUF_ERROR:
                // A buffer error says that nothing could be done, and which of the two is missing shows below.
                if stream.pointee.avail_out == 0, !(result == Z_BUF_ERROR && input.isEmpty) { return .outputFull }
                if input.isEmpty { return .inputTaken }
                if taken == 0, written == 0 { return .invalid }
            default:
                return .invalid
            }
        }
    }

    /// The payload of the message is complete.  False if the stream was cut off, that is, if it does not stand at the border of a
    /// block once the tail is added that senders leave out.
    ///
    /// A message that ends with a final block is as good (section 7.2.3.4), with the tail's first byte or without.
    public func finishMessage() -> Bool {
        guard let stream = stream ?? open() else { return false }
        if isAtStreamEnd {
            guard restart(stream) else { return false }
        } else {
            // The tail is an empty block: it must not yield a byte.  The room beyond shows if it does.
            var tail: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0xff, 0xff)
            var spare: UInt64 = 0
            let isAtBorder = withUnsafeMutableBytes(of: &tail) { tail in
                withUnsafeMutableBytes(of: &spare) { spare in
                    stream.pointee.next_in = tail.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.pointee.avail_in = 4
                    stream.pointee.next_out = spare.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.pointee.avail_out = 8
                    let result = CZlib.inflate(stream, Z_SYNC_FLUSH)
                    return result == Z_OK && stream.pointee.avail_in == 0 && stream.pointee.avail_out == 8
                        && stream.pointee.data_type & Inflator.blockBorder != 0
                }
            }
            guard isAtBorder else { return false }
        }
        return resetsAfterMessage ? inflateReset(stream) == Z_OK : true
    }

    /// Gives the memory back.
    public func release() {
        if let stream {
            inflateEnd(stream)
            stream.deallocate()
        }
        stream = nil
        isAtStreamEnd = false
    }

    /// Starts anew behind a final block.  The window stays: later blocks may refer to what came before.
    private func restart(_ stream: UnsafeMutablePointer<z_stream>) -> Bool {
        isAtStreamEnd = false
        return inflateResetKeep(stream) == Z_OK
    }

    private func open() -> UnsafeMutablePointer<z_stream>? {
        let new = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        new.initialize(to: z_stream())
        guard gw_inflate_init(new, -windowBits) == Z_OK else {
            new.deallocate()
            return nil
        }
        stream = new
        return new
    }

    /// The bit of `data_type` that zlib sets right behind a block.
    private static let blockBorder: Int32 = 128
    private static let largestPiece = 1 << 30
}
