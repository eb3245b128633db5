import GWBase

/// Where to connect to (RFC 6455 section 3), read by the rules of the WHATWG URL standard, so that the host that the
/// trust rules judge is the host that everybody else would connect to.
public struct WebSocketURL: Sendable {
    /// As it was spelled: `http` counts as `ws` and `https` as `wss`.
    public enum Scheme: Sendable {
        case ws
        case wss
        case http
        case https
    }

    public let scheme: Scheme
    public let host: URLHost
    public let port: UInt16
    /// Path and query as they go into the request line: starts with `/`.
    public let target: [UInt8]
    /// From the user info, percent-decoded; empty if there is none.  The password is a secret.
    public let user: [UInt8]
    public let password: [UInt8]
    public let hasFragment: Bool

    /// Whether the connection starts with TLS.
    public var isSecure: Bool { scheme == .wss || scheme == .https }

    /// The default port is 443 with TLS and 80 without.
    public var hasDefaultPort: Bool { port == (isSecure ? 443 : 80) }

    /// The value of the Host header: an IPv6 address in brackets, the default port left out (RFC 6455 section 4.1).
    public var hostHeader: [UInt8] {
        hasDefaultPort ? host.bracketed : host.bracketed + [0x3a] + decimalText(UInt64(port))
    }

    /// Scheme, host and port, in one spelling for all URLs of a server.
    public var server: [UInt8] {
        (isSecure ? "wss://" : "ws://").bytes + host.bracketed + [0x3a] + decimalText(UInt64(port))
    }

    /// Reads a URL to connect to.
    public static func parse(_ text: [UInt8]) throws(Failure) -> WebSocketURL {
        let url = try parseToJudge(text)
        guard !url.hasFragment else {
            throw .url("a WebSocket URL must have no fragment; remove the # and what follows, or write it %23")
        }
        guard url.port != 0 else { throw .url("port 0 cannot be connected to") }
        return url
    }

    public static func parse(_ text: String) throws(Failure) -> WebSocketURL { try parse(text.bytes) }

    /// Reads everything that is a URL with one of the four schemes, also what cannot be connected to: with a fragment
    /// (RFC 6455 section 3) or port 0.
    public static func parseToJudge(_ text: [UInt8]) throws(Failure) -> WebSocketURL {
        try WebSocketURL(URLParts(text))
    }

    private init(_ parts: URLParts) throws(Failure) {
        guard let scheme = WebSocketURL.scheme(parts.scheme) else {
            throw .url("scheme \(shown(parts.scheme[...])) is not ws or wss")
        }
        self.scheme = scheme
        host = try URLHost.parse(parts.host)
        port = try parts.portNumber() ?? (scheme == .wss || scheme == .https ? 443 : 80)
        let query = URLTarget.query(parts.query)
        target = URLTarget.path(parts.path) + (query.isEmpty ? [] : [0x3f] + query)
        hasFragment = parts.hasFragment
        let userInfo = parts.userInfo ?? []
        let name = userInfo.prefix { $0 != 0x3a }
        user = percentDecoded(name)
        password = percentDecoded(userInfo[name.endIndex...].dropFirst())
    }

    private static func scheme(_ name: [UInt8]) -> Scheme? {
        if name.elementsEqual("ws".utf8) { return .ws }
        if name.elementsEqual("wss".utf8) { return .wss }
        if name.elementsEqual("http".utf8) { return .http }
        return name.elementsEqual("https".utf8) ? .https : nil
    }
}

/// Path and query in the form in which they are sent.
private enum URLTarget {
    /// Resolves `.` and `..` and escapes what a path may not hold.
    static func path(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var segments: [[UInt8]] = []
        let parts = text.dropFirst().split(omittingEmptySubsequences: false) { $0 == 0x2f || $0 == 0x5c }
        for (index, part) in parts.enumerated() {
            let dots = percentDecoded(part)
            let isLast = index + 1 == parts.count
            switch dots {
            case [0x2e]:
                if isLast { segments.append([]) }
            case [0x2e, 0x2e]:
                _ = segments.popLast()
                if isLast { segments.append([]) }
            default:
                segments.append(escaped(part) { "\"#<>?`{}".utf8.contains($0) })
            }
        }
        return segments.isEmpty ? [0x2f] : segments.reduce(into: []) { $0 += [0x2f] + $1 }
    }

    static func query(_ text: ArraySlice<UInt8>) -> [UInt8] { escaped(text) { "\"#<>'".utf8.contains($0) } }

    /// Percent-encodes everything that is no visible ASCII, and what `isReserved` names.
    private static func escaped(_ text: ArraySlice<UInt8>, _ isReserved: (UInt8) -> Bool) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            if byte > 0x20, byte < 0x7f, !isReserved(byte) {
                result.append(byte)
            } else {
                result.append(0x25)
                for digit in hexText([byte]) { result.append(digit > 0x60 ? digit - 0x20 : digit) }
            }
        }
        return result
    }
}
