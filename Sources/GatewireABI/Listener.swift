import CGatewire
import GWBase
import GWRuntime
import GWWebSocket

@_cdecl("gw_listener_options_init") @implementation
public func gw_listener_options_init(_ options: UnsafeMutablePointer<gw_listener_options>?) {
    guard let options else { return }
    options.pointee = gw_listener_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_listener_options>.size)
}

@_cdecl("gw_listener_open") @implementation
public func gw_listener_open(
    _ context: OpaquePointer?, _ options: UnsafePointer<gw_listener_options>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> gw_status {
    guard let context, let options, let out else { return Status.argument.code }
    out.pointee = nil
    return withObject(context, Context.self) { context in
        // Files are read and keys are made before the context is locked.
        let settings = prepare { () throws(Failure) in try listenerSettings(options) }
        return onContext(context) { () throws(Failure) in
            let settings = try settings.get()
            let listener = try Listener.open(context: context, settings: settings)
            out.pointee = makeHandle(
                ListeningHandle(
                    context: context, id: listener.id, address: listener.address, listening: settings.listening))
            return .ok
        }
    }
}

@_cdecl("gw_listener_id") @implementation
public func gw_listener_id(_ listener: OpaquePointer?) -> UInt64 {
    guard let listener else { return 0 }
    return withObject(listener, ListeningHandle.self) { $0.id }
}

@_cdecl("gw_listener_port") @implementation
public func gw_listener_port(_ listener: OpaquePointer?) -> UInt32 {
    guard let listener else { return 0 }
    return withObject(listener, ListeningHandle.self) { handle in
        guard !handle.context.isForked else { return 0 }
        return handle.context.call {
            handle.context.listener(handle.id) == nil ? 0 : UInt32(handle.port)
        }
    }
}

@_cdecl("gw_listener_reload_certificate") @implementation
public func gw_listener_reload_certificate(_ listener: OpaquePointer?) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withObject(listener, ListeningHandle.self) { handle in
        reload(handle) { handle.context.listener(handle.id) }
    }
}

@_cdecl("gw_listener_get_text") @implementation
public func gw_listener_get_text(
    _ listener: OpaquePointer?, _ which: UInt32, _ out: UnsafeMutablePointer<gw_slice>?
) -> gw_status {
    guard let listener, let out else { return Status.argument.code }
    return withObject(listener, ListeningHandle.self) { handle in
        guard let text = handle.text(which) else { return Status.argument.code }
        out.pointee = text
        return Status.ok.code
    }
}

@_cdecl("gw_listener_accept") @implementation
public func gw_listener_accept(
    _ listener: OpaquePointer?, _ connection: UInt64, _ subprotocol: UnsafePointer<CChar>?
) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withListener(listener) { listener throws(Failure) in
        let subprotocol = try name("subprotocol", subprotocol)
        guard try listener.accept(connection, subprotocol: subprotocol) else { throw gone }
        return .ok
    }
}

@_cdecl("gw_listener_reject") @implementation
public func gw_listener_reject(
    _ listener: OpaquePointer?, _ connection: UInt64, _ status: UInt32, _ text: UnsafePointer<CChar>?
) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withListener(listener) { listener throws(Failure) in
        guard status >= 400, status <= 599 else {
            throw Failure(.argument, .program, "status is \(status), allowed are 400 to 599")
        }
        let text = String(decoding: try GatewireABI.text("text", text) ?? [], as: UTF8.self)
        guard listener.reject(connection, status: UInt16(truncatingIfNeeded: status), text: text) else { throw gone }
        return .ok
    }
}

@_cdecl("gw_listener_send") @implementation
public func gw_listener_send(
    _ listener: OpaquePointer?, _ connection: UInt64, _ kind: UInt32, _ data: UnsafeRawPointer?, _ size: Int,
    _ flags: UInt32
) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        try send(socket, kind, data, size, flags)
    }
}

@_cdecl("gw_listener_ping") @implementation
public func gw_listener_ping(
    _ listener: OpaquePointer?, _ connection: UInt64, _ data: UnsafeRawPointer?, _ size: Int
) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in try ping(socket, data, size) }
}

@_cdecl("gw_listener_disconnect") @implementation
public func gw_listener_disconnect(
    _ listener: OpaquePointer?, _ connection: UInt64, _ code: UInt32, _ reason: UnsafePointer<CChar>?
) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        let closing = try closing(code, reason, isServer: true)
        guard socket.close(code: closing.code, reason: closing.reason) else { throw gone }
        return .ok
    }
}

@_cdecl("gw_listener_abort") @implementation
public func gw_listener_abort(_ listener: OpaquePointer?, _ connection: UInt64) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        guard socket.abort() else { throw gone }
        return .ok
    }
}

@_cdecl("gw_listener_pause") @implementation
public func gw_listener_pause(_ listener: OpaquePointer?, _ connection: UInt64) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        try socket.pause()
        return .ok
    }
}

@_cdecl("gw_listener_resume") @implementation
public func gw_listener_resume(_ listener: OpaquePointer?, _ connection: UInt64) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        try socket.resume()
        return .ok
    }
}

@_cdecl("gw_listener_get_state") @implementation
public func gw_listener_get_state(
    _ listener: OpaquePointer?, _ connection: UInt64, _ out: UnsafeMutablePointer<gw_socket_state>?
) -> gw_status {
    guard let listener, let out else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in try fill(out, socket) }
}

@_cdecl("gw_listener_get_tls") @implementation
public func gw_listener_get_tls(
    _ listener: OpaquePointer?, _ connection: UInt64, _ out: UnsafeMutablePointer<gw_tls_state>?
) -> gw_status {
    guard let listener, let out else { return Status.argument.code }
    return withConnection(listener, connection) { socket throws(Failure) in
        try TLSTexts.check(out)
        guard let agreement = socket.agreement else { throw TLSTexts.none }
        let texts = TLSTexts(agreement)
        withObject(listener, ListeningHandle.self) { $0.tls = texts }
        texts.fill(out)
        return .ok
    }
}

@_cdecl("gw_listener_get_stats") @implementation
public func gw_listener_get_stats(
    _ listener: OpaquePointer?, _ out: UnsafeMutablePointer<gw_listener_stats>?
) -> gw_status {
    guard let listener, let out else { return Status.argument.code }
    return withListener(listener) { listener throws(Failure) in
        let size = out.pointee.struct_size
        try checkOutSize("gw_listener_stats", size, MemoryLayout<gw_listener_stats>.size)
        let sum = listener.statistics
        out.pointee = gw_listener_stats(
            struct_size: size, connections_now: UInt32(truncatingIfNeeded: sum.connectionsNow),
            connections: sum.connections, refused: sum.refused, messages_received: sum.traffic.messagesReceived,
            messages_sent: sum.traffic.messagesSent, bytes_received: sum.traffic.bytesReceived,
            bytes_sent: sum.traffic.bytesSent, wire_bytes_received: sum.traffic.wireBytesReceived,
            wire_bytes_sent: sum.traffic.wireBytesSent)
        return .ok
    }
}

@_cdecl("gw_listener_stop") @implementation
public func gw_listener_stop(_ listener: OpaquePointer?) -> gw_status {
    guard let listener else { return Status.argument.code }
    return withListener(listener) { listener throws(Failure) in
        guard listener.stop() else { throw Failure(.gone, .program, "the listener is stopped already") }
        return .ok
    }
}

@_cdecl("gw_listener_free") @implementation
public func gw_listener_free(_ listener: OpaquePointer?) {
    guard let listener else { return }
    _ = withListener(listener) { listener throws(Failure) in
        _ = listener.stop()
        return .ok
    }
    releaseHandle(listener, ListeningHandle.self)
}

private var gone: Failure { Failure(.gone, .program, "the connection has ended, or nothing was asked about it") }

/// Runs a call on the listener of a handle, if it has not ended.
private func withListener(_ handle: OpaquePointer, _ body: (Listener) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ListeningHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard let listener = handle.context.listener(handle.id) else {
                throw Failure(.gone, .program, "the listener has ended")
            }
            return try body(listener)
        }
    }
}

private func withConnection(
    _ handle: OpaquePointer, _ connection: UInt64, _ body: (Socket) throws(Failure) -> Status
) -> gw_status {
    withListener(handle) { listener throws(Failure) in
        guard let socket = listener.connection(connection) else { throw gone }
        return try body(socket)
    }
}
