import CGatewire
import GWBase
import GWRuntime

@_cdecl("gw_context_options_init") @implementation
public func gw_context_options_init(_ options: UnsafeMutablePointer<gw_context_options>?) {
    guard let options else { return }
    options.pointee = gw_context_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_context_options>.size)
}

@_cdecl("gw_context_new") @implementation
public func gw_context_new(
    _ options: UnsafePointer<gw_context_options>?, _ out: UnsafeMutablePointer<OpaquePointer?>?
) -> gw_status {
    guard let out else { return Status.argument.code }
    out.pointee = nil
    do throws(Failure) {
        var settings = Context.Settings()
        if let options {
            try checkSize(options, known: MemoryLayout<gw_context_options>.size)
            try checkFlags(options.pointee.flags, known: GW_CONTEXT_HOST_FLUSHES)
            settings.hostFlushes = options.pointee.flags & UInt32(GW_CONTEXT_HOST_FLUSHES) != 0
            settings.eventBudget = value(options.pointee.event_budget, default: Limits.eventBudget)
            switch options.pointee.takeover_ms {
            case 0, UInt32.max: settings.drive = .host
            case UInt32.max - 1: settings.drive = .thread
            case let milliseconds: settings.drive = .guarded(milliseconds: milliseconds)
            }
        }
        out.pointee = makeHandle(try Context(settings))
        return Status.ok.code
    } catch {
        return error.status.code
    }
}

@_cdecl("gw_context_free") @implementation
public func gw_context_free(_ context: OpaquePointer?) {
    guard let context else { return }
    withObject(context, Context.self) { $0.close() }
    releaseHandle(context, Context.self)
}

@_cdecl("gw_context_fd") @implementation
public func gw_context_fd(_ context: OpaquePointer?) -> Int32 {
    guard let context else { return -1 }
    return withObject(context, Context.self) { $0.fd }
}

@_cdecl("gw_batch_init") @implementation
public func gw_batch_init(_ batch: UnsafeMutablePointer<gw_batch>?) {
    guard let batch else { return }
    batch.pointee = gw_batch()
    batch.pointee.struct_size = UInt32(MemoryLayout<gw_batch>.size)
}

@_cdecl("gw_context_poll") @implementation
public func gw_context_poll(
    _ context: OpaquePointer?, _ timeout_ms: Int32, _ events: UnsafeMutablePointer<gw_event>?, _ capacity: Int,
    _ event_size: Int, _ batch: UnsafeMutablePointer<gw_batch>?
) -> gw_status {
    guard let context, let batch, events != nil || capacity == 0 else { return Status.argument.code }
    guard event_size >= MemoryLayout<gw_event>.size, event_size <= 4096, event_size % 8 == 0,
        Int(batch.pointee.struct_size) >= MemoryLayout<gw_batch>.size
    else { return Status.structSize.code }
    guard capacity >= 0, capacity <= 1 << 20 else { return Status.argument.code }
    batch.pointee.count = 0
    batch.pointee.flags = 0
    batch.pointee.arena = nil
    batch.pointee.arena_len = 0
    return withObject(context, Context.self) { context in
        guard !context.isForked else { return Status.forked.code }
        return context.poll(milliseconds: timeout_ms) { reader in
            var count = 0
            while count < capacity, let event = reader.next() {
                fill(UnsafeMutableRawPointer(events), at: count &* event_size, event_size, event)
                count &+= 1
            }
            batch.pointee.count = UInt32(truncatingIfNeeded: count)
            batch.pointee.flags = context.hasMoreEvents ? UInt32(GW_BATCH_MORE) : 0
            batch.pointee.arena = reader.arena.baseAddress?.assumingMemoryBound(to: UInt8.self)
            batch.pointee.arena_len = reader.arena.count
        }.code
    }
}

private func fill(_ events: UnsafeMutableRawPointer?, at offset: Int, _ size: Int, _ event: Event) {
    guard let place = events.map({ $0 + offset }) else { return }
    if size > MemoryLayout<gw_event>.size { place.initializeMemory(as: UInt8.self, repeating: 0, count: size) }
    place.storeBytes(
        of: gw_event(
            type: event.type.rawValue, status: event.status.code, source: event.source, connection: event.connection,
            subject: event.subject, sequence: event.sequence,
            user_data: UnsafeMutableRawPointer(bitPattern: event.userData), name: slice(event.name),
            payload: slice(event.payload), text: slice(event.text), code: event.code, flags: event.flags,
            actor: event.actor.rawValue, retry_after_ms: event.retryAfterMilliseconds), as: gw_event.self)
}

@_cdecl("gw_context_flush") @implementation
public func gw_context_flush(_ context: OpaquePointer?) -> gw_status {
    guard let context else { return Status.argument.code }
    return withObject(context, Context.self) { context in
        guard !context.isForked else { return Status.forked.code }
        context.flush()
        return Status.ok.code
    }
}

@_cdecl("gw_context_wake") @implementation
public func gw_context_wake(_ context: OpaquePointer?) -> gw_status {
    guard let context else { return Status.argument.code }
    return withObject(context, Context.self) { context in
        guard !context.isForked else { return Status.forked.code }
        context.wake()
        return Status.ok.code
    }
}

@_cdecl("gw_context_network_changed") @implementation
public func gw_context_network_changed(_ context: OpaquePointer?) -> gw_status {
    guard let context else { return Status.argument.code }
    return withObject(context, Context.self) { context in
        guard !context.isForked else { return Status.forked.code }
        context.networkChanged()
        return Status.ok.code
    }
}

@_cdecl("gw_context_last_error") @implementation
public func gw_context_last_error(
    _ context: OpaquePointer?, _ out: UnsafeMutablePointer<gw_error>?
) -> gw_status {
    guard let context, let out else { return Status.argument.code }
    guard Int(out.pointee.struct_size) >= MemoryLayout<gw_error>.size else { return Status.structSize.code }
    return withObject(context, Context.self) { context in
        context.withLastFailure { status, actor, text in
            out.pointee.status = status.code
            out.pointee.actor = actor.rawValue
            out.pointee.text = slice(text)
        }
        return Status.ok.code
    }
}
