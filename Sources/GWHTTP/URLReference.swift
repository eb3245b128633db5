import GWBase

/// Where a redirect leads: a reference, absolute or relative, read against the URL that it came from (RFC 3986 section 5.2).
extension WebSocketURL {
    /// The URL that a `Location` header names.  Its fragment is left out: it is of no use to a WebSocket (RFC 6455 section 3).
    public func resolving(_ location: [UInt8]) throws(Failure) -> WebSocketURL {
        var reference = location
        if let mark = reference.firstIndex(of: 0x23) { reference.removeSubrange(mark...) }
        let isSlash: (UInt8?) -> Bool = { $0 == 0x2f || $0 == 0x5c }
        if WebSocketURL.hasScheme(reference) { return try WebSocketURL.parse(reference) }
        if isSlash(reference.first) {
            let isNetworkPath = isSlash(reference.dropFirst().first)
            return try WebSocketURL.parse((isNetworkPath ? schemeText + [0x3a] : origin) + reference)
        }
        let path = target.prefix { $0 != 0x3f }
        if reference.isEmpty { return try WebSocketURL.parse(origin + target) }
        if reference.first == 0x3f { return try WebSocketURL.parse(origin + path + reference) }
        let directory = path[...(path.lastIndex(of: 0x2f) ?? path.startIndex)]
        return try WebSocketURL.parse(origin + directory + reference)
    }

    /// Whether both are the same origin: scheme, host and port (RFC 6454 section 4).
    public func hasSameOrigin(as other: WebSocketURL) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// The URL without user and password.
    public var text: [UInt8] { schemeText + [0x3a, 0x2f, 0x2f] + hostHeader + target }

    private var schemeText: [UInt8] { Array((isSecure ? "wss" : "ws").utf8) }

    private var origin: [UInt8] {
        schemeText + [0x3a, 0x2f, 0x2f] + host.bracketed + [0x3a] + decimalText(UInt64(port))
    }

    private static func hasScheme(_ text: [UInt8]) -> Bool {
        guard let first = text.first, (0x61...0x7a).contains(first.asciiLowercased) else { return false }
        let name = text.prefix { byte in
            (0x61...0x7a).contains(byte.asciiLowercased) || byte.isASCIIDigit || byte == 0x2b || byte == 0x2d
                || byte == 0x2e
        }
        return name.endIndex < text.endIndex && text[name.endIndex] == 0x3a
    }
}
