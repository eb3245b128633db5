import GWBase
import GWDeflate

/// The message under way: its limits, its UTF-8 check and, unless it came whole in one frame, its bytes (RFC 6455 section 5.4).
///
/// Limits are inclusive and are met by running totals, before a byte beyond them is read or room for it is allocated.
struct MessageAssembler: ~Copyable {
    private(set) var isOpen = false
    private(set) var kind = MessageKind.text
    private(set) var isCompressed = false
    /// Payload bytes of all its frames, the one under way included.
    private(set) var declared = 0
    private var fragments = 0
    private var validator = UTF8Validator()
    /// What was taken so far, unmasked and inflated.
    private var buffer = ByteBuffer()

    var maxBytes: Int {
        didSet { maxWholeBytes = min(maxBytes, maxFrameBytes) }
    }
    private let maxFrameBytes: Int
    /// Greatest message in one frame.
    private(set) var maxWholeBytes: Int
    private let maxFragments: Int
    /// Least size of a part but the last; nil: messages are given as a whole.
    private let partBytes: Int?
    /// Most bytes that `buffer` may hold.
    var memoryRoom = Int.max

    init(_ settings: WebSocketSettings) {
        maxBytes = Int(settings.maxMessageBytes)
        maxFrameBytes = Int(settings.maxFrameBytes)
        maxWholeBytes = min(maxBytes, maxFrameBytes)
        maxFragments = max(settings.maxFragments, 1)
        partBytes = settings.partBytes.map { max(Int($0), 1) }
    }

    /// Size of the message so far, or of the one that just ended.
    private(set) var total = 0

    /// What the message under way holds or will hold of memory.
    var heldBytes: Int {
        guard isOpen else { return 0 }
        return isCompressed || partBytes != nil ? buffer.count : declared
    }

    /// Compressed payload that may be inflated before parts are handed over again, so that no part becomes much larger than wished.
    var mostPayloadAtOnce: Int { partBytes != nil && isCompressed ? MessageAssembler.inflatedAtOnce : .max }

    // MARK: Frames

    /// Whether a data frame keeps to the limits; whether it may come at all is judged before.
    func judgeFrame(length: UInt64, isCompressed startsCompressed: Bool) -> Violation? {
        if length > UInt64(maxFrameBytes) { return .frameTooBig(length, limit: maxFrameBytes) }
        let total = UInt64(isOpen ? declared : 0) &+ length
        if isOpen ? isCompressed : startsCompressed {
            // What inflates to the limit may be longer than it, but not by much.  Without a bound, blocks that yield nothing would cost
            // time without end.
            if total > UInt64(maxBytes + maxBytes / 4 + 1024) { return .messageTooBig(total, limit: maxBytes) }
        } else if total > UInt64(maxBytes) {
            return .messageTooBig(total, limit: maxBytes)
        }
        return isOpen && fragments >= maxFragments ? .tooManyFragments(limit: maxFragments) : nil
    }

    /// A data frame starts, `judgeFrame` having let it pass.
    mutating func begin(_ header: FrameHeader) {
        if !isOpen {
            isOpen = true
            kind = header.opcode == Opcode.text ? .text : .binary
            isCompressed = header.isCompressed
            declared = 0
            total = 0
            fragments = 0
            validator = UTF8Validator()
        }
        declared &+= header.length
        fragments &+= 1
    }

    /// Whether there is memory for the frame that just began and does not lie whole in the window.
    func judgeMemory() -> Violation? {
        guard !isCompressed, partBytes == nil, declared > memoryRoom else { return nil }
        return .memory(declared, limit: memoryRoom)
    }

    /// Checks text bytes; `isASCII` if that much is known of them.  False at the first byte that cannot be UTF-8.
    mutating func checkText(_ bytes: UnsafeRawPointer, _ count: Int, isASCII: Bool) -> Bool {
        if kind == .binary { return true }
        if validator.isComplete, isASCII { return true }
        return validator.check(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    // MARK: Uncompressed payload

    /// Takes payload bytes, unmasking and checking them.  `expected` is what the frame still has, these included.
    mutating func append(_ payload: UnsafeRawPointer, _ count: Int, key: UInt32, expected: Int) -> Violation? {
        guard count > 0 else { return nil }
        if buffer.count &+ count > memoryRoom { return .memory(buffer.count &+ count, limit: memoryRoom) }
        reserve(count, expected, evidence: buffer.count &+ count)
        var done = 0
        while done < count {
            let size = min(count &- done, MessageAssembler.block)
            let target = buffer.reserve(size)
            // Blocks are a multiple of four, so the key stands as it was.
            let isASCII = Mask.copy(key, payload + done, to: target, size)
            if !checkText(target, size, isASCII: isASCII) { return .invalidText }
            buffer.commit(size)
            done &+= size
        }
        total &+= count
        return nil
    }

    /// Room for the next bytes of a frame that still expects `expected`, to receive into.
    mutating func directRoom(expected wished: Int) -> UnsafeMutableRawBufferPointer {
        var expected = wished
        if let partBytes { expected = min(wished, max(partBytes &- buffer.count, MessageAssembler.leastDirectRoom)) }
        reserve(min(expected, MessageAssembler.leastDirectRoom), expected, evidence: buffer.count)
        let target = buffer.reserve(1)
        return UnsafeMutableRawBufferPointer(start: target, count: min(expected, buffer.room))
    }

    /// `count` bytes were received into `directRoom`.
    mutating func commitDirect(_ count: Int, key: UInt32) -> Violation? {
        if partBytes != nil, buffer.count &+ count > memoryRoom {
            return .memory(buffer.count &+ count, limit: memoryRoom)
        }
        let target = buffer.reserve(count)
        var done = 0
        while done < count {
            let size = min(count &- done, MessageAssembler.block)
            let isASCII = key == 0 ? false : Mask.apply(key, target + done, size)
            if kind == .text {
                let isKnown = isASCII || (key == 0 && UTF8Validator.isASCII(target + done, size))
                if !checkText(target + done, size, isASCII: isKnown) { return .invalidText }
            }
            done &+= size
        }
        buffer.commit(count)
        total &+= count
        return nil
    }

    /// Grows the buffer for `count` bytes now and as many more as the bytes that really came make credible: a declared length
    /// is not believed alone.
    private mutating func reserve(_ count: Int, _ expected: Int, evidence: Int) {
        if buffer.room >= count { return }
        _ = buffer.reserve(max(count, min(expected, evidence &* MessageAssembler.credit)))
    }

    // MARK: Compressed payload

    /// Inflates unmasked payload bytes behind what was taken so far.
    mutating func inflate(_ payload: UnsafeRawBufferPointer, _ inflator: Inflator) -> Violation? {
        var input = payload
        while true {
            let left = min(maxBytes &- total, memoryRoom &- buffer.count)
            if left <= 0 { return endAtLimit(&input, inflator) }
            let target = buffer.reserve(min(left, max(input.count &* 4, MessageAssembler.leastInflateRoom)))
            let room = min(left, buffer.room)
            var produced = 0
            let outcome = inflator.inflate(&input, into: target, room: room, produced: &produced)
            if kind == .text, !checkText(target, produced, isASCII: UTF8Validator.isASCII(target, produced)) {
                return .invalidText
            }
            buffer.commit(produced)
            total &+= produced
            switch outcome {
            case .inputTaken: return nil
            case .outputFull: continue
            case .invalid: return .invalidDeflate
            }
        }
    }

    // MARK: Parts

    /// What was collected, if it is enough for a part, or nil.  A code point that is not complete stays for the next one.
    mutating func takePart(_ arena: Arena) -> UnsafeRawBufferPointer? {
        guard let partBytes, buffer.count >= partBytes else { return nil }
        let kept = kind == .text && !validator.isComplete ? MessageAssembler.unfinishedTail(buffer.readable) : 0
        guard kept < buffer.count else { return nil }
        var tail: [UInt8] = []
        if kept > 0 { tail = Array(buffer.readable.suffix(kept)) }
        buffer.truncate(buffer.count &- kept)
        let part = handOver(arena)
        buffer.append(tail)
        return part
    }

    /// Bytes of the code point at the end of a text that is valid so far, but not complete.
    private static func unfinishedTail(_ text: UnsafeRawBufferPointer) -> Int {
        var count = 1
        while count < 4, count < text.count, text[text.count &- count] & 0xc0 == 0x80 { count &+= 1 }
        return count
    }

    private mutating func handOver(_ arena: Arena) -> UnsafeRawBufferPointer {
        if buffer.count > MessageAssembler.smallMessage { return arena.adopt(&buffer) }
        // Small ones lie side by side in the arena, and their buffer is used again.
        let bytes = arena.copy(buffer.readable)
        buffer.clear()
        return bytes
    }

    enum WholeResult {
        case message(UnsafeRawBufferPointer)
        case violation(Violation)
    }

    /// Inflates a message that came whole in one frame, straight into the arena unless it outgrows the room there.
    mutating func inflateWhole(
        _ payload: UnsafeRawBufferPointer, _ inflator: Inflator, _ arena: Arena
    ) -> WholeResult {
        var input = payload
        let wanted = min(max(payload.count &* 4, MessageAssembler.leastInflateRoom), MessageAssembler.block &* 4)
        let space = arena.reserve(wanted)
        guard let target = space.baseAddress else { return .violation(.invalidDeflate) }
        let room = min(space.count, maxBytes)
        var produced = 0
        let outcome = inflator.inflate(&input, into: target, room: room, produced: &produced)
        total = produced
        if kind == .text, !checkText(target, produced, isASCII: UTF8Validator.isASCII(target, produced)) {
            return .violation(.invalidText)
        }
        switch outcome {
        case .inputTaken:
            break
        case .invalid:
            return .violation(.invalidDeflate)
        case .outputFull:
            buffer.append(UnsafeRawBufferPointer(start: target, count: produced))
            if let violation = inflate(input, inflator) { return .violation(violation) }
            return finish(inflator, arena)
        }
        if let violation = end(inflator) { return .violation(violation) }
        arena.commit(produced)
        return .message(UnsafeRawBufferPointer(start: target, count: produced))
    }

    /// The limit is reached: what is left of the input may end the stream, but not yield another byte.
    private func endAtLimit(_ input: inout UnsafeRawBufferPointer, _ inflator: Inflator) -> Violation? {
        var spare: UInt8 = 0
        var produced = 0
        let outcome = withUnsafeMutableBytes(of: &spare) { spare in
            guard let target = spare.baseAddress else { return Inflator.Outcome.invalid }
            return inflator.inflate(&input, into: target, room: 1, produced: &produced)
        }
        if produced > 0 {
            return total >= maxBytes ? .inflatedTooBig(limit: maxBytes) : .memory(buffer.count + 1, limit: memoryRoom)
        }
        return outcome == .inputTaken ? nil : .invalidDeflate
    }

    // MARK: End

    /// The final frame is complete: what was collected becomes a message in `arena`.
    mutating func finish(_ inflator: Inflator?, _ arena: Arena) -> WholeResult {
        if let violation = end(isCompressed ? inflator : nil) { return .violation(violation) }
        return .message(handOver(arena))
    }

    /// The final frame of a message that is not in `buffer` is complete.
    mutating func end(_ inflator: Inflator?) -> Violation? {
        if let inflator, !inflator.finishMessage() { return .unfinishedDeflate }
        isOpen = false
        return kind == .text && !validator.isComplete ? .unfinishedText : nil
    }

    /// Gives memory back that no message needs now.
    mutating func releaseMemory() { if !isOpen { buffer.release() } }

    /// Ends the message under way, if there is one, without a result.
    mutating func abandon() {
        isOpen = false
        buffer.release()
    }

    /// Unmasked and checked at a time, so that the second pass finds it in the cache.  A multiple of four.
    private static let block = 16_384
    private static let inflatedAtOnce = 1024
    private static let leastInflateRoom = 1024
    private static let leastDirectRoom = 65_536
    private static let smallMessage = 4096
    /// Bytes allocated, at most, for each byte that came.
    private static let credit = 64
}
