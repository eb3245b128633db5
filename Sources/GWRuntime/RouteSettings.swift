import GWBase
import GWHTTP
import GWRoute
import GWTLS

/// Which way leads to the server.
public struct RouteSettings {
    public enum Way {
        case direct
        case proxy(Proxy)
        /// The proxy that the environment names for the URL, if any.
        case environment
        /// A Unix domain socket; one that begins with `@` stands in the abstract namespace (unix(7)).
        case unix(path: [UInt8])
        /// A connected stream socket of the host's, which the first dial takes over.
        case descriptor(Int32)
    }

    public struct Proxy {
        var url: ProxyURL
        /// Nil: in the clear to the proxy.
        var tls: TLSClient?

        public init(_ text: [UInt8], caFile: String?) throws(Failure) {
            try self.init(ProxyURL(text), caFile: caFile)
        }

        init(_ url: ProxyURL, caFile: String?) throws(Failure) {
            self.url = url
            guard url.scheme == .https else { return }
            var settings = ClientTLSSettings()
            settings.authorities.file = caFile
            tls = try TLSClient(settings)
        }

        /// The value of Proxy-Authorization (RFC 7617), empty without user and password.
        var authorization: [UInt8] {
            guard !url.user.isEmpty || !url.password.isEmpty else { return [] }
            return "Basic ".bytes + Base64.encode(url.user + ":".bytes + url.password)
        }
    }

    public var way = Way.direct
    /// CA certificates for TLS to a proxy that the environment names.
    public var proxyCAFile: String?
    /// Literal addresses that stand in for looking the host up.
    public private(set) var addresses: [SocketAddress] = []
    /// Local address to connect from.
    private(set) var bindAddress: SocketAddress?
    public var options = SocketOptions()
    public var proxyMilliseconds = Limits.proxyMilliseconds

    public init() {}

    /// Stands in for looking the host of `url` up.
    public mutating func resolve(_ url: WebSocketURL, to literals: [[UInt8]]) throws(Failure) {
        addresses = []
        for literal in literals {
            guard let address = SocketAddress(literal: literal, port: url.port) else {
                throw Failure(
                    .argument, .program,
                    "\"\(String(printable: literal, limit: 80))\" is no literal address to resolve the host to")
            }
            addresses.append(address)
        }
    }

    /// They stood in for another host.
    mutating func forgetAddresses() { addresses = [] }

    /// A path that fits the address of a Unix domain socket.
    public static func checkUnix(path: [UInt8]) throws(Failure) -> [UInt8] {
        guard SocketAddress(unixPath: path) != nil else {
            throw Failure(
                .argument, .program, "unix_path has \(path.count) bytes; a Unix domain socket takes up to 107")
        }
        return path
    }

    /// A descriptor that is a connected stream socket.
    public static func checkConnected(_ descriptor: Int32) throws(Failure) -> Int32 {
        guard Syscall.isConnectedStream(descriptor) else {
            throw Failure(.argument, .program, "descriptor \(descriptor) is no connected stream socket")
        }
        return descriptor
    }

    public mutating func bind(to literal: [UInt8]) throws(Failure) {
        guard let address = SocketAddress(literal: literal, port: 0) else {
            throw Failure(
                .argument, .program,
                "\"\(String(printable: literal, limit: 80))\" is no literal address to connect from")
        }
        bindAddress = address
    }

    /// Whether the URL decides where a connection ends.
    public var leadsByURL: Bool {
        switch way {
        case .direct, .proxy, .environment: addresses.isEmpty
        case .unix, .descriptor: false
        }
    }

    /// Whether a loopback host in the URL is this machine: a proxy, an address or a descriptor of the host's may lead elsewhere.
    var keepsLoopback: Bool {
        switch way {
        case .direct: addresses.isEmpty
        case .unix: true
        case .proxy, .environment, .descriptor: false
        }
    }

    /// The proxy for a URL, nil to go without.
    func proxy(for url: WebSocketURL) throws(Failure) -> Proxy? {
        switch way {
        case .proxy(let proxy): return proxy
        case .environment:
            guard let found = try ProxyEnvironment.current().proxy(for: url) else { return nil }
            return try Proxy(found, caFile: proxyCAFile)
        case .direct, .unix, .descriptor: return nil
        }
    }
}

/// What the kernel is told of a TCP connection.
public struct SocketOptions {
    /// Silence after which the kernel probes (tcp(7), TCP_KEEPIDLE and TCP_KEEPINTVL); `max`: never.
    public var keepaliveMilliseconds = UInt32.max
    /// How long sent data may stay without acknowledgement (RFC 5482); `max`: as the system has it.
    public var userTimeoutMilliseconds = UInt32.max

    public init() {}
}

extension ProxyEnvironment {
    /// As the environment of the process has it now.
    static func current() -> ProxyEnvironment {
        var environment = ProxyEnvironment()
        environment.secure = Syscall.environment("https_proxy") ?? Syscall.environment("HTTPS_PROXY") ?? []
        environment.plain = Syscall.environment("http_proxy") ?? []
        environment.all = Syscall.environment("all_proxy") ?? Syscall.environment("ALL_PROXY") ?? []
        environment.none = Syscall.environment("no_proxy") ?? Syscall.environment("NO_PROXY") ?? []
        return environment
    }
}
