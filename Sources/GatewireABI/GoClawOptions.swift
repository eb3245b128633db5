import CGatewire
import GWBase
import GWGateway
import GWRuntime
import GWWebSocket

@_cdecl("gw_goclaw_options_init") @implementation
public func gw_goclaw_options_init(_ options: UnsafeMutablePointer<gw_goclaw_options>?) {
    guard let options else { return }
    options.pointee = gw_goclaw_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_goclaw_options>.size)
}

@_cdecl("gw_goclaw_server_options_init") @implementation
public func gw_goclaw_server_options_init(_ options: UnsafeMutablePointer<gw_goclaw_server_options>?) {
    guard let options else { return }
    options.pointee = gw_goclaw_server_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_goclaw_server_options>.size)
}

/// What a client's gateway speaks, and who the client is in it.
func clientDialect(_ options: gw_client_options) throws(Failure) -> ClientSession.Dialect {
    let dialect = Int(options.dialect)
    guard dialect == GW_DIALECT_GOCLAW || dialect == GW_DIALECT_DETECT else {
        try checkIsOpenClaw(options.dialect, hasOptions: options.goclaw != nil)
        return .openClaw
    }
    if dialect == GW_DIALECT_GOCLAW, options.password != nil {
        throw Failure(.argument, .program, "GoClaw's dialect knows no password: give a token")
    }
    if dialect == GW_DIALECT_GOCLAW, options.flags & UInt32(GW_CLIENT_ASK_CREDENTIALS) != 0 {
        throw Failure(.argument, .program, "GW_CLIENT_ASK_CREDENTIALS is not for GoClaw's dialect: give a token")
    }
    var parameters = GoClawParameters()
    parameters.locale = try name("locale", options.locale) ?? []
    if let goClaw = options.goclaw {
        try checkSize(goClaw, known: MemoryLayout<gw_goclaw_options>.size)
        try checkFlags(goClaw.pointee.flags, known: 0)
        parameters.userID = try name("user_id", goClaw.pointee.user_id) ?? []
        parameters.senderID = try name("sender_id", goClaw.pointee.sender_id) ?? []
        parameters.tenantID = try name("tenant_id", goClaw.pointee.tenant_id) ?? []
        parameters.tenantHint = try name("tenant_hint", goClaw.pointee.tenant_hint) ?? []
    }
    return dialect == GW_DIALECT_GOCLAW ? .goClaw(parameters) : .detect(parameters)
}

private func checkIsOpenClaw(_ dialect: UInt32, hasOptions: Bool) throws(Failure) {
    guard Int(dialect) == GW_DIALECT_OPENCLAW else {
        throw Failure(.argument, .program, "dialect is \(dialect), which does not fit here or is not known")
    }
    guard !hasOptions else {
        throw Failure(.argument, .program, "goclaw is given, but dialect is GW_DIALECT_OPENCLAW")
    }
}

/// Makes a server's settings those of its dialect.
func chooseDialect(_ options: gw_server_options, _ settings: inout ServerSettings) throws(Failure) {
    guard Int(options.dialect) == GW_DIALECT_GOCLAW else {
        return try checkIsOpenClaw(options.dialect, hasOptions: options.goclaw != nil)
    }
    if options.password != nil {
        throw Failure(.argument, .program, "GoClaw's dialect knows no password: give a token")
    }
    var goClaw = GoClawServerSettings()
    goClaw.gateway.token = settings.session.policy.token
    goClaw.gateway.version = settings.session.version
    goClaw.gateway.hasBuiltinMethods = settings.session.hasBuiltinMethods
    settings.session.maxMessageBytes = value(options.max_message_bytes, default: GoClaw.messageBytes)
    settings.webSocket.pongMilliseconds = .max
    settings.agreesToDeflate = false
    if let pointer = options.goclaw {
        try checkSize(pointer, known: MemoryLayout<gw_goclaw_server_options>.size)
        try read(pointer.pointee, into: &goClaw)
    }
    settings.goClaw = goClaw
}

private func read(_ options: gw_goclaw_server_options, into settings: inout GoClawServerSettings) throws(Failure) {
    try checkFlags(options.flags, known: GW_GOCLAW_NO_PAIRING | GW_GOCLAW_OWNERSHIP_UNAUTHORIZED)
    settings.gateway.pairs = options.flags & UInt32(GW_GOCLAW_NO_PAIRING) == 0
    if options.flags & UInt32(GW_GOCLAW_OWNERSHIP_UNAUTHORIZED) != 0 {
        settings.gateway.ownership = Rejection("UNAUTHORIZED", "permission denied: session")
    }
    settings.gateway.keys = try keys(options)
    settings.gateway.ownerIDs = try texts("owner_ids", options.owner_ids, options.owner_id_count) ?? []
    settings.allowedOrigins = try texts("allowed_origins", options.allowed_origins, options.allowed_origin_count) ?? []
    let rate = value(options.calls_per_minute, default: GoClaw.callsPerMinute)
    settings.gateway.callsPerMinute = rate == .max ? 0 : rate
    settings.session.pingMilliseconds = value(options.ping_interval_ms, default: GoClaw.pingMilliseconds)
    settings.session.readMilliseconds = value(options.read_timeout_ms, default: GoClaw.readMilliseconds)
    settings.maxQueuedMessages = value(options.max_queued_messages, default: settings.maxQueuedMessages)
}

private func keys(_ options: gw_goclaw_server_options) throws(Failure) -> [GoClawGateway.Key] {
    guard options.key_count > 0 else { return [] }
    guard let list = options.keys, options.key_count <= 1024 else {
        throw Failure(
            .argument, .program, "keys must hold key_count entries, at most 1024; given: \(options.key_count)")
    }
    var keys: [GoClawGateway.Key] = []
    for index in 0..<options.key_count {
        guard let key = try secret("key", list[index].key) else {
            throw Failure(.argument, .program, "entry \(index) of keys has no key")
        }
        let scopes = try text("scopes", list[index].scopes) ?? []
        keys.append(
            GoClawGateway.Key(
                key: key, role: GoClawRole(scopes: scopes.split(separator: 0x20).map { Array($0) }),
                userID: try name("user_id", list[index].user_id) ?? []))
    }
    return keys
}
