import CGatewire
import GWBase
import GWDeflate
import GWGateway
import GWHTTP
import GWJSON
import GWRuntime
import GWWebSocket

/// `gw_client_options` as settings; with `reconnects` false whatever the flags say.
func clientSettings(
    _ pointer: UnsafePointer<gw_client_options>, _ tls: SharedTLS, reconnects: Bool = true
) throws(Failure) -> ClientSettings {
    guard case .openClaw = try dialect(of: pointer) else {
        throw Failure(.argument, .program, "dialect must be GW_DIALECT_OPENCLAW here")
    }
    let options = pointer.pointee
    guard options.sio == nil else {
        throw Failure(.argument, .program, "sio is set without GW_DIALECT_SOCKETIO")
    }
    var identity = ClientSettings.Identity.temporary
    if let file = try path("identity_file", options.identity_file) { identity = .file(file) }
    if has(GW_CLIENT_NO_DEVICE, options) {
        guard options.identity_file == nil else {
            throw Failure(.argument, .program, "identity_file and GW_CLIENT_NO_DEVICE exclude each other")
        }
        identity = .none
    }

    let reconnects = reconnects && !has(GW_CLIENT_NO_RECONNECT, options)
    var settings = try ClientSettings(
        linkSettings(options, tls, reconnects) { (url) throws(Failure) in url }, identity: identity,
        tokenFile: path("token_file", options.token_file))
    try addCallOptions(options, to: &settings.machine)
    try addObserveOptions(options.observe, to: &settings)
    settings.machine.session.connect = try connectParameters(options)
    if !has(GW_CLIENT_ANY_NAMES, options) { try settings.machine.session.connect.checkClosedLists() }
    settings.machine.credentials = try credentials(options)
    if !has(GW_CLIENT_NEW_PARAMS, options) {
        try settings.machine.session.connect.checkAge(settings.machine.credentials)
    }
    settings.machine.asksForCredentials = has(GW_CLIENT_ASK_CREDENTIALS, options)
    settings.machine.pauses = has(GW_CLIENT_PAUSE, options)
    settings.machine.session.credentialsMilliseconds = value(
        options.credentials_timeout_ms, default: Limits.credentialsMilliseconds)
    settings.machine.session.challengeMilliseconds = value(
        options.challenge_timeout_ms, default: Limits.challengeMilliseconds)
    settings.machine.session.helloMilliseconds = value(options.hello_timeout_ms, default: Limits.helloMilliseconds)
    settings.machine.session.callMilliseconds = value(options.call_timeout_ms, default: Limits.callMilliseconds)
    settings.machine.session.maxCalls = value(options.max_calls, default: Limits.calls)
    settings.machine.reconnects = reconnects
    settings.machine.reconnectInitialMilliseconds = value(
        options.reconnect_initial_ms, default: Limits.reconnectInitialMilliseconds)
    settings.machine.reconnectMaximumMilliseconds = value(
        options.reconnect_max_ms, default: Limits.reconnectMaximumMilliseconds)
    return settings
}

enum Dialect {
    case openClaw
    case socketIO
}

/// The dialect of options whose size and flags are right.
func dialect(of pointer: UnsafePointer<gw_client_options>) throws(Failure) -> Dialect {
    try checkSize(pointer, known: MemoryLayout<gw_client_options>.size)
    let known =
        GW_CLIENT_PLAINTEXT_PRIVATE | GW_CLIENT_PLAINTEXT_ANY | GW_CLIENT_NO_RECONNECT | GW_CLIENT_NO_DEFLATE
        | GW_CLIENT_DEFLATE_TAKEOVER | GW_CLIENT_NO_DEVICE | GW_CLIENT_PAUSE | GW_CLIENT_ASK_CREDENTIALS
        | GW_CLIENT_NEW_PARAMS | GW_CLIENT_ANY_NAMES
    try checkFlags(pointer.pointee.flags, known: known)
    switch Int(pointer.pointee.dialect) {
    case GW_DIALECT_OPENCLAW: return .openClaw
    case GW_DIALECT_SOCKETIO: return .socketIO
    default: throw Failure(.argument, .program, "dialect is \(pointer.pointee.dialect), which none has")
    }
}

func has(_ flag: Int, _ options: gw_client_options) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }

/// What holds for the connections of every dialect; `resolve` gives the URL that is meant by one of the options.
func linkSettings(
    _ options: gw_client_options, _ tls: SharedTLS, _ reconnects: Bool,
    _ resolve: ([UInt8]) throws(Failure) -> [UInt8]
) throws(Failure) -> LinkSettings {
    var target = DialSettings.Target()
    guard let url = try name("url", options.url) else { throw Failure(.argument, .program, "url is missing") }
    if has(GW_CLIENT_PLAINTEXT_PRIVATE, options) { target.plaintext = .privateNetwork }
    if has(GW_CLIENT_PLAINTEXT_ANY, options) { target.plaintext = .any }
    target.trust = try TrustOptions(
        pins: options.pins, pinCount: options.pin_count, caFile: options.ca_file, trust: options.trust
    ).settings()
    target.serverName = try path("server_name", options.server_name)
    func endpoint(_ url: [UInt8]) throws(Failure) -> DialSettings {
        target.url = try resolve(url)
        return try dialSettings(options, target, tls, reconnects)
    }
    var settings = LinkSettings(try endpoint(url))
    settings.alternates = try alternates(options, settings.dial.route, endpoint)
    settings.maxQueuedBytes = value(options.max_queued_bytes, default: Limits.clientQueuedBytes)
    settings.userData = UInt(bitPattern: options.user_data)
    return settings
}

/// The other endpoints, each with all that holds for the first.
private func alternates(
    _ options: gw_client_options, _ route: RouteSettings, _ endpoint: ([UInt8]) throws(Failure) -> DialSettings
) throws(Failure) -> [DialSettings] {
    guard let urls = try texts("alternates", options.alternates, options.alternate_count), !urls.isEmpty else {
        return []
    }
    guard urls.count <= Limits.alternates else {
        throw Failure(
            .argument, .program, "alternates has \(urls.count) entries, the limit is \(Limits.alternates)")
    }
    guard route.leadsByURL else {
        throw Failure(
            .argument, .program,
            "alternates and a route with addresses, unix_path or a descriptor exclude each other: such a route has one end"
        )
    }
    var endpoints: [DialSettings] = []
    for url in urls { endpoints.append(try endpoint(url)) }
    return endpoints
}

private func connectParameters(_ options: gw_client_options) throws(Failure) -> ConnectParameters {
    var connect = ConnectParameters()
    connect.minProtocol = value(options.min_protocol, default: connect.minProtocol)
    connect.maxProtocol = value(options.max_protocol, default: connect.maxProtocol)
    guard connect.minProtocol <= connect.maxProtocol else {
        throw Failure(
            .argument, .program,
            "min_protocol is \(connect.minProtocol), above max_protocol, which is \(connect.maxProtocol)")
    }
    if let id = try name("client_id", options.client_id) { connect.clientID = id }
    if let mode = try name("client_mode", options.client_mode) { connect.clientMode = mode }
    connect.clientVersion = try name("client_version", options.client_version) ?? "\(versionText)".bytes
    connect.displayName = try name("display_name", options.display_name) ?? []
    if let platform = try name("platform", options.platform) { connect.platform = platform }
    connect.deviceFamily = try name("device_family", options.device_family) ?? []
    connect.modelIdentifier = try name("model_identifier", options.model_identifier) ?? []
    connect.buildID = try name("build_id", options.build_id) ?? []
    connect.timeZone = try name("time_zone", options.time_zone) ?? []
    connect.instanceID = try name("instance_id", options.instance_id) ?? []
    if let role = try name("role", options.role) { connect.role = role }
    if let scopes = try texts("scopes", options.scopes, options.scope_count) { connect.scopes = scopes }
    connect.caps = try texts("caps", options.caps, options.cap_count) ?? []
    connect.commands = try texts("commands", options.commands, options.command_count) ?? []
    connect.permissions = try permissions(options)
    connect.pathEnvironment = try name("path_env", options.path_env) ?? []
    connect.extraMembers = try extraMembers(options.extra_params)
    switch options.signature_version {
    case 0, 3: connect.signatureVersion = .v3
    case 2: connect.signatureVersion = .v2
    default: throw Failure(.argument, .program, "signature_version is \(options.signature_version), known are 2 and 3")
    }
    connect.locale = try name("locale", options.locale) ?? []
    connect.userAgent = try name("user_agent", options.user_agent) ?? []
    return connect
}

private func credentials(_ options: gw_client_options) throws(Failure) -> Credentials {
    Credentials(
        token: try name("token", options.token) ?? [],
        bootstrapToken: try name("bootstrap_token", options.bootstrap_token) ?? [],
        deviceToken: try name("device_token", options.device_token) ?? [],
        password: try name("password", options.password) ?? [],
        approvalRuntimeToken: try name("approval_runtime_token", options.approval_runtime_token) ?? [],
        agentIdentityToken: try name("agent_identity_token", options.agent_identity_token) ?? [])
}

private func permissions(
    _ options: gw_client_options
) throws(Failure) -> [(name: [UInt8], isGranted: Bool)] {
    guard options.permission_count > 0 else { return [] }
    guard let list = options.permissions, options.permission_count <= 1024 else {
        throw Failure(.argument, .program, "permissions must hold permission_count entries, at most 1024")
    }
    var permissions: [(name: [UInt8], isGranted: Bool)] = []
    for index in 0..<options.permission_count {
        guard let permission = try name("permission", list[index].name) else {
            throw Failure(.argument, .program, "permission \(index) has no name")
        }
        try checkReserved(list[index].reserved)
        permissions.append((permission, list[index].granted != 0))
    }
    return permissions
}

/// The inside of a JSON object.
private func extraMembers(_ value: UnsafePointer<CChar>?) throws(Failure) -> [UInt8] {
    guard let value else { return [] }
    let given = borrowedBytes(value)
    let text = try json("extra_params", given.baseAddress, given.count)
    var members = JSONMembers()
    guard JSON.scan(text, &members)?.kind == .object else {
        throw Failure(.jsonText, .program, "extra_params is not a JSON object")
    }
    let inside = text.drop { $0 != 0x7b }.dropFirst()
    guard members.count > 0, let end = inside.lastIndex(of: 0x7d) else { return [] }
    return Array(inside[..<end])
}

private func dialSettings(
    _ options: gw_client_options, _ target: DialSettings.Target, _ tls: SharedTLS, _ reconnects: Bool
) throws(Failure) -> DialSettings {
    var settings = try DialSettings(target, sharing: tls)
    settings.route = try routeSettings(options.route, for: settings.url, reconnects: reconnects)
    try addHeaders(options.headers, options.header_count, to: &settings)
    settings.offersDeflate = options.flags & UInt32(GW_CLIENT_NO_DEFLATE) == 0
    if options.flags & UInt32(GW_CLIENT_DEFLATE_TAKEOVER) != 0 {
        settings.webSocket.deflate.serverNoContextTakeover = false
        settings.webSocket.deflate.clientNoContextTakeover = false
    }
    settings.webSocket.deflate.thresholdBytes = value(
        options.deflate_threshold_bytes, default: Limits.deflateThresholdBytes)
    settings.webSocket.maxMessageBytes = value(options.max_message_bytes, default: Limits.messageBytes)
    settings.webSocket.pingMilliseconds = value(options.ping_interval_ms, default: Limits.clientPingMilliseconds)
    settings.webSocket.pongMilliseconds = value(options.pong_timeout_ms, default: Limits.pongMilliseconds)
    settings.webSocket.closeMilliseconds = value(options.close_timeout_ms, default: Limits.closeMilliseconds)
    settings.connectMilliseconds = value(options.connect_timeout_ms, default: Limits.connectMilliseconds)
    settings.tlsMilliseconds = value(options.tls_timeout_ms, default: Limits.tlsMilliseconds)
    settings.upgradeMilliseconds = value(options.upgrade_timeout_ms, default: Limits.upgradeMilliseconds)
    return settings
}

/// Adds what an option struct gives as headers.
func addHeaders(
    _ list: UnsafePointer<gw_header>?, _ count: Int, to settings: inout DialSettings
) throws(Failure) {
    guard count > 0 else { return }
    guard let list, count <= Limits.headerLines else {
        throw Failure(
            .argument, .program,
            "headers must hold header_count entries, at most \(Limits.headerLines); given: \(count)")
    }
    for index in 0..<count {
        guard let name = try name("header name", list[index].name),
            let value = try text("header value", list[index].value)
        else { throw Failure(.argument, .program, "header \(index) has no name or no value") }
        try settings.addHeader(name: name, value: value)
    }
}
