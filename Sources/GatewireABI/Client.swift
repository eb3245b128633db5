import CGatewire
import GWBase
import GWRuntime
import GWTLS

@_cdecl("gw_client_options_init") @implementation
public func gw_client_options_init(_ options: UnsafeMutablePointer<gw_client_options>?) {
    guard let options else { return }
    options.pointee = gw_client_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_client_options>.size)
}

@_cdecl("gw_client_open") @implementation
public func gw_client_open(
    _ context: OpaquePointer?, _ options: UnsafePointer<gw_client_options>?,
    _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> gw_status {
    guard let context, let options, let out else { return Status.argument.code }
    out.pointee = nil
    return withObject(context, Context.self) { context in
        // Files are read and keys are made before the context is locked.
        switch prepare({ () throws(Failure) in try dialect(of: options) }) {
        case .success(.socketIO):
            let settings = prepare { () throws(Failure) in try socketIOSettings(options, context.tls) }
            return open(context, out) { () throws(Failure) in
                SocketIOClient(context: context, settings: try settings.get())
            }
        case .success(.gateway):
            let settings = prepare { () throws(Failure) in try clientSettings(options, context.tls) }
            return open(context, out) { () throws(Failure) in Client(context: context, settings: try settings.get()) }
        case .failure(let failure):
            return onContext(context) { () throws(Failure) in throw failure }
        }
    }
}

private func open(
    _ context: Context, _ out: UnsafeMutablePointer<OpaquePointer?>, _ make: () throws(Failure) -> Link
) -> gw_status {
    onContext(context) { () throws(Failure) in
        let link = try make()
        out.pointee = makeHandle(ClientHandle(context: context, link: link))
        return .ok
    }
}

@_cdecl("gw_client_id") @implementation
public func gw_client_id(_ client: OpaquePointer?) -> UInt64 {
    guard let client else { return 0 }
    return withObject(client, ClientHandle.self) { $0.id }
}

@_cdecl("gw_client_close") @implementation
public func gw_client_close(
    _ client: OpaquePointer?, _ code: UInt32, _ reason: UnsafePointer<CChar>?
) -> gw_status {
    guard let client else { return Status.argument.code }
    return withLink(client) { link throws(Failure) in
        let closing = try closing(code, reason, isServer: false)
        guard link.close(code: closing.code, reason: closing.reason) else {
            throw Failure(.gone, .program, "the client is closed already")
        }
        return .ok
    }
}

@_cdecl("gw_client_free") @implementation
public func gw_client_free(_ client: OpaquePointer?) {
    guard let client else { return }
    _ = withLink(client) { link throws(Failure) in
        _ = link.close(code: 1000, reason: [])
        return .ok
    }
    releaseHandle(client, ClientHandle.self)
}

@_cdecl("gw_client_get_state") @implementation
public func gw_client_get_state(
    _ client: OpaquePointer?, _ out: UnsafeMutablePointer<gw_client_state>?
) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    guard Int(out.pointee.struct_size) >= MemoryLayout<gw_client_state>.size else { return Status.structSize.code }
    return withLink(client) { link throws(Failure) in
        let state = link.state
        out.pointee = gw_client_state(
            struct_size: out.pointee.struct_size, phase: state.phase, protocol: state.protocolVersion,
            next_attempt_ms: state.nextAttemptMilliseconds, connections: state.connections, attempts: state.attempts,
            calls_in_flight: state.callsInFlight, queued_bytes: state.queuedBytes,
            round_trip_us: state.roundTripMicroseconds, deflate: state.isDeflating ? 1 : 0,
            tls: state.isEncrypted ? 1 : 0, resolve_us: state.timings.resolve, connect_us: state.timings.connect,
            proxy_us: state.timings.proxy, tls_us: state.timings.tls, upgrade_us: state.timings.upgrade,
            challenge_us: state.timings.challenge, hello_us: state.timings.hello,
            endpoint: UInt32(truncatingIfNeeded: state.endpoint), reserved: 0)
        return .ok
    }
}

@_cdecl("gw_client_set_pins") @implementation
public func gw_client_set_pins(
    _ client: OpaquePointer?, _ pins: UnsafePointer<UnsafePointer<CChar>?>?, _ pin_count: Int
) -> gw_status {
    guard let client else { return Status.argument.code }
    return withLink(client) { link throws(Failure) in
        try link.replace(pins: PinSet(texts("pins", pins, pin_count) ?? []))
        return .ok
    }
}

@_cdecl("gw_client_get_tls") @implementation
public func gw_client_get_tls(_ client: OpaquePointer?, _ out: UnsafeMutablePointer<gw_tls_state>?) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    return withObject(client, ClientHandle.self) { handle in
        withLink(client) { link throws(Failure) in
            try TLSTexts.check(out)
            guard let agreement = link.agreement else { throw TLSTexts.none }
            let texts = TLSTexts(agreement)
            handle.tls = texts
            texts.fill(out)
            return .ok
        }
    }
}

/// Runs a call on the gateway client of a handle, if it has not ended.
func withClient(_ handle: OpaquePointer, _ body: (Client) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ClientHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard !handle.hasEnded, let client = handle.client else {
                throw otherDialect(handle, "the client speaks Socket.IO, which has functions of its own (socketio.h)")
            }
            return try body(client)
        }
    }
}

/// The same for a Socket.IO client.
func withSocketIO(_ handle: OpaquePointer, _ body: (SocketIOClient) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ClientHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard !handle.hasEnded, let client = handle.link as? SocketIOClient else {
                throw otherDialect(handle, "the client speaks to a gateway, not Socket.IO")
            }
            return try body(client)
        }
    }
}

/// Why there is no client of the dialect that a call needs.
private func otherDialect(_ handle: ClientHandle, _ text: StaticString) -> Failure {
    guard !handle.hasEnded else { return Failure(.gone, .program, "the client has ended") }
    return Failure(.state, .program, "\(text)")
}

/// The same for what clients of every dialect have.
func withLink(_ handle: OpaquePointer, _ body: (Link) throws(Failure) -> Status) -> gw_status {
    withObject(handle, ClientHandle.self) { handle in
        onContext(handle.context) { () throws(Failure) in
            guard !handle.hasEnded else { throw Failure(.gone, .program, "the client has ended") }
            return try body(handle.link)
        }
    }
}
