import CGatewire
import GWBase
import GWDeflate
import GWRuntime
import GWWebSocket

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
            out.pointee = makeHandle(SocketHandle(context: context, socket: socket))
            return .ok
        }
    }
}

@_cdecl("gw_socket_id") @implementation
public func gw_socket_id(_ socket: OpaquePointer?) -> UInt64 {
    guard let socket else { return 0 }
    return withObject(socket, SocketHandle.self) { $0.id }
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

@_cdecl("gw_socket_abort") @implementation
public func gw_socket_abort(_ socket: OpaquePointer?) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in
        guard socket.abort() else { throw Failure(.gone, .program, "the socket is closed already") }
        return .ok
    }
}

@_cdecl("gw_socket_pause") @implementation
public func gw_socket_pause(_ socket: OpaquePointer?) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in
        try socket.pause()
        return .ok
    }
}

@_cdecl("gw_socket_resume") @implementation
public func gw_socket_resume(_ socket: OpaquePointer?) -> gw_status {
    guard let socket else { return Status.argument.code }
    return withSocket(socket) { socket throws(Failure) in
        try socket.resume()
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
    releaseHandle(socket, SocketHandle.self)
}

@_cdecl("gw_socket_get_state") @implementation
public func gw_socket_get_state(
    _ socket: OpaquePointer?, _ out: UnsafeMutablePointer<gw_socket_state>?
) -> gw_status {
    guard let socket, let out else { return Status.argument.code }
    return withObject(socket, SocketHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in try fill(out, handle.socket) }
    }
}

@_cdecl("gw_socket_get_tls") @implementation
public func gw_socket_get_tls(_ socket: OpaquePointer?, _ out: UnsafeMutablePointer<gw_tls_state>?) -> gw_status {
    guard let socket, let out else { return Status.argument.code }
    return withObject(socket, SocketHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            try TLSTexts.check(out)
            guard let agreement = handle.socket.agreement else { throw TLSTexts.none }
            let texts = TLSTexts(agreement)
            handle.tls = texts
            texts.fill(out)
            return .ok
        }
    }
}

// What sockets and the connections of listeners have in common.

func send(
    _ socket: Socket, _ kind: UInt32, _ data: UnsafeRawPointer?, _ size: Int, _ flags: UInt32
) throws(Failure) -> Status {
    try checkFlags(flags, known: GW_SEND_PART | GW_SEND_UNCOMPRESSED | GW_SEND_COMPRESSED)
    let isPart = flags & UInt32(GW_SEND_PART) != 0
    let compression: Socket.Compression
    switch Int(flags) & (GW_SEND_UNCOMPRESSED | GW_SEND_COMPRESSED) {
    case 0: compression = .fromThreshold
    case GW_SEND_UNCOMPRESSED: compression = .never
    case GW_SEND_COMPRESSED: compression = .always
    default: throw Failure(.flags, .program, "GW_SEND_UNCOMPRESSED and GW_SEND_COMPRESSED exclude each other")
    }
    let bytes = try payload(data, size)
    let isAboveMark: Bool
    switch Int(kind) {
    case GW_TEXT: isAboveMark = try socket.send(.text, bytes, isPart: isPart, compression)
    case GW_BINARY: isAboveMark = try socket.send(.binary, bytes, isPart: isPart, compression)
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
    try checkOutSize("gw_socket_state", out.pointee.struct_size, MemoryLayout<gw_socket_state>.size)
    let state = socket.state
    let first: Int
    switch state.close?.first {
    case .nobody, nil: first = GW_CLOSE_FIRST_NOBODY
    case .local: first = GW_CLOSE_FIRST_LOCAL
    case .peer: first = GW_CLOSE_FIRST_PEER
    }
    let deflate = state.deflate
    out.pointee = gw_socket_state(
        struct_size: out.pointee.struct_size, phase: state.phase,
        queued_bytes: UInt64(truncatingIfNeeded: state.queuedBytes), round_trip_us: state.roundTripMicroseconds,
        deflate: deflate == nil ? 0 : 1, tls: state.isEncrypted ? 1 : 0,
        client_max_window_bits: UInt32(deflate?.clientMaxWindowBits ?? 0),
        server_max_window_bits: UInt32(deflate?.serverMaxWindowBits ?? 0),
        client_no_context_takeover: deflate?.clientNoContextTakeover == true ? 1 : 0,
        server_no_context_takeover: deflate?.serverNoContextTakeover == true ? 1 : 0,
        close_first: UInt32(truncatingIfNeeded: first),
        close_code_sent: closeCode(state.close?.hasSent, state.close?.sentCode),
        close_code_received: closeCode(state.close?.hasReceived, state.close?.receivedCode), reserved: 0,
        memory_bytes: UInt64(truncatingIfNeeded: state.memoryBytes),
        messages_received: state.traffic.messagesReceived, messages_sent: state.traffic.messagesSent,
        bytes_received: state.traffic.bytesReceived, bytes_sent: state.traffic.bytesSent,
        wire_bytes_received: state.traffic.wireBytesReceived, wire_bytes_sent: state.traffic.wireBytesSent,
        received_before_inflate: state.traffic.receivedBeforeInflate,
        received_after_inflate: state.traffic.receivedAfterInflate,
        sent_before_deflate: state.traffic.sentBeforeDeflate, sent_after_deflate: state.traffic.sentAfterDeflate,
        resolve_us: state.timings.resolve, connect_us: state.timings.connect, proxy_us: state.timings.proxy,
        tls_us: state.timings.tls, upgrade_us: state.timings.upgrade)
    return .ok
}

private func closeCode(_ hasFrame: Bool?, _ code: UInt16?) -> UInt32 {
    hasFrame == true ? UInt32(code ?? CloseCode.noStatus) : 0
}

private func payload(_ data: UnsafeRawPointer?, _ size: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard size >= 0, size <= Int(UInt32.max), data != nil || size == 0 else {
        throw Failure(.argument, .program, "data is NULL or its size is out of range")
    }
    return UnsafeRawBufferPointer(start: data, count: size)
}

/// Runs a call on the socket of a handle, if it has not ended.
private func withSocket(_ handle: OpaquePointer, _ body: (Socket) throws(Failure) -> Status) -> gw_status {
    withObject(handle, SocketHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard !handle.hasEnded else { throw Failure(.gone, .program, "the socket has ended") }
            return try body(handle.socket)
        }
    }
}
