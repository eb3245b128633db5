import CGatewire
import GWBase
import GWRuntime
import GWSocketIO

@_cdecl("gw_sio_options_init") @implementation
public func gw_sio_options_init(_ options: UnsafeMutablePointer<gw_sio_options>?) {
    guard let options else { return }
    options.pointee = gw_sio_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_sio_options>.size)
}

// MARK: - Namespaces

@_cdecl("gw_sio_join_options_init") @implementation
public func gw_sio_join_options_init(_ options: UnsafeMutablePointer<gw_sio_join_options>?) {
    guard let options else { return }
    options.pointee = gw_sio_join_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_sio_join_options>.size)
}

@_cdecl("gw_sio_join") @implementation
public func gw_sio_join(
    _ client: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ options: UnsafePointer<gw_sio_join_options>?,
    _ out: UnsafeMutablePointer<UInt64>?
) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    out.pointee = 0
    return withSocketIO(client) { client throws(Failure) in
        var request = JoinRequest(name: try text("name", name) ?? client.namespace)
        if let options {
            try checkSize(options, known: MemoryLayout<gw_sio_join_options>.size)
            try checkFlags(options.pointee.flags, known: GW_SIO_ASK_AUTH)
            let auth = try authObject(options.pointee.auth, options.pointee.auth_len)
            if !auth.isEmpty { request.auth = .fixed(Secret(copying: auth)) }
            if options.pointee.flags & UInt32(GW_SIO_ASK_AUTH) != 0 {
                guard auth.isEmpty else {
                    throw Failure(.argument, .program, "auth and GW_SIO_ASK_AUTH exclude each other")
                }
                request.auth = .asked
            }
            request.userData = UInt(bitPattern: options.pointee.user_data)
        }
        out.pointee = try client.join(request)
        return .ok
    }
}

@_cdecl("gw_sio_leave") @implementation
public func gw_sio_leave(_ client: OpaquePointer?, _ namespace_id: UInt64) -> gw_status {
    guard let client else { return Status.argument.code }
    return withSocketIO(client) { client throws(Failure) in
        guard client.leave(namespace_id) else { throw Failure(.gone, .program, "the namespace has ended") }
        return .ok
    }
}

@_cdecl("gw_sio_auth") @implementation
public func gw_sio_auth(
    _ client: OpaquePointer?, _ question: UInt64, _ auth: UnsafeRawPointer?, _ auth_len: Int
) -> gw_status {
    guard let client else { return Status.argument.code }
    return withSocketIO(client) { client throws(Failure) in
        guard client.answer(question, auth: try authObject(auth, auth_len)) else {
            throw Failure(.gone, .program, "the question was answered already, or nobody waits for the answer any more")
        }
        return .ok
    }
}

private func authObject(_ bytes: UnsafeRawPointer?, _ length: Int) throws(Failure) -> UnsafeRawBufferPointer {
    let text = try json("auth", bytes, length, isSecret: true)
    guard text.isEmpty || text.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else {
        throw Failure(.argument, .program, "auth must be a JSON object")
    }
    return text
}

// MARK: - Events

@_cdecl("gw_sio_emit_options_init") @implementation
public func gw_sio_emit_options_init(_ options: UnsafeMutablePointer<gw_sio_emit_options>?) {
    guard let options else { return }
    options.pointee = gw_sio_emit_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_sio_emit_options>.size)
}

@_cdecl("gw_sio_emit") @implementation
public func gw_sio_emit(
    _ client: OpaquePointer?, _ namespace_id: UInt64, _ event: UnsafePointer<CChar>?, _ args: UnsafeRawPointer?,
    _ args_len: Int, _ options: UnsafePointer<gw_sio_emit_options>?, _ ack: UnsafeMutablePointer<UInt64>?
) -> gw_status {
    guard let client, let event else { return Status.argument.code }
    ack?.pointee = 0
    return withSocketIO(client) { client throws(Failure) in
        var emission = SocketIOMachine.Emission(
            namespace: namespace_id, name: borrowedBytes(event), arguments: try json("args", args, args_len))
        if let options { try apply(options, to: &emission) }
        guard !emission.wantsAck || ack != nil else {
            throw Failure(.argument, .program, "ack is NULL with GW_SIO_ACK")
        }
        let sent = try client.emit(emission)
        ack?.pointee = sent.ack
        return sent.isAboveMark ? .queued : .ok
    }
}

private func apply(
    _ pointer: UnsafePointer<gw_sio_emit_options>, to emission: inout SocketIOMachine.Emission
) throws(Failure) {
    try checkSize(pointer, known: MemoryLayout<gw_sio_emit_options>.size)
    let flags = pointer.pointee.flags
    try checkFlags(flags, known: GW_SIO_ACK | GW_SIO_VOLATILE)
    try checkReserved(pointer.pointee.reserved)
    emission.wantsAck = flags & UInt32(GW_SIO_ACK) != 0
    emission.isVolatile = flags & UInt32(GW_SIO_VOLATILE) != 0
    emission.timeoutMilliseconds = pointer.pointee.timeout_ms
    emission.userData = UInt(bitPattern: pointer.pointee.user_data)
    emission.attachments = try attachments(pointer.pointee.attachments, pointer.pointee.attachment_count)
}

@_cdecl("gw_sio_ack") @implementation
public func gw_sio_ack(
    _ client: OpaquePointer?, _ ack: UInt64, _ args: UnsafeRawPointer?, _ args_len: Int,
    _ attachments: UnsafePointer<gw_slice>?, _ attachment_count: Int
) -> gw_status {
    guard let client else { return Status.argument.code }
    return withSocketIO(client) { client throws(Failure) in
        let isAboveMark = try client.acknowledge(
            ack, arguments: try json("args", args, args_len),
            attachments: try GatewireABI.attachments(attachments, attachment_count))
        return isAboveMark ? .queued : .ok
    }
}

private func attachments(
    _ list: UnsafePointer<gw_slice>?, _ count: Int
) throws(Failure) -> [UnsafeRawBufferPointer] {
    guard count != 0 else { return [] }
    guard let list, count > 0, count <= Int(Limits.sioAttachments) else {
        throw Failure(
            .limit, .program,
            "attachments must hold attachment_count entries, at most \(Limits.sioAttachments); given: \(count)")
    }
    var attachments: [UnsafeRawBufferPointer] = []
    for index in 0..<count {
        let slice = list[index]
        guard slice.len == 0 || slice.ptr != nil, slice.len <= Int(Int32.max) else {
            throw Failure(.argument, .program, "attachment \(index) is NULL or too long: \(slice.len) bytes")
        }
        attachments.append(UnsafeRawBufferPointer(start: slice.ptr, count: slice.ptr == nil ? 0 : slice.len))
    }
    return attachments
}
