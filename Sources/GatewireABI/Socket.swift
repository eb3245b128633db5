import CGatewire
import GWBase
import GWRuntime

@_cdecl("gw_socket_limits_init") @implementation
public func gw_socket_limits_init(_ limits: UnsafeMutablePointer<gw_socket_limits>?) {
    guard let limits else { return }
    limits.pointee = gw_socket_limits()
    limits.pointee.struct_size = UInt32(MemoryLayout<gw_socket_limits>.size)
}

@_cdecl("gw_socket_options_init") @implementation
public func gw_socket_options_init(_ options: UnsafeMutablePointer<gw_socket_options>?) {
    guard let options else { return }
    options.pointee = gw_socket_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_socket_options>.size)
}

@_cdecl("gw_socket_open") @implementation
public func gw_socket_open(
    _ context: OpaquePointer?, _ options: UnsafePointer<gw_socket_options>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> gw_status {
    guard let context, let options, let out else { return Status.argument.code }
    out.pointee = nil
    return withObject(context, Context.self) { context in
        // Files are read before the context is locked.
        let settings = prepare { () throws(Failure) in try socketSettings(options, context.tls) }
        return onContext(context) { () throws(Failure) in
            let settings = try settings.get()
            let socket = Socket.open(context: context, dial: settings.dial, socket: settings.socket)
            out.pointee = makeHandle(ClientHandle(context: context, id: socket.id))
            return .ok
        }
    }
}

@_cdecl("gw_socket_id") @implementation
public func gw_socket_id(_ socket: OpaquePointer?) -> UInt64 {
    guard let socket else { return 0 }
    return withObject(socket, ClientHandle.self) { $0.id }
}

@_cdecl("gw_socket_send") @implementation
public func gw_socket_send(
    _ socket: OpaquePointer?, _ kind: UInt32, _ data: UnsafeRawPointer?, _ size: Int, _ flags: UInt32
) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in try send(socket, kind, data, size, flags) }
}

@_cdecl("gw_socket_ping") @implementation
public func gw_socket_ping(_ socket: OpaquePointer?, _ data: UnsafeRawPointer?, _ size: Int) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in try ping(socket, data, size) }
}

@_cdecl("gw_socket_close") @implementation
public func gw_socket_close(
    _ socket: OpaquePointer?, _ code: UInt32, _ reason: UnsafePointer<CChar>?
) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in
        let closing = try closing(code, reason, isServer: false)
        guard socket.close(code: closing.code, reason: closing.reason) else {
            throw Failure(.gone, .program, "the socket is closed already")
        }
        return .ok
    }
}

@_cdecl("gw_socket_free") @implementation
public func gw_socket_free(_ socket: OpaquePointer?) {
    guard let socket else { return }
    _ = withSocket(socket) { socket throws(Failure) in
        _ = socket.close(code: 1000, reason: [])
        return .ok
    }
    releaseHandle(socket, ClientHandle.self)
}

@_cdecl("gw_socket_get_state") @implementation
public func gw_socket_get_state(
    _ socket: OpaquePointer?, _ out: UnsafeMutablePointer<gw_socket_state>?
) -> gw_status {
    guard let socket, let out else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in try fill(out, socket) }
}

// What sockets and the connections of listeners have in common.

func send(
    _ socket: Socket, _ kind: UInt32, _ data: UnsafeRawPointer?, _ size: Int, _ flags: UInt32
) throws(Failure) -> Status {
    try checkFlags(flags, known: GW_SEND_PART | GW_SEND_UNCOMPRESSED)
    let isPart = flags & UInt32(GW_SEND_PART) != 0
    let compresses = flags & UInt32(GW_SEND_UNCOMPRESSED) == 0
    let bytes = try payload(data, size)
    let isAboveMark: Bool
    switch Int(kind) {
    case GW_TEXT: isAboveMark = try socket.send(.text, bytes, isPart: isPart, compresses: compresses)
    case GW_BINARY: isAboveMark = try socket.send(.binary, bytes, isPart: isPart, compresses: compresses)
    default: throw Failure(.argument, .program, "kind is \(kind), it must be GW_TEXT or GW_BINARY")
    }
    return isAboveMark ? .queued : .ok
}

func ping(_ socket: Socket, _ data: UnsafeRawPointer?, _ size: Int) throws(Failure) -> Status {
    guard size <= 125 else {
        throw Failure(.argument, .program, "a ping has at most 125 bytes, given were \(size)")
    }
    try socket.ping(Array(payload(data, size)))
    return .ok
}

func fill(_ out: UnsafeMutablePointer<gw_socket_state>, _ socket: Socket) throws(Failure) -> Status {
    guard Int(out.pointee.struct_size) >= MemoryLayout<gw_socket_state>.size else {
        throw Failure(.structSize, .program, "struct_size of gw_socket_state is not set")
    }
    let state = socket.state
    out.pointee = gw_socket_state(
        struct_size: out.pointee.struct_size, phase: state.phase, queued_bytes: state.queuedBytes,
        round_trip_us: state.roundTripMicroseconds, deflate: state.isDeflating ? 1 : 0, tls: state.isEncrypted ? 1 : 0)
    return .ok
}

private func payload(_ data: UnsafeRawPointer?, _ size: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard size >= 0, size <= Int(UInt32.max), data != nil || size == 0 else {
        throw Failure(.argument, .program, "data is NULL or its size is out of range")
    }
    return UnsafeRawBufferPointer(start: data, count: size)
}

/// Runs a call on the socket of a handle, if it has not ended.
private func withSocket(_ handle: OpaquePointer, _ body: (Socket) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ClientHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard let socket = handle.context.socket(handle.id) else {
                throw Failure(.gone, .program, "the socket has ended")
            }
            return try body(socket)
        }
    }
}
