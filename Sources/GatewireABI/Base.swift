import CGatewire
import GWBase
import GWDeflate
import GWRuntime
import GWTLS

// Version, names and layouts: what a binding asks before anything else.

@_cdecl("gw_status_name") @implementation
public func gw_status_name(_ status: gw_status) -> UnsafePointer<CChar>? {
    staticText(StatusNames.find(status)?.name ?? "GW_ERR_UNKNOWN")
}

@_cdecl("gw_status_text") @implementation
public func gw_status_text(_ status: gw_status) -> UnsafePointer<CChar>? {
    staticText(StatusNames.find(status)?.text ?? "a status that this version does not know")
}

@_cdecl("gw_event_type_name") @implementation
public func gw_event_type_name(_ type: UInt32) -> UnsafePointer<CChar>? {
    staticText(eventTypeName(type))
}

private func eventTypeName(_ type: UInt32) -> StaticString {
    switch EventType(rawValue: type) {
    case .clientConnected: "GW_EVENT_CLIENT_CONNECTED"
    case .clientDisconnected: "GW_EVENT_CLIENT_DISCONNECTED"
    case .clientClosed: "GW_EVENT_CLIENT_CLOSED"
    case .clientWarning: "GW_EVENT_CLIENT_WARNING"
    case .clientWritable: "GW_EVENT_CLIENT_WRITABLE"
    case .gatewayEvent: "GW_EVENT_GATEWAY_EVENT"
    case .gap: "GW_EVENT_GAP"
    case .callAccepted: "GW_EVENT_CALL_ACCEPTED"
    case .callDone: "GW_EVENT_CALL_DONE"
    case .credentialsRequest: "GW_EVENT_CREDENTIALS_REQUEST"
    case .resync: "GW_EVENT_RESYNC"
    case .synced: "GW_EVENT_SYNCED"
    case .log: "GW_EVENT_LOG"
    case .subscribed: "GW_EVENT_SUBSCRIBED"
    case .peerConnected: "GW_EVENT_PEER_CONNECTED"
    case .peerDisconnected: "GW_EVENT_PEER_DISCONNECTED"
    case .peerRequest: "GW_EVENT_PEER_REQUEST"
    case .serverClosed: "GW_EVENT_SERVER_CLOSED"
    case .socketRequest: "GW_EVENT_SOCKET_REQUEST"
    case .socketOpen: "GW_EVENT_SOCKET_OPEN"
    case .socketMessage: "GW_EVENT_SOCKET_MESSAGE"
    case .socketPing: "GW_EVENT_SOCKET_PING"
    case .socketPong: "GW_EVENT_SOCKET_PONG"
    case .socketWritable: "GW_EVENT_SOCKET_WRITABLE"
    case .socketClosed: "GW_EVENT_SOCKET_CLOSED"
    case .trustRequest: "GW_EVENT_TRUST_REQUEST"
    case .sioAuth: "GW_EVENT_SIO_AUTH"
    case .sioJoined: "GW_EVENT_SIO_JOINED"
    case .sioDisconnected: "GW_EVENT_SIO_DISCONNECTED"
    case .sioLeft: "GW_EVENT_SIO_LEFT"
    case .sioEvent: "GW_EVENT_SIO_EVENT"
    case .sioAck: "GW_EVENT_SIO_ACK"
    case .doctorStep: "GW_EVENT_DOCTOR_STEP"
    case .doctorDone: "GW_EVENT_DOCTOR_DONE"
    case nil: "GW_EVENT_UNKNOWN"
    }
}

@_cdecl("gw_abi_version") @implementation
public func gw_abi_version() -> UInt32 { UInt32(GW_ABI_VERSION) }

let versionText: StaticString = "0.1.0"

@_cdecl("gw_version") @implementation
public func gw_version() -> UnsafePointer<CChar>? { staticText(versionText) }

/// The address of a text that is made once and kept: the host may hold it for ever.
private let dependencies: UInt = {
    let text = (TLSLibrary.version + "; zlib " + Zlib.version).bytes
    let kept = UnsafeMutablePointer<CChar>.allocate(capacity: text.count + 1)
    for (index, byte) in text.enumerated() { kept[index] = CChar(bitPattern: byte) }
    kept[text.count] = 0
    return UInt(bitPattern: kept)
}()

@_cdecl("gw_dependencies") @implementation
public func gw_dependencies() -> UnsafePointer<CChar>? { UnsafePointer(bitPattern: dependencies) }

@_cdecl("gw_struct_size") @implementation
public func gw_struct_size(_ which: UInt32) -> Int {
    switch Int(which) {
    case GW_STRUCT_SLICE: MemoryLayout<gw_slice>.size
    case GW_STRUCT_EVENT: MemoryLayout<gw_event>.size
    case GW_STRUCT_BATCH: MemoryLayout<gw_batch>.size
    case GW_STRUCT_CONTEXT_OPTIONS: MemoryLayout<gw_context_options>.size
    case GW_STRUCT_ERROR: MemoryLayout<gw_error>.size
    case GW_STRUCT_HEADER: MemoryLayout<gw_header>.size
    case GW_STRUCT_CLIENT_OPTIONS: MemoryLayout<gw_client_options>.size
    case GW_STRUCT_CALL_OPTIONS: MemoryLayout<gw_call_options>.size
    case GW_STRUCT_CLIENT_STATE: MemoryLayout<gw_client_state>.size
    case GW_STRUCT_SERVER_OPTIONS: MemoryLayout<gw_server_options>.size
    case GW_STRUCT_SOCKET_LIMITS: MemoryLayout<gw_socket_limits>.size
    case GW_STRUCT_SOCKET_OPTIONS: MemoryLayout<gw_socket_options>.size
    case GW_STRUCT_SOCKET_STATE: MemoryLayout<gw_socket_state>.size
    case GW_STRUCT_LISTENER_OPTIONS: MemoryLayout<gw_listener_options>.size
    case GW_STRUCT_LISTENER_STATS: MemoryLayout<gw_listener_stats>.size
    case GW_STRUCT_ROUTE_OPTIONS: MemoryLayout<gw_route_options>.size
    case GW_STRUCT_TRUST_OPTIONS: MemoryLayout<gw_trust_options>.size
    case GW_STRUCT_TLS_STATE: MemoryLayout<gw_tls_state>.size
    case GW_STRUCT_OFFLINE_OPTIONS: MemoryLayout<gw_offline_options>.size
    case GW_STRUCT_RESYNC_OPTIONS: MemoryLayout<gw_resync_options>.size
    case GW_STRUCT_SYNC_CALL: MemoryLayout<gw_sync_call>.size
    case GW_STRUCT_OBSERVE_OPTIONS: MemoryLayout<gw_observe_options>.size
    case GW_STRUCT_CLIENT_STATS: MemoryLayout<gw_client_stats>.size
    case GW_STRUCT_METHOD_STATS: MemoryLayout<gw_method_stats>.size
    case GW_STRUCT_SIO_OPTIONS: MemoryLayout<gw_sio_options>.size
    case GW_STRUCT_SIO_JOIN_OPTIONS: MemoryLayout<gw_sio_join_options>.size
    case GW_STRUCT_SIO_EMIT_OPTIONS: MemoryLayout<gw_sio_emit_options>.size
    case GW_STRUCT_PERMISSION: MemoryLayout<gw_permission>.size
    case GW_STRUCT_CREDENTIALS: MemoryLayout<gw_credentials>.size
    default: 0
    }
}
