/// Memory for the payloads of one batch of events: pieces never move until `reset`, so events can point into it.
///
/// Input is read from the network straight into the room at its end and decoded there.  One chunk is enough for most
/// batches and is used again and again; what does not fit opens a further chunk, which lives until `reset`.
public final class Arena {
    private let chunkSize: Int
    private var current: UnsafeMutableRawBufferPointer
    private var used = 0
    private var first: UnsafeMutableRawBufferPointer
    /// What was used of the first chunk when the next one was opened.
    private var firstUsed = 0
    /// Further chunks and adopted buffers of this batch.
    private var extra: [UnsafeMutableRawPointer] = []
    /// Bytes that `extra` holds.
    public private(set) var extraBytes = 0

    public init(chunkSize: Int = Limits.receiveBufferBytes) {
        self.chunkSize = chunkSize
        first = .allocate(byteCount: chunkSize, alignment: 64)
        current = first
    }

    deinit {
        reset()
        first.deallocate()
    }

    /// The first chunk as far as it is filled: what a binding may copy at once.
    public var filled: UnsafeRawBufferPointer {
        let isFirst = current.baseAddress == first.baseAddress
        return UnsafeRawBufferPointer(rebasing: first[0..<(isFirst ? used : firstUsed)])
    }

    /// Room left in the chunk in use.
    public var room: Int { current.count &- used }

    /// Memory for at least `minimum` bytes; as much as the chunk has.  `commit` keeps what was filled of it.
    public func reserve(_ minimum: Int) -> UnsafeMutableRawBufferPointer {
        if current.count &- used < minimum { openChunk(minimum) }
        return UnsafeMutableRawBufferPointer(rebasing: current[used...])
    }

    /// Keeps the first `count` bytes of what `reserve` gave.
    public func commit(_ count: Int) { used = min(used &+ count, current.count) }

    /// Takes back the last `commit`, which kept these bytes, if nothing was kept since.
    public func rewind(to bytes: UnsafeMutableRawBufferPointer) {
        guard let base = current.baseAddress, let start = bytes.baseAddress, base + used == start + bytes.count else {
            return
        }
        used -= bytes.count
    }

    /// Copies bytes in; the copy stays until `reset`.
    public func copy(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard let source = bytes.baseAddress, bytes.count > 0, let base = reserve(bytes.count).baseAddress else {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        base.copyMemory(from: source, byteCount: bytes.count)
        commit(bytes.count)
        return UnsafeRawBufferPointer(start: base, count: bytes.count)
    }

    public func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
        bytes.withUnsafeBufferPointer { copy(UnsafeRawBufferPointer($0)) }
    }

    /// Takes over the memory of a buffer, which is empty afterwards; its bytes stay where they are until `reset`.
    public func adopt(_ buffer: inout ByteBuffer) -> UnsafeRawBufferPointer {
        let bytes = buffer.readable
        let capacity = buffer.capacity
        if let memory = buffer.detach() {
            extra.append(memory)
            extraBytes &+= capacity
        }
        return bytes
    }

    /// Each takes over what the other holds; the bytes do not move.
    public func exchange(with other: Arena) {
        swap(&current, &other.current)
        swap(&used, &other.used)
        swap(&first, &other.first)
        swap(&firstUsed, &other.firstUsed)
        swap(&extra, &other.extra)
        swap(&extraBytes, &other.extraBytes)
    }

    /// Ends the life of everything in it.
    public func reset() {
        for memory in extra { memory.deallocate() }
        extra.removeAll(keepingCapacity: true)
        extraBytes = 0
        current = first
        used = 0
    }

    private func openChunk(_ minimum: Int) {
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: max(minimum, chunkSize), alignment: 64)
        if let memory = chunk.baseAddress { extra.append(memory) }
        extraBytes &+= chunk.count
        if current.baseAddress == first.baseAddress { firstUsed = used }
        current = chunk
        used = 0
    }
}
