import CGatewire
import GWBase
import GWGateway
import GWRuntime
import GWWebSocket

@_cdecl("gw_observe_options_init") @implementation
public func gw_observe_options_init(_ options: UnsafeMutablePointer<gw_observe_options>?) {
    guard let options else { return }
    options.pointee = gw_observe_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_observe_options>.size)
}

/// What `gw_client_options` says of the log, the flight recorder and times by method.
func addObserveOptions(
    _ pointer: UnsafePointer<gw_observe_options>?, to settings: inout ClientSettings
) throws(Failure) {
    guard let pointer else { return }
    try checkSize(pointer, known: MemoryLayout<gw_observe_options>.size)
    let options = pointer.pointee
    try checkFlags(options.flags, known: GW_OBSERVE_METHODS | GW_OBSERVE_DUMP_ON_FAILURE)
    guard options.log_level <= UInt32(GW_LOG_DEBUG) else {
        throw Failure(.argument, .program, "log_level is \(options.log_level), the highest is \(GW_LOG_DEBUG)")
    }
    settings.journal.level = options.log_level
    settings.journal.recorderBytes = options.recorder_bytes
    settings.journal.frameBytes = value(options.frame_bytes, default: Limits.recordedFrameBytes)
    settings.journal.dumpsOnFailure = options.flags & UInt32(GW_OBSERVE_DUMP_ON_FAILURE) != 0
    if options.flags & UInt32(GW_OBSERVE_METHODS) != 0 {
        settings.machine.measuredMethods = value(options.max_methods, default: Limits.measuredMethods)
    }
}

@_cdecl("gw_client_get_stats") @implementation
public func gw_client_get_stats(
    _ client: OpaquePointer?, _ out: UnsafeMutablePointer<gw_client_stats>?
) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        let size = out.pointee.struct_size
        try checkOutSize("gw_client_stats", size, MemoryLayout<gw_client_stats>.size)
        let totals = client.totals
        let traffic = totals.traffic
        out.pointee = gw_client_stats(
            struct_size: size, methods: UInt32(truncatingIfNeeded: client.machine.latencies.count),
            attempts: totals.dials, connections: client.machine.connections,
            messages_received: traffic.messagesReceived, messages_sent: traffic.messagesSent,
            bytes_received: traffic.bytesReceived, bytes_sent: traffic.bytesSent,
            wire_bytes_received: traffic.wireBytesReceived, wire_bytes_sent: traffic.wireBytesSent,
            round_trip_us: client.state.roundTripMicroseconds, calls_waiting: UInt64(client.machine.callsKept),
            waiting_us: totals.times.waiting, connecting_us: totals.times.connecting, ready_us: totals.times.ready,
            closing_us: totals.times.closing)
        return .ok
    }
}

@_cdecl("gw_client_get_method_stats") @implementation
public func gw_client_get_method_stats(
    _ client: OpaquePointer?, _ index: UInt32, _ out: UnsafeMutablePointer<gw_method_stats>?
) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    return withObject(client, ClientHandle.self) { handle in
        withClient(client) { client throws(Failure) in
            let size = out.pointee.struct_size
            try checkOutSize("gw_method_stats", size, MemoryLayout<gw_method_stats>.size)
            let entries = client.machine.latencies
            guard Int(index) < entries.count else {
                throw Failure(
                    .argument, .program, "index is \(index), the client has times of \(entries.count) methods")
            }
            let entry = entries[Int(index)]
            handle.method.clear()
            handle.method.append(entry.method)
            out.pointee = gw_method_stats(
                struct_size: size, reserved: 0, answers: entry.count, least_us: entry.count == 0 ? 0 : entry.least,
                mean_us: entry.mean, greatest_us: entry.greatest, method: slice(handle.method.readable))
            return .ok
        }
    }
}

@_cdecl("gw_client_dump") @implementation
public func gw_client_dump(_ client: OpaquePointer?, _ out: UnsafeMutablePointer<gw_slice>?) -> gw_status {
    guard let client, let out else { return Status.argument.code }
    out.pointee = gw_slice()
    return withObject(client, ClientHandle.self) { handle in
        withClient(client) { client throws(Failure) in
            handle.dump.clear()
            handle.dump.append(client.dump)
            out.pointee = slice(handle.dump.readable)
            return .ok
        }
    }
}
