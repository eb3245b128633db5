import CGatewire
import GWBase
import GWGateway
import GWRuntime

@_cdecl("gw_call_options_init") @implementation
public func gw_call_options_init(_ options: UnsafeMutablePointer<gw_call_options>?) {
    guard let options else { return }
    options.pointee = gw_call_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_call_options>.size)
}

@_cdecl("gw_client_call") @implementation
public func gw_client_call(
    _ client: OpaquePointer?, _ method: UnsafePointer<CChar>?, _ params: UnsafeRawPointer?, _ params_len: Int,
    _ options: UnsafePointer<gw_call_options>?, _ call: UnsafeMutablePointer<UInt64>?
) -> gw_status {
    guard let client, let call else { return Status.argument.code }
    call.pointee = 0
    return withClient(client) { client throws(Failure) in
        var request = CallRequest(method: try checkedMethod(method), params: try json("params", params, params_len))
        if let options { try apply(options, to: &request) }
        let queued = try client.call(request)
        call.pointee = queued.call
        return queued.isAboveMark ? .queued : .ok
    }
}

private func checkedMethod(_ method: UnsafePointer<CChar>?) throws(Failure) -> UnsafeRawBufferPointer {
    let method = borrowedBytes(method)
    guard method.count > 0, method.count <= Limits.methodBytes else {
        throw Failure(
            .argument, .program, "the method has \(method.count) bytes, allowed are 1 to \(Limits.methodBytes)")
    }
    return method
}

private func apply(_ pointer: UnsafePointer<gw_call_options>, to request: inout CallRequest) throws(Failure) {
    try checkSize(pointer, known: MemoryLayout<gw_call_options>.size)
    let flags = pointer.pointee.flags
    try checkFlags(
        flags, known: GW_CALL_EXPECT_FINAL | GW_CALL_IDEMPOTENT | GW_CALL_ONLINE_ONLY | GW_CALL_TRACE_ALWAYS)
    try checkReserved(pointer.pointee.reserved)
    request.expectsFinal = flags & UInt32(GW_CALL_EXPECT_FINAL) != 0
    request.isIdempotent = flags & UInt32(GW_CALL_IDEMPOTENT) != 0
    request.isOnlineOnly = flags & UInt32(GW_CALL_ONLINE_ONLY) != 0
    request.insistsOnTrace = flags & UInt32(GW_CALL_TRACE_ALWAYS) != 0
    request.timeoutMilliseconds = pointer.pointee.timeout_ms
    request.userData = UInt(bitPattern: pointer.pointee.user_data)
    if let key = pointer.pointee.idempotency_key {
        guard request.isIdempotent else {
            throw Failure(.argument, .program, "idempotency_key is set without GW_CALL_IDEMPOTENT")
        }
        request.idempotencyKey = try short("idempotency_key", key, limit: Limits.idempotencyKeyBytes)
    }
    if let trace = pointer.pointee.traceparent {
        request.traceparent = try short("traceparent", trace, limit: Limits.traceparentBytes)
    }
}

/// Text of 1 to `limit` bytes of UTF-8, where it lies.
private func short(
    _ name: StaticString, _ text: UnsafePointer<CChar>, limit: Int
) throws(Failure) -> UnsafeRawBufferPointer {
    let bytes = borrowedBytes(text)
    guard bytes.count > 0, bytes.count <= limit else {
        throw Failure(.argument, .program, "\(name) has \(bytes.count) bytes, allowed are 1 to \(limit)")
    }
    var validator = UTF8Validator()
    guard validator.check(bytes), validator.isComplete else {
        throw Failure(.argument, .program, "\(name) is not UTF-8")
    }
    return bytes
}

@_cdecl("gw_client_cancel") @implementation
public func gw_client_cancel(_ client: OpaquePointer?, _ call: UInt64) -> gw_status {
    guard let client else { return Status.argument.code }
    return withLink(client) { link throws(Failure) in
        guard link.cancel(call) else { throw Failure(.gone, .program, "the call has ended already") }
        return .ok
    }
}

// MARK: - What each connection begins with

@_cdecl("gw_client_subscribe") @implementation
public func gw_client_subscribe(
    _ client: OpaquePointer?, _ method: UnsafePointer<CChar>?, _ params: UnsafeRawPointer?, _ params_len: Int,
    _ user_data: UnsafeMutableRawPointer?, _ subscription: UnsafeMutablePointer<UInt64>?
) -> gw_status {
    guard let client, let subscription else { return Status.argument.code }
    subscription.pointee = 0
    return withClient(client) { client throws(Failure) in
        let method = Array(try checkedMethod(method))
        let params = Array(try json("params", params, params_len))
        subscription.pointee = try client.subscribe(
            method: method, params: params, userData: UInt(bitPattern: user_data))
        return .ok
    }
}

@_cdecl("gw_client_unsubscribe") @implementation
public func gw_client_unsubscribe(_ client: OpaquePointer?, _ subscription: UInt64) -> gw_status {
    guard let client else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        guard client.unsubscribe(subscription) else {
            throw Failure(.gone, .program, "the client has no subscription \(subscription)")
        }
        return .ok
    }
}

@_cdecl("gw_client_resynced") @implementation
public func gw_client_resynced(_ client: OpaquePointer?, _ resync: UInt64) -> gw_status {
    guard let client else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        guard client.resynced(resync) else {
            throw Failure(.gone, .program, "nothing is held for resync \(resync)")
        }
        return .ok
    }
}

@_cdecl("gw_offline_options_init") @implementation
public func gw_offline_options_init(_ options: UnsafeMutablePointer<gw_offline_options>?) {
    guard let options else { return }
    options.pointee = gw_offline_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_offline_options>.size)
}

@_cdecl("gw_resync_options_init") @implementation
public func gw_resync_options_init(_ options: UnsafeMutablePointer<gw_resync_options>?) {
    guard let options else { return }
    options.pointee = gw_resync_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_resync_options>.size)
}

/// What `gw_client_options` says of calls without a connection, of catching up and of the initial sync.
func addCallOptions(_ options: gw_client_options, to settings: inout ClientMachine.Settings) throws(Failure) {
    if let pointer = options.offline {
        try checkSize(pointer, known: MemoryLayout<gw_offline_options>.size)
        try checkFlags(pointer.pointee.flags, known: 0)
        try checkReserved(pointer.pointee.reserved)
        var offline = ClientMachine.OfflineSettings()
        offline.maxCalls = value(pointer.pointee.max_calls, default: Limits.offlineCalls)
        offline.maxBytes = value(pointer.pointee.max_bytes, default: Limits.offlineBytes)
        offline.milliseconds = value(pointer.pointee.time_to_live_ms, default: Limits.offlineMilliseconds)
        settings.offline = offline
    }
    if let pointer = options.resync {
        try checkSize(pointer, known: MemoryLayout<gw_resync_options>.size)
        try checkFlags(pointer.pointee.flags, known: 0)
        settings.resync.holds = true
        settings.resync.timeoutMilliseconds = value(pointer.pointee.timeout_ms, default: Limits.resyncMilliseconds)
        settings.resync.maxHeldBytes = value(pointer.pointee.max_held_bytes, default: Limits.resyncHeldBytes)
    }
    guard options.sync_count > 0 else { return }
    guard let calls = options.sync_calls, options.sync_count <= Limits.syncCalls else {
        throw Failure(
            .argument, .program,
            "sync_calls must hold sync_count entries, at most \(Limits.syncCalls); given: \(options.sync_count)")
    }
    for index in 0..<options.sync_count {
        let method = Array(try checkedMethod(calls[index].method))
        let params = Array(try json("params of sync_calls", calls[index].params, calls[index].params_len))
        settings.sync.append(SyncCall(method: method, params: params))
    }
}
