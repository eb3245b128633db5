import CGatewire
import GWBase
import GWDeflate
import GWGateway
import GWRuntime
import GWWebSocket

/// `gw_server_options` as settings.
func serverSettings(_ pointer: UnsafePointer<gw_server_options>) throws(Failure) -> ServerSettings {
    try checkSize(pointer, known: MemoryLayout<gw_server_options>.size)
    let options = pointer.pointee
    try checkReserved(options.reserved)
    let known =
        GW_SERVER_PLAINTEXT | GW_SERVER_NO_DEFLATE | GW_SERVER_DEFLATE_TAKEOVER | GW_SERVER_NO_BUILTIN
        | GW_SERVER_REQUIRE_DEVICE | GW_SERVER_CLIENT_OPTIONAL
    try checkFlags(options.flags, known: known)
    func has(_ flag: Int) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }

    let listening = ListeningOptions(
        address: options.address, port: options.port, isPlaintext: has(GW_SERVER_PLAINTEXT),
        certificateFile: options.certificate_file, keyFile: options.key_file, names: options.names,
        nameCount: options.name_count, passphrase: options.key_passphrase, clientCAFile: options.client_ca_file,
        letsAllIn: has(GW_SERVER_CLIENT_OPTIONAL))
    var settings = ServerSettings(try listening.settings())

    switch options.protocol {
    case 0, 4: settings.session.policy.protocolVersion = 4
    case 3: settings.session.policy.protocolVersion = 3
    default: throw Failure(.argument, .program, "protocol is \(options.protocol), known are 3 and 4")
    }
    settings.session.policy.token = try secretText("token", options.token)
    settings.session.policy.password = try secretText("password", options.password)
    settings.session.policy.requiresDevice = has(GW_SERVER_REQUIRE_DEVICE)
    settings.session.version = try name("version", options.version) ?? "gatewire \(versionText)".bytes
    settings.session.tickMilliseconds = value(options.tick_interval_ms, default: Limits.tickMilliseconds)
    settings.session.handshakeMilliseconds = value(
        options.handshake_timeout_ms, default: Limits.handshakeMilliseconds)
    settings.session.maxMessageBytes = value(options.max_message_bytes, default: Limits.messageBytes)
    settings.session.maxQueuedBytes = value(options.max_queued_bytes, default: Limits.serverQueuedBytes)
    settings.session.hasBuiltinMethods = !has(GW_SERVER_NO_BUILTIN)
    settings.agreesToDeflate = !has(GW_SERVER_NO_DEFLATE)
    if has(GW_SERVER_DEFLATE_TAKEOVER) {
        settings.webSocket.deflate.serverNoContextTakeover = false
        settings.webSocket.deflate.clientNoContextTakeover = false
    }
    settings.webSocket.deflate.thresholdBytes = value(
        options.deflate_threshold_bytes, default: Limits.deflateThresholdBytes)
    settings.webSocket.pingMilliseconds = value(options.ping_interval_ms, default: Limits.serverPingMilliseconds)
    settings.webSocket.pongMilliseconds = value(options.pong_timeout_ms, default: Limits.pongMilliseconds)
    settings.webSocket.closeMilliseconds = value(options.close_timeout_ms, default: Limits.closeMilliseconds)
    settings.requestMilliseconds = value(options.request_timeout_ms, default: Limits.callMilliseconds)
    settings.maxConnections = value(options.max_connections, default: Limits.connections)
    settings.maxRequests = value(options.max_requests, default: Limits.requestsPerPeer)
    settings.userData = UInt(bitPattern: options.user_data)
    return settings
}
