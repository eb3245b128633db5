import CGatewire
import GWBase
import GWDeflate
import GWHTTP
import GWRuntime
import GWWebSocket

/// `gw_socket_limits` as settings; NULL gives the defaults.
func socketSettings(
    _ pointer: UnsafePointer<gw_socket_limits>?, takesOver: Bool
) throws(Failure) -> SocketSettings {
    var settings = SocketSettings()
    var limits = gw_socket_limits()
    if let pointer {
        try checkSize(pointer, known: MemoryLayout<gw_socket_limits>.size)
        limits = pointer.pointee
    }
    settings.webSocket.maxMessageBytes = value(limits.max_message_bytes, default: 16_777_216)
    settings.webSocket.maxFragments = Int(
        value(limits.max_fragments, default: UInt32(Limits.fragmentsPerMessage)))
    settings.webSocket.pingMilliseconds = value(limits.ping_interval_ms, default: Limits.clientPingMilliseconds)
    settings.webSocket.pongMilliseconds = value(limits.pong_timeout_ms, default: Limits.pongMilliseconds)
    settings.webSocket.closeMilliseconds = value(limits.close_timeout_ms, default: Limits.closeMilliseconds)
    settings.maxQueuedBytes = Int(value(limits.max_queued_bytes, default: Limits.clientQueuedBytes))
    settings.highWaterBytes = Int(
        value(limits.high_water_bytes, default: UInt32(truncatingIfNeeded: settings.maxQueuedBytes / 4)))
    settings.lowWaterBytes = Int(
        value(limits.low_water_bytes, default: UInt32(truncatingIfNeeded: settings.highWaterBytes / 4)))
    guard settings.lowWaterBytes <= settings.highWaterBytes, settings.highWaterBytes <= settings.maxQueuedBytes else {
        throw Failure(
            .argument, .program,
            "low_water_bytes (\(settings.lowWaterBytes)), high_water_bytes (\(settings.highWaterBytes)) and "
                + "max_queued_bytes (\(settings.maxQueuedBytes)) must not fall")
    }
    try setDeflate(limits, takesOver, &settings.webSocket.deflate)
    return settings
}

private func setDeflate(
    _ limits: gw_socket_limits, _ takesOver: Bool, _ deflate: inout DeflateSettings
) throws(Failure) {
    func number(_ name: StaticString, _ given: UInt32, _ range: ClosedRange<UInt32>, default standard: UInt32)
        throws(Failure) -> UInt32
    {
        let number = value(given, default: standard)
        guard range.contains(number) else {
            throw Failure(
                .argument, .program, "\(name) is \(number), allowed are \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
    deflate.thresholdBytes = value(limits.deflate_threshold_bytes, default: Limits.deflateThresholdBytes)
    deflate.level = Int32(try number("deflate_level", limits.deflate_level, 1...9, default: 6))
    deflate.memoryLevel = Int32(try number("deflate_memory_level", limits.deflate_memory_level, 1...9, default: 8))
    deflate.clientMaxWindowBits = UInt8(
        try number("client_max_window_bits", limits.client_max_window_bits, 9...15, default: 15))
    deflate.serverMaxWindowBits = UInt8(
        try number("server_max_window_bits", limits.server_max_window_bits, 9...15, default: 15))
    deflate.serverNoContextTakeover = !takesOver
    deflate.clientNoContextTakeover = !takesOver
}

/// `gw_socket_options` as settings.
func socketSettings(
    _ pointer: UnsafePointer<gw_socket_options>, _ tls: SharedTLS
) throws(Failure) -> (dial: DialSettings, socket: SocketSettings) {
    try checkSize(pointer, known: MemoryLayout<gw_socket_options>.size)
    let options = pointer.pointee
    try checkReserved(options.reserved)
    let known =
        GW_SOCKET_PLAINTEXT_PRIVATE | GW_SOCKET_PLAINTEXT_ANY | GW_SOCKET_NO_DEFLATE | GW_SOCKET_DEFLATE_TAKEOVER
        | GW_SOCKET_PARTS | GW_SOCKET_CONTROL | GW_SOCKET_NEED_SUBPROTOCOL
    try checkFlags(options.flags, known: known)
    func has(_ flag: Int) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }

    var target = DialSettings.Target()
    guard let url = try name("url", options.url) else { throw Failure(.argument, .program, "url is missing") }
    target.url = url
    if has(GW_SOCKET_PLAINTEXT_PRIVATE) { target.plaintext = .privateNetwork }
    if has(GW_SOCKET_PLAINTEXT_ANY) { target.plaintext = .any }
    target.pins = try texts("pins", options.pins, options.pin_count) ?? []
    target.caFile = try path("ca_file", options.ca_file)
    target.serverName = try path("server_name", options.server_name)

    var socket = try socketSettings(options.limits, takesOver: has(GW_SOCKET_DEFLATE_TAKEOVER))
    socket.webSocket.reportsControlFrames = has(GW_SOCKET_CONTROL)
    socket.userData = UInt(bitPattern: options.user_data)

    var dial = try DialSettings(target, sharing: tls)
    try addHeaders(options.headers, options.header_count, to: &dial)
    try dial.offer(subprotocols: texts("subprotocols", options.subprotocols, options.subprotocol_count) ?? [])
    dial.requiresSubprotocol = has(GW_SOCKET_NEED_SUBPROTOCOL)
    dial.offersDeflate = !has(GW_SOCKET_NO_DEFLATE)
    dial.webSocket = socket.webSocket
    dial.connectMilliseconds = value(options.connect_timeout_ms, default: Limits.connectMilliseconds)
    dial.tlsMilliseconds = value(options.tls_timeout_ms, default: Limits.tlsMilliseconds)
    dial.upgradeMilliseconds = value(options.upgrade_timeout_ms, default: Limits.upgradeMilliseconds)
    return (dial, socket)
}

/// `gw_listener_options` as settings.
func listenerSettings(_ pointer: UnsafePointer<gw_listener_options>) throws(Failure) -> ListenerSettings {
    try checkSize(pointer, known: MemoryLayout<gw_listener_options>.size)
    let options = pointer.pointee
    try checkReserved(options.reserved)
    let known =
        GW_LISTENER_PLAINTEXT | GW_LISTENER_NO_DEFLATE | GW_LISTENER_DEFLATE_TAKEOVER | GW_LISTENER_PARTS
        | GW_LISTENER_CONTROL | GW_LISTENER_ASK
    try checkFlags(options.flags, known: known)
    func has(_ flag: Int) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }

    let listening = ListeningOptions(
        address: options.address, port: options.port, isPlaintext: has(GW_LISTENER_PLAINTEXT),
        certificateFile: options.certificate_file, keyFile: options.key_file, names: options.names,
        nameCount: options.name_count)
    var settings = ListenerSettings(try listening.settings())
    settings.socket = try socketSettings(options.limits, takesOver: has(GW_LISTENER_DEFLATE_TAKEOVER))
    settings.socket.webSocket.reportsControlFrames = has(GW_LISTENER_CONTROL)
    settings.socket.maxMessagesPerSecond = options.max_messages_per_second
    settings.socket.userData = UInt(bitPattern: options.user_data)
    settings.agreesToDeflate = !has(GW_LISTENER_NO_DEFLATE)
    settings.origins = try texts("origins", options.origins, options.origin_count)?.map { origin in
        origin.map { $0.asciiLowercased }
    }
    try settings.support(subprotocols: texts("subprotocols", options.subprotocols, options.subprotocol_count) ?? [])
    settings.asksHost = has(GW_LISTENER_ASK)
    settings.handshakeMilliseconds = value(options.handshake_timeout_ms, default: Limits.handshakeMilliseconds)
    settings.maxConnections = value(options.max_connections, default: Limits.connections)
    settings.maxConnectionsPerAddress = options.max_connections_per_address
    return settings
}
