import GWBase

/// A proxy to go through, as a URL says it: `http://`, `https://`, `socks5://` or `socks5h://`, with or without user and password.
public struct ProxyURL: Sendable {
    public enum Scheme: Sendable {
        /// HTTP CONNECT (RFC 9110 section 9.3.6), in the clear to the proxy.
        case http
        /// HTTP CONNECT, over TLS to the proxy.
        case https
        /// SOCKS 5 (RFC 1928); names are resolved here.
        case socks5
        /// SOCKS 5; names are resolved by the proxy.
        case socks5h
    }

    public let scheme: Scheme
    public let host: URLHost
    public let port: UInt16
    /// Percent-decoded; empty if there is none.  The password is a secret.
    public let user: [UInt8]
    public let password: [UInt8]

    /// Whether the proxy is told the name of the server and looks it up itself.
    public var resolvesNames: Bool { scheme != .socks5 }

    /// For messages: host and port, never the user.
    public var hostText: String { String(printable: host.bracketed) + ":\(port)" }

    /// A text without a scheme counts as `http://`, as in the environment of most systems.
    public init(_ text: [UInt8]) throws(Failure) {
        let hasScheme = text.indices.contains { text[$0...].starts(with: "://".utf8) }
        let parts = try URLParts(hasScheme ? text : "http://".bytes + text)
        guard let scheme = ProxyURL.scheme(parts.scheme) else {
            throw .url("proxy scheme \(shown(parts.scheme[...])) is not http, https, socks5 or socks5h")
        }
        self.scheme = scheme
        host = try URLHost.parse(parts.host)
        let port = try parts.portNumber() ?? ProxyURL.defaultPort(scheme)
        guard port != 0 else { throw .url("port 0 of the proxy cannot be connected to") }
        self.port = port
        let userInfo = parts.userInfo ?? []
        let name = userInfo.prefix { $0 != 0x3a }
        user = percentDecoded(name)
        password = percentDecoded(userInfo[name.endIndex...].dropFirst())
    }

    private static func scheme(_ name: [UInt8]) -> Scheme? {
        if name.elementsEqual("http".utf8) { return .http }
        if name.elementsEqual("https".utf8) { return .https }
        if name.elementsEqual("socks5".utf8) { return .socks5 }
        return name.elementsEqual("socks5h".utf8) ? .socks5h : nil
    }

    private static func defaultPort(_ scheme: Scheme) -> UInt16 {
        switch scheme {
        case .http: 80
        case .https: 443
        case .socks5, .socks5h: 1080
        }
    }
}
