import CGatewire

/// The options that say which way leads to the server.
enum RouteArguments {
    static var options: [Option] {
        [
            Option(
                "--proxy", "URL",
                "go through this proxy: http, https, socks5 or socks5h; environment: the one named there"),
            Option("--proxy-ca", "FILE", "trust certificates of this PEM bundle for an https proxy"),
            Option("--address", "ADDRESS", "connect to this address, not to what the name leads to; may be repeated"),
            Option("--unix", "PATH", "connect to this Unix socket, not over TCP; @NAME: an abstract one"),
            Option("--from", "ADDRESS", "local address to connect from"),
        ]
    }

    /// Calls `body` with the route that the command line gives, nil for none, while all memory that it points to is there.
    static func with<Result>(
        _ arguments: Arguments, _ body: (UnsafePointer<gw_route_options>?) -> Result
    ) -> Result {
        guard options.contains(where: { arguments.has($0.name) }) else { return body(nil) }
        var route = gw_route_options()
        gw_route_options_init(&route)
        if let proxy = arguments.value("--proxy") {
            if isEqual(proxy, "environment") {
                route.flags = UInt32(GW_ROUTE_PROXY_ENVIRONMENT)
            } else {
                route.proxy = proxy
            }
        }
        route.proxy_ca_file = arguments.value("--proxy-ca")
        route.unix_path = arguments.value("--unix")
        route.bind_address = arguments.value("--from")
        let addresses = arguments.values("--address").map { Optional($0) }
        return addresses.withUnsafeBufferPointer { addresses in
            if addresses.count > 0 { route.addresses = addresses.baseAddress }
            route.address_count = addresses.count
            return withUnsafePointer(to: route) { body($0) }
        }
    }
}
