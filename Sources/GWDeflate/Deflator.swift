import CZlib
import GWBase

/// The sending half of permessage-deflate (RFC 7692 section 7.2.1): one zlib stream for one direction of a connection.
///
/// The stream is made at the first compressed message and reset, not made again, where no context is taken over.
public final class Deflator {
    private let level: Int32
    private let memoryLevel: Int32
    private let windowBits: Int32
    private let resetsAfterMessage: Bool
    private var stream: UnsafeMutablePointer<z_stream>?
    /// Input was given since the last flush.
    private var isPending = false

    /// `windowBits` as agreed for this direction.
    public init(_ settings: DeflateSettings, windowBits: UInt8, noContextTakeover: Bool) {
        let clamped = settings.clamped
        level = clamped.level
        memoryLevel = clamped.memoryLevel
        self.windowBits = Int32(windowBits)
        resetsAfterMessage = noContextTakeover
    }

    deinit { release() }

    /// False for a window of 256 bytes, which zlib cannot deflate for: messages are then sent uncompressed, which is always
    /// allowed (section 6).
    public static func canDeflate(windowBits: UInt8) -> Bool { windowBits >= 9 && windowBits <= 15 }

    public var isAllocated: Bool { stream != nil }

    /// What zlib holds for it, once it is allocated: windows and hash tables.
    public var streamBytes: Int { (1 << Int(windowBits + 2)) + (1 << Int(memoryLevel + 9)) }

    /// Appends what a further piece of the message yields; parts of it may stay inside until a flush.  False if zlib
    /// fails, which makes the message unusable.
    public func deflate(_ piece: UnsafeRawBufferPointer, into output: inout ByteBuffer) -> Bool {
        guard let stream = stream ?? open() else { return false }
        var rest = piece
        while !rest.isEmpty {
            let given = min(rest.count, Deflator.largestPiece)
            stream.pointee.next_in = UnsafeMutablePointer(
                mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = UInt32(truncatingIfNeeded: given)
            isPending = true
            repeat {
                guard run(stream, Z_NO_FLUSH, Int(stream.pointee.avail_in), &output) else { return false }
            } while stream.pointee.avail_in > 0
            rest = UnsafeRawBufferPointer(rebasing: rest[given...])
        }
        return true
    }

    /// Appends everything that the pieces so far yield, so that the peer can inflate it before the message ends.
    public func flush(into output: inout ByteBuffer) -> Bool {
        guard isPending, let stream else { return true }
        stream.pointee.avail_in = 0
        repeat {
            guard run(stream, Z_SYNC_FLUSH, 0, &output) else { return false }
            // Returning with no room left means that there may be more.
        } while stream.pointee.avail_out == 0
        isPending = false
        return true
    }

    /// Ends the message: flushes and takes off the tail that receivers add (section 7.2.1).
    public func finishMessage(into output: inout ByteBuffer) -> Bool {
        if isPending {
            guard flush(into: &output) else { return false }
            let written = output.readable
            let kept = written.count - 4
            guard kept >= 0, written.loadUnaligned(fromByteOffset: kept, as: UInt32.self) == Deflator.tail else {
                return false
            }
            output.truncate(kept)
        } else {
            // zlib emits nothing for a flush without input; this is the head of the empty block whose rest is the tail.
            output.append(0)
        }
        return resetsAfterMessage ? reset() : true
    }

    /// Forgets a message that is not sent, and all before it, so that later messages refer to nothing that the peer has not
    /// seen.
    public func abandonMessage() { _ = reset() }

    /// Gives the memory back.  Between messages this is always allowed: a new stream refers to nothing before it.
    public func release() {
        if let stream {
            deflateEnd(stream)
            stream.deallocate()
        }
        stream = nil
        isPending = false
    }

    /// One call of zlib with plenty of room.  With less than seven bytes a flush would write its marker again and again.
    private func run(
        _ stream: UnsafeMutablePointer<z_stream>, _ flush: Int32, _ given: Int, _ output: inout ByteBuffer
    ) -> Bool {
        let bound = Int(truncatingIfNeeded: deflateBound(stream, UInt(truncatingIfNeeded: given)))
        let space = min(max(bound &+ 64, Deflator.leastRoom, output.room), Deflator.largestRoom)
        let room = output.reserve(space)
        stream.pointee.next_out = room.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(truncatingIfNeeded: space)
        let result = CZlib.deflate(stream, flush)
        output.commit(space &- Int(stream.pointee.avail_out))
        return result == Z_OK || result == Z_BUF_ERROR
    }

    private func reset() -> Bool {
        isPending = false
        guard let stream else { return true }
        return deflateReset(stream) == Z_OK
    }

    private func open() -> UnsafeMutablePointer<z_stream>? {
        let new = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        new.initialize(to: z_stream())
        guard gw_deflate_init(new, level, -windowBits, memoryLevel) == Z_OK else {
            new.deallocate()
            return nil
        }
        stream = new
        return new
    }

    /// 00 00 ff ff as a little-endian word.
    private static let tail: UInt32 = 0xffff_0000
    private static let largestPiece = 1 << 30
    private static let leastRoom = 1024
    private static let largestRoom = 65_536
}
