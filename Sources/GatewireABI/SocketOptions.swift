import CGatewire
import GWBase
import GWDeflate
import GWHTTP
import GWRuntime
import GWWebSocket

/// `gw_socket_options` as settings.
func socketSettings(
    _ pointer: UnsafePointer<gw_socket_options>, _ tls: SharedTLS
) throws(Failure) -> (dial: DialSettings, socket: SocketSettings) {
    try checkSize(pointer, known: MemoryLayout<gw_socket_options>.size)
    let options = pointer.pointee
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
    target.trust = try TrustOptions(
        pins: options.pins, pinCount: options.pin_count, caFile: options.ca_file, trust: options.trust
    ).settings()
    target.serverName = try path("server_name", options.server_name)
    guard options.max_redirects <= Limits.redirects else {
        throw Failure(
            .argument, .program, "max_redirects is \(options.max_redirects), the limit is \(Limits.redirects)")
    }
    target.maxRedirects = options.max_redirects

    let takeover = Takeover(client: has(GW_SOCKET_CLIENT_TAKEOVER), server: has(GW_SOCKET_SERVER_TAKEOVER))
    var socket = try socketSettings(options.limits, takeover, inParts: has(GW_SOCKET_PARTS))
    socket.webSocket.reportsControlFrames = has(GW_SOCKET_CONTROL)
    socket.userData = UInt(bitPattern: options.user_data)

    var dial = try DialSettings(target, sharing: tls)
    dial.route = try routeSettings(options.route, for: dial.url, reconnects: false)
    try addHeaders(options.headers, options.header_count, to: &dial)
    try dial.offer(subprotocols: texts("subprotocols", options.subprotocols, options.subprotocol_count) ?? [])
    dial.requiresSubprotocol = has(GW_SOCKET_NEED_SUBPROTOCOL)
    dial.offersDeflate = !has(GW_SOCKET_NO_DEFLATE)
    dial.webSocket = socket.webSocket
    dial.head = socket.head
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
        | GW_LISTENER_CONTROL | GW_LISTENER_ASK | GW_LISTENER_CLIENT_OPTIONAL
    try checkFlags(options.flags, known: known)
    func has(_ flag: Int) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }

    let listening = ListeningOptions(
        address: options.address, port: options.port, isPlaintext: has(GW_LISTENER_PLAINTEXT),
        certificateFile: options.certificate_file, keyFile: options.key_file, names: options.names,
        nameCount: options.name_count, passphrase: options.key_passphrase, clientCAFile: options.client_ca_file,
        letsAllIn: has(GW_LISTENER_CLIENT_OPTIONAL))
    var settings = ListenerSettings(try listening.settings())
    let takeover = Takeover(client: has(GW_LISTENER_CLIENT_TAKEOVER), server: has(GW_LISTENER_SERVER_TAKEOVER))
    settings.socket = try socketSettings(options.limits, takeover, inParts: has(GW_LISTENER_PARTS))
    settings.socket.webSocket.reportsControlFrames = has(GW_LISTENER_CONTROL)
    settings.socket.maxMessagesPerSecond = options.max_messages_per_second
    settings.socket.userData = UInt(bitPattern: options.user_data)
    settings.agreesToDeflate = !has(GW_LISTENER_NO_DEFLATE)
    settings.origins = try texts("origins", options.origins, options.origin_count)?.map { Origin.normalized($0) }
    try settings.support(subprotocols: texts("subprotocols", options.subprotocols, options.subprotocol_count) ?? [])
    settings.asksHost = has(GW_LISTENER_ASK)
    settings.handshakeMilliseconds = value(options.handshake_timeout_ms, default: Limits.handshakeMilliseconds)
    settings.maxConnections = value(options.max_connections, default: Limits.connections)
    settings.maxConnectionsPerAddress = options.max_connections_per_address
    return settings
}
