import COpenSSL
import GWBase

/// The BIO that an engine's session reads from and writes to: memory of ours, never a socket.
///
/// Reading takes from the window that `TLSEngine.supply` opened and asks for a retry when it is empty; writing appends
/// to `TLSEngine.output` and always succeeds.  The BIO's data is the engine, not retained: the engine owns the session,
/// which owns the BIO.
enum MemoryBIO {
    static func make(for engine: TLSEngine) -> OpaquePointer? {
        guard let method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(engine).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// One for the process; OpenSSL counts BIO types, so it is never made twice and never freed.
    private nonisolated(unsafe) static let method: OpaquePointer? = {
        let type = BIO_get_new_index()
        guard type >= 0, let method = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "gatewire memory") else { return nil }
        BIO_meth_set_read_ex(method, memoryBIORead)
        BIO_meth_set_write_ex(method, memoryBIOWrite)
        BIO_meth_set_ctrl(method, memoryBIOControl)
        return method
    }()
}

private typealias ReadCallback =
    @convention(c) (OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> Int32
private typealias WriteCallback =
    @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafeMutablePointer<Int>?) -> Int32
private typealias ControlCallback = @convention(c) (OpaquePointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int

private let memoryBIORead: ReadCallback = { bio, destination, size, taken in
    shim_BIO_clear_retry_flags(bio)
    guard let data = BIO_get_data(bio), let destination, let taken else { return 0 }
    let count = Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef {
        $0.takeInput(UnsafeMutableRawPointer(destination), size)
    }
    guard count > 0 else {
        shim_BIO_set_retry_read(bio)
        return 0
    }
    taken.pointee = count
    return 1
}

private let memoryBIOWrite: WriteCallback = { bio, source, size, written in
    shim_BIO_clear_retry_flags(bio)
    guard let data = BIO_get_data(bio), let source, let written else { return 0 }
    Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef {
        $0.output.append(UnsafeRawBufferPointer(start: source, count: size))
    }
    written.pointee = size
    return 1
}

private let memoryBIOControl: ControlCallback = { _, command, _, _ in
    // There is nothing behind the buffer to flush to, so a flush has always succeeded.
    command == BIO_CTRL_FLUSH ? 1 : 0
}
