/// A token, a password or a passphrase: cannot be printed or compared, and is wiped when the last holder goes.
public final class Secret {
    private var bytes = ByteBuffer()

    /// Copies the bytes.
    public init(copying bytes: UnsafeRawBufferPointer) { self.bytes.append(bytes) }

    deinit { bytes.wipe() }

    public var isEmpty: Bool { bytes.isEmpty }
    public var count: Int { bytes.count }

    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { body(bytes.readable) }
}
