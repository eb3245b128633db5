import CGatewire
import GWBase
import GWHTTP
import GWRuntime

@_cdecl("gw_route_options_init") @implementation
public func gw_route_options_init(_ options: UnsafeMutablePointer<gw_route_options>?) {
    guard let options else { return }
    options.pointee = gw_route_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_route_options>.size)
}

/// `gw_route_options` as settings for a URL; NULL goes directly.
func routeSettings(
    _ pointer: UnsafePointer<gw_route_options>?, for url: WebSocketURL, reconnects: Bool
) throws(Failure) -> RouteSettings {
    var route = RouteSettings()
    guard let pointer else { return route }
    try checkSize(pointer, known: MemoryLayout<gw_route_options>.size)
    let options = pointer.pointee
    try checkFlags(options.flags, known: GW_ROUTE_PROXY_ENVIRONMENT | GW_ROUTE_DESCRIPTOR)
    route.proxyCAFile = try path("proxy_ca_file", options.proxy_ca_file)
    route.way = try way(options, caFile: route.proxyCAFile, reconnects: reconnects)
    if let addresses = try texts("addresses", options.addresses, options.address_count) {
        try route.resolve(url, to: addresses)
    }
    if let local = try name("bind_address", options.bind_address) { try route.bind(to: local) }
    route.proxyMilliseconds = value(options.proxy_timeout_ms, default: Limits.proxyMilliseconds)
    route.options.keepaliveMilliseconds = value(options.tcp_keepalive_ms, default: .max)
    route.options.userTimeoutMilliseconds = value(options.tcp_user_timeout_ms, default: .max)
    return route
}

private func way(
    _ options: gw_route_options, caFile: String?, reconnects: Bool
) throws(Failure) -> RouteSettings.Way {
    let usesEnvironment = options.flags & UInt32(GW_ROUTE_PROXY_ENVIRONMENT) != 0
    let usesDescriptor = options.flags & UInt32(GW_ROUTE_DESCRIPTOR) != 0
    let chosen = [options.proxy != nil, usesEnvironment, options.unix_path != nil, usesDescriptor]
    guard chosen.count(where: { $0 }) <= 1 else {
        throw Failure(
            .argument, .program,
            "only one of proxy, GW_ROUTE_PROXY_ENVIRONMENT, unix_path and GW_ROUTE_DESCRIPTOR can be the way")
    }
    if usesEnvironment { return .environment }
    if let proxy = try name("proxy", options.proxy) { return .proxy(try RouteSettings.Proxy(proxy, caFile: caFile)) }
    if let unix = try name("unix_path", options.unix_path) {
        return .unix(path: try RouteSettings.checkUnix(path: unix))
    }
    guard usesDescriptor else {
        guard options.descriptor == 0 else {
            throw Failure(.argument, .program, "descriptor is set without GW_ROUTE_DESCRIPTOR")
        }
        return .direct
    }
    guard !reconnects else {
        throw Failure(
            .argument, .program, "a descriptor can be used once: it needs GW_CLIENT_NO_RECONNECT with a client")
    }
    return .descriptor(try RouteSettings.checkConnected(options.descriptor))
}
