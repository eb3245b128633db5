import GWBase

/// Reads the body of an answer other than 101 (RFC 9112 section 6), as far as it helps to say why.
///
/// The status is known before the body, so nothing about the body is an error: whatever ends it, what was read counts.
/// The connection is closed afterwards.
public struct RefusedBody {
    public enum Action: Equatable, Sendable {
        case needMore
        /// Nothing more is wanted.
        case complete
    }

    private enum State {
        /// This many bytes are left.
        case counted(UInt64)
        case untilEnd
        /// In the line with the size of a chunk.
        case chunkSize(ChunkSize)
        case chunkData(UInt64)
        /// In the line end behind a chunk.
        case chunkEnd
        /// In the lines behind the last chunk; how many bytes of the one at hand have arrived.
        case trailer(lineBytes: Int)
        case done
    }

    /// A chunk's size, read digit by digit, and whether its digits have ended.
    private struct ChunkSize {
        var value: UInt64 = 0
        var lineBytes = 0
        var digits = 0
        var isExtension = false
    }

    public private(set) var bytes: [UInt8] = []
    /// Whether the body is larger than `Limits.refusedBodyBytes`; its start was kept.
    public private(set) var isTruncated = false
    /// Whether the body ended as its framing says.
    public private(set) var isWhole = false
    private var state: State

    public init(_ head: ResponseHead) {
        state = RefusedBody.framing(head)
        if case .counted(0) = state { end(isWhole: true) }
    }

    public var isComplete: Bool {
        if case .done = state { return true }
        return false
    }

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Action {
        var rest = bytes[...]
        while !isComplete, !rest.isEmpty { rest = rest.dropFirst(take(rest)) }
        return isComplete ? .complete : .needMore
    }

    /// The peer will send nothing more.
    public mutating func endOfStream() {
        guard !isComplete else { return }
        if case .untilEnd = state { end(isWhole: true) } else { end(isWhole: false) }
    }

    private static func framing(_ head: ResponseHead) -> State {
        if head.status == 204 || head.status == 304 { return .counted(0) }
        if head.fields.contains("Transfer-Encoding") {
            let codings = head.fields.list("Transfer-Encoding") ?? []
            guard let last = codings.last, HTTPText.isEqual(last[...], "chunked") else { return .untilEnd }
            return .chunkSize(ChunkSize())
        }
        guard head.fields.contains("Content-Length") else { return .untilEnd }
        let lengths = head.fields.list("Content-Length") ?? []
        guard let first = lengths.first, lengths.allSatisfy({ $0 == first }), let length = decimalNumber(first) else {
            return .done  // nobody can say where such a body ends
        }
        return .counted(length)
    }

    /// Takes some of the bytes, at least one, and says how many.
    private mutating func take(_ rest: Slice<UnsafeRawBufferPointer>) -> Int {
        guard let byte = rest.first else { return 0 }
        switch state {
        case .counted(let left):
            let taken = keep(rest, atMost: left)
            if isComplete { break }
            state = .counted(left - UInt64(taken))
            if left == UInt64(taken) { end(isWhole: true) }
            return taken
        case .untilEnd:
            return keep(rest, atMost: .max)
        case .chunkSize(let size):
            takeSize(byte, size)
        case .chunkData(let left):
            let taken = keep(rest, atMost: left)
            if isComplete { break }
            state = left == UInt64(taken) ? .chunkEnd : .chunkData(left - UInt64(taken))
            return taken
        case .chunkEnd:
            if byte == 0x0a { state = .chunkSize(ChunkSize()) } else if byte != 0x0d { end(isWhole: false) }
        case .trailer(let lineBytes):
            if byte == 0x0a {
                if lineBytes == 0 { end(isWhole: true) } else { state = .trailer(lineBytes: 0) }
            } else if lineBytes >= Limits.headBytes {
                end(isWhole: false)
            } else if byte != 0x0d {
                state = .trailer(lineBytes: lineBytes + 1)
            }
        case .done:
            break
        }
        return 1
    }

    private mutating func takeSize(_ byte: UInt8, _ sizeSoFar: ChunkSize) {
        var size = sizeSoFar
        size.lineBytes += 1
        if byte == 0x0a {
            guard size.digits > 0 else { return end(isWhole: false) }
            state = size.value == 0 ? .trailer(lineBytes: 0) : .chunkData(size.value)
            return
        }
        if let digit = byte.hexDigitValue, !size.isExtension {
            // What is larger than the limit needs no exact number.
            size.value = min(size.value * 16 + UInt64(digit), UInt64(UInt32.max))
            size.digits += 1
        } else {
            guard size.isExtension || byte == 0x3b || byte == 0x0d || byte == 0x20 || byte == 0x09 else {
                return end(isWhole: false)
            }
            size.isExtension = true
        }
        state = .chunkSize(size)
        if size.lineBytes > 256 { end(isWhole: false) }
    }

    /// Keeps up to `limit` of the bytes and says how many; ends the reading where that is more than may be kept.
    private mutating func keep(_ rest: Slice<UnsafeRawBufferPointer>, atMost limit: UInt64) -> Int {
        let wanted = limit < UInt64(rest.count) ? Int(truncatingIfNeeded: limit) : rest.count
        let room = Limits.refusedBodyBytes - bytes.count
        bytes.append(contentsOf: rest.prefix(min(wanted, room)))
        if wanted > room {
            isTruncated = true
            end(isWhole: false)
        }
        return wanted
    }

    private mutating func end(isWhole: Bool) {
        state = .done
        self.isWhole = isWhole
    }
}
