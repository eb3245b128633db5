import CGatewire
import GWBase
import GWHTTP
import GWRuntime
import GWSocketIO
import GWTLS

/// `gw_client_options` of a Socket.IO client as settings.
func socketIOSettings(
    _ pointer: UnsafePointer<gw_client_options>, _ tls: SharedTLS
) throws(Failure) -> SocketIOSettings {
    let options = pointer.pointee
    try checkUnused(options)
    var sio = gw_sio_options()
    if let given = options.sio {
        try checkSize(given, known: MemoryLayout<gw_sio_options>.size)
        sio = given.pointee
        try checkFlags(sio.flags, known: GW_SIO_NO_TRAILING_SLASH)
        try checkReserved(sio.reserved)
    }
    var urlOptions = SocketIOURL.Options()
    if let path = try name("path", sio.path) { urlOptions.path = path }
    urlOptions.addsTrailingSlash = sio.flags & UInt32(GW_SIO_NO_TRAILING_SLASH) == 0
    urlOptions.query = try pairs(sio)

    let reconnects = !has(GW_CLIENT_NO_RECONNECT, options)
    var namespace: [UInt8]?
    let link = try linkSettings(options, tls, reconnects) { (text) throws(Failure) in
        let url = try SocketIOURL(text, urlOptions)
        namespace = namespace ?? url.namespace
        return url.url
    }
    var settings = SocketIOSettings(link, namespace: namespace ?? [])
    settings.machine = try machineSettings(options, sio)
    settings.machine.reconnects = reconnects
    return settings
}

private func machineSettings(
    _ options: gw_client_options, _ sio: gw_sio_options
) throws(Failure) -> SocketIOMachine.Settings {
    var settings = SocketIOMachine.Settings()
    settings.reconnectInitialMilliseconds = value(
        options.reconnect_initial_ms, default: settings.reconnectInitialMilliseconds)
    settings.reconnectMaximumMilliseconds = value(
        options.reconnect_max_ms, default: settings.reconnectMaximumMilliseconds)
    switch sio.jitter_percent {
    case 0: break
    case 1...100: settings.reconnectJitter = Double(sio.jitter_percent) / 100
    case .max: settings.reconnectJitter = 0
    default: throw Failure(.argument, .program, "jitter_percent is \(sio.jitter_percent), the most is 100")
    }
    settings.maxAttempts = sio.max_attempts
    settings.openMilliseconds = value(options.hello_timeout_ms, default: settings.openMilliseconds)
    settings.joinMilliseconds = settings.openMilliseconds
    settings.authMilliseconds = value(sio.auth_timeout_ms, default: settings.authMilliseconds)
    settings.ackMilliseconds = value(options.call_timeout_ms, default: settings.ackMilliseconds)
    settings.maxAcks = value(options.max_calls, default: settings.maxAcks)
    settings.maxNamespaces = value(sio.max_namespaces, default: settings.maxNamespaces)
    settings.maxAttachments = value(sio.max_attachments, default: settings.maxAttachments)
    settings.maxPacketBytes = value(sio.max_packet_bytes, default: settings.maxPacketBytes)
    settings.maxBufferedPackets = value(sio.max_buffered_events, default: settings.maxBufferedPackets)
    settings.maxBufferedBytes = value(sio.max_buffered_bytes, default: settings.maxBufferedBytes)
    settings.decodeBase64 = { Base64.decode($0) }
    return settings
}

/// What is said to gateways alone.
private func checkUnused(_ options: gw_client_options) throws(Failure) {
    let texts = [
        options.token, options.bootstrap_token, options.device_token, options.password,
        options.approval_runtime_token, options.agent_identity_token, options.identity_file, options.token_file,
        options.model_identifier, options.build_id, options.time_zone, options.path_env, options.extra_params,
        options.client_id, options.client_mode,
        options.client_version, options.display_name, options.platform, options.device_family, options.instance_id,
        options.role, options.locale, options.user_agent,
    ]
    let isUnused =
        texts.allSatisfy { $0 == nil } && options.scope_count == 0 && options.cap_count == 0
        && options.command_count == 0 && options.permission_count == 0 && options.credentials_timeout_ms == 0
        && options.signature_version == 0
        && options.min_protocol == 0 && options.max_protocol == 0 && options.challenge_timeout_ms == 0
        && options.sync_count == 0 && options.offline == nil && options.resync == nil
        && options.observe == nil
        && !has(
            GW_CLIENT_NO_DEVICE | GW_CLIENT_PAUSE | GW_CLIENT_ASK_CREDENTIALS | GW_CLIENT_NEW_PARAMS
                | GW_CLIENT_ANY_NAMES, options)
    guard isUnused else {
        throw Failure(
            .argument, .program,
            "an option for gateways is set (credentials, device, protocol range, sync_calls, offline, resync, observe), "
                + "which a Socket.IO server is not told")
    }
}

/// The query in place of the URL's; nil where none is given.
private func pairs(_ sio: gw_sio_options) throws(Failure) -> [(name: [UInt8], value: [UInt8])]? {
    guard sio.query_count > 0 else { return nil }
    guard let list = sio.query, sio.query_count <= Limits.headerLines else {
        throw Failure(
            .argument, .program,
            "query must hold query_count pairs, at most \(Limits.headerLines); given: \(sio.query_count)")
    }
    var pairs: [(name: [UInt8], value: [UInt8])] = []
    for index in 0..<sio.query_count {
        guard let name = try name("query name", list[index].name),
            let value = try text("query value", list[index].value)
        else { throw Failure(.argument, .program, "pair \(index) of query has no name or no value") }
        pairs.append((name, value))
    }
    return pairs
}
