import CGatewire
import GWBase
import GWGateway
import GWRuntime

@_cdecl("gw_server_options_init") @implementation
public func gw_server_options_init(_ options: UnsafeMutablePointer<gw_server_options>?) {
    guard let options else { return }
    options.pointee = gw_server_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_server_options>.size)
}

@_cdecl("gw_server_open") @implementation
public func gw_server_open(
    _ context: OpaquePointer?, _ options: UnsafePointer<gw_server_options>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> gw_status {
    guard let context, let options, let out else { return Status.argument.code }
    out.pointee = nil
    return withObject(context, Context.self) { context in
        // Files are read and keys are made before the context is locked.
        let settings = prepare { () throws(Failure) in try serverSettings(options) }
        return onContext(context) { () throws(Failure) in
            let settings = try settings.get()
            let server = try Server.open(context: context, settings: settings)
            out.pointee = makeHandle(
                ListeningHandle(
                    context: context, id: server.id, address: server.address, listening: settings.listening))
            return .ok
        }
    }
}

@_cdecl("gw_server_id") @implementation
public func gw_server_id(_ server: OpaquePointer?) -> UInt64 {
    guard let server else { return 0 }
    return withObject(server, ListeningHandle.self) { $0.id }
}

@_cdecl("gw_server_port") @implementation
public func gw_server_port(_ server: OpaquePointer?) -> UInt32 {
    guard let server else { return 0 }
    return withObject(server, ListeningHandle.self) { handle in
        guard !handle.context.isForked else { return 0 }
        return handle.context.call { handle.context.server(handle.id) == nil ? 0 : UInt32(handle.port) }
    }
}

@_cdecl("gw_server_reload_certificate") @implementation
public func gw_server_reload_certificate(_ server: OpaquePointer?) -> gw_status {
    guard let server else { return Status.argument.code }
    return withObject(server, ListeningHandle.self) { handle in
        reload(handle) { handle.context.server(handle.id) }
    }
}

@_cdecl("gw_server_get_text") @implementation
public func gw_server_get_text(
    _ server: OpaquePointer?, _ which: UInt32, _ out: UnsafeMutablePointer<gw_slice>?
) -> gw_status {
    guard let server, let out else { return Status.argument.code }
    return withObject(server, ListeningHandle.self) { handle in
        guard let text = handle.text(which) else { return Status.argument.code }
        out.pointee = text
        return Status.ok.code
    }
}

@_cdecl("gw_server_reply") @implementation
public func gw_server_reply(
    _ server: OpaquePointer?, _ request: UInt64, _ payload: UnsafeRawPointer?, _ payload_len: Int, _ final: UInt32
) -> gw_status {
    guard let server else { return Status.argument.code }
    return withServer(server) { server throws(Failure) in
        let payload = try json("payload", payload, payload_len)
        return try status(server.reply(request, payload: payload, isFinal: final != 0), "the request")
    }
}

@_cdecl("gw_server_reject") @implementation
public func gw_server_reject(
    _ server: OpaquePointer?, _ request: UInt64, _ code: UnsafePointer<CChar>?, _ message: UnsafePointer<CChar>?,
    _ details: UnsafeRawPointer?, _ details_len: Int, _ retry_after_ms: UInt32
) -> gw_status {
    guard let server else { return Status.argument.code }
    return withServer(server) { server throws(Failure) in
        guard let code = try name("code", code), let message = try name("message", message) else {
            throw Failure(.argument, .program, "code and message are required")
        }
        let details = try json("details", details, details_len)
        let rejection = Rejection(
            code, message, details: Array(details), retryAfterMilliseconds: retry_after_ms)
        return try status(server.reject(request, rejection), "the request")
    }
}

@_cdecl("gw_server_push") @implementation
public func gw_server_push(
    _ server: OpaquePointer?, _ connection: UInt64, _ event: UnsafePointer<CChar>?, _ payload: UnsafeRawPointer?,
    _ payload_len: Int
) -> gw_status {
    guard let server else { return Status.argument.code }
    return withServer(server) { server throws(Failure) in
        let event = borrowedBytes(event)
        guard event.count > 0, event.count <= Limits.methodBytes else {
            throw Failure(
                .argument, .program, "the event's name has \(event.count) bytes, allowed are 1 to \(Limits.methodBytes)"
            )
        }
        let payload = try json("payload", payload, payload_len)
        let peer: UInt64? = connection == 0 ? nil : connection
        return try status(server.push(to: peer, event: event, payload: payload), "the connection")
    }
}

@_cdecl("gw_server_disconnect") @implementation
public func gw_server_disconnect(
    _ server: OpaquePointer?, _ connection: UInt64, _ code: UInt32, _ reason: UnsafePointer<CChar>?
) -> gw_status {
    guard let server else { return Status.argument.code }
    return withServer(server) { server throws(Failure) in
        let closing = try closing(code, reason, isServer: true)
        guard server.disconnect(connection, code: closing.code, reason: closing.reason) else {
            throw Failure(.gone, .program, "the connection has ended")
        }
        return .ok
    }
}

@_cdecl("gw_server_stop") @implementation
public func gw_server_stop(_ server: OpaquePointer?, _ reason: UnsafePointer<CChar>?) -> gw_status {
    guard let server else { return Status.argument.code }
    return withServer(server) { server throws(Failure) in
        let reason = try text("reason", reason) ?? []
        guard server.stop(reason: reason) else { throw Failure(.gone, .program, "the server is stopped already") }
        return .ok
    }
}

@_cdecl("gw_server_free") @implementation
public func gw_server_free(_ server: OpaquePointer?) {
    guard let server else { return }
    _ = withServer(server) { server throws(Failure) in
        _ = server.stop(reason: [])
        return .ok
    }
    releaseHandle(server, ListeningHandle.self)
}

private func status(_ result: Server.ReplyResult, _ what: StaticString) throws(Failure) -> Status {
    switch result {
    case .sent: return .ok
    case .queued: return .queued
    case .gone: throw Failure(.gone, .program, "\(what) has ended")
    }
}

/// Runs a call on the server of a handle, if it has not ended.
private func withServer(_ handle: OpaquePointer, _ body: (Server) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ListeningHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard let server = handle.context.server(handle.id) else {
                throw Failure(.gone, .program, "the server has ended")
            }
            return try body(server)
        }
    }
}
