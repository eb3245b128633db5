/// Bytes waiting to be sent or completed: appended at the tail, consumed at the head, one piece of memory.
///
/// An empty buffer can give its memory back (`release`), so that idle connections hold none.
public struct ByteBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var head = 0
    private var tail = 0
    public private(set) var capacity = 0

    public init() {}

    deinit { base?.deallocate() }

    public var count: Int { tail &- head }
    public var isEmpty: Bool { tail == head }

    /// The bytes that are held.  Valid until the next mutation.
    public var readable: UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + head, count: tail &- head)
    }

    /// The bytes that are held, for changing them in place.  Valid until the next mutation.
    public var mutableReadable: UnsafeMutableRawBufferPointer {
        guard let base else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        return UnsafeMutableRawBufferPointer(start: base + head, count: tail &- head)
    }

    /// Room for at least `size` bytes behind the tail; `commit` says how many of them were filled.
    public mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer {
        if let base, capacity &- tail >= size { return base + tail }
        return grow(size)
    }

    /// How many bytes `reserve` could give without growing.
    public var room: Int { capacity &- tail }

    /// Counts `size` bytes, filled after `reserve`, as held.
    public mutating func commit(_ size: Int) { tail &+= size }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        tail &+= bytes.count
    }

    public mutating func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        tail &+= 1
    }

    public mutating func append(_ text: StaticString) {
        append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { append(UnsafeRawBufferPointer($0)) }
    }

    /// Takes `size` bytes (at most those held) off the head.
    public mutating func consume(_ size: Int) {
        if size < count { head &+= max(size, 0) } else { clear() }
    }

    /// Takes everything behind the first `size` held bytes off the tail.
    public mutating func truncate(_ size: Int) {
        if size < count { tail = head &+ max(size, 0) }
        if head == tail { clear() }
    }

    public mutating func clear() {
        head = 0
        tail = 0
    }

    /// Clears the buffer and gives its memory back.
    public mutating func release() {
        base?.deallocate()
        base = nil
        clear()
        capacity = 0
    }

    /// Hands the memory over to the caller, who deallocates it; the buffer is empty afterwards.
    mutating func detach() -> UnsafeMutableRawPointer? {
        let memory = base
        base = nil
        clear()
        capacity = 0
        return memory
    }

    /// Overwrites the whole memory with zeros before giving it back: for what held a secret.
    public mutating func wipe() {
        if let base { secureZero(base, capacity) }
        release()
    }

    @inline(never)
    private mutating func grow(_ size: Int) -> UnsafeMutableRawPointer {
        let held = count
        if let base, head > 0, capacity &- held >= size, head >= held {
            base.copyMemory(from: base + head, byteCount: held)
            head = 0
            tail = held
            return base + held
        }
        var wanted = max(capacity, 256)
        while wanted &- held < size { wanted = wanted &* 2 }
        let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        if let base {
            larger.copyMemory(from: base + head, byteCount: held)
            base.deallocate()
        }
        base = larger
        capacity = wanted
        head = 0
        tail = held
        return larger + held
    }
}

/// Overwrites memory in a way that the optimiser does not remove.
@inline(never)
@_optimize(none)
public func secureZero(_ memory: UnsafeMutableRawPointer, _ count: Int) {
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: count)
}
