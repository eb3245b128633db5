import GWBase
import GWHTTP

/// Where a tunnel leads.
public enum TunnelTarget: Sendable {
    /// The proxy looks the name up.
    case name([UInt8], port: UInt16)
    case ipv4(IPv4Address, port: UInt16)
    case ipv6(IPv6Address, port: UInt16)

    public init(_ host: URLHost, port: UInt16) {
        switch host {
        case .name(let name): self = .name(name, port: port)
        case .ipv4(let address): self = .ipv4(address, port: port)
        case .ipv6(let address): self = .ipv6(address, port: port)
        }
    }

    /// Host and port as they stand in a request line (RFC 9110 section 9.3.6).
    var authority: [UInt8] {
        switch self {
        case .name(let name, let port): name + [0x3a] + decimalText(UInt64(port))
        case .ipv4(let address, let port): address.text + [0x3a] + decimalText(UInt64(port))
        case .ipv6(let address, let port): [0x5b] + address.text + [0x5d, 0x3a] + decimalText(UInt64(port))
        }
    }
}

public enum TunnelAction {
    case needMore
    /// Send this and go on.
    case send([UInt8])
    /// The tunnel stands; what follows the `consumed` bytes comes from its other end.
    case open(consumed: Int)
    case failed(Failure)
}

/// Opens a tunnel through a proxy, in whichever of the two protocols that speaks.
public enum ProxyTunnel {
    case http(HTTPConnect)
    case socks(SOCKS5)

    /// `authorization`: the value of the Proxy-Authorization header, or empty; it is for HTTP alone.
    public init(_ proxy: ProxyURL, to target: TunnelTarget, authorization: [UInt8]) throws(Failure) {
        switch proxy.scheme {
        case .http, .https:
            self = .http(HTTPConnect(target, authorization: authorization, proxy: proxy.hostText))
        case .socks5, .socks5h:
            self = .socks(
                try SOCKS5(target, user: proxy.user, password: proxy.password, proxy: proxy.hostText))
        }
    }

    /// Appends what the proxy hears first.
    public mutating func begin(into output: inout ByteBuffer) throws(Failure) {
        switch self {
        case .http(let connect): try connect.begin(into: &output)
        case .socks(let socks): socks.begin(into: &output)
        }
    }

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) -> TunnelAction {
        switch self {
        case .http(var connect):
            defer { self = .http(connect) }
            return connect.receive(bytes)
        case .socks(var socks):
            defer { self = .socks(socks) }
            return socks.receive(bytes)
        }
    }

    /// The proxy ended the connection before the tunnel stood.
    public mutating func endOfStream() -> Failure {
        switch self {
        case .http(var connect):
            defer { self = .http(connect) }
            return connect.endOfStream()
        case .socks(let socks):
            return socks.endOfStream()
        }
    }
}
