import GWBase
import GWHTTP

/// Chooses a proxy by the customary environment variables.  Their values are given: nothing here reads the environment.
public struct ProxyEnvironment {
    /// For `wss`: `https_proxy` or `HTTPS_PROXY`.
    public var secure: [UInt8] = []
    /// For `ws`: `http_proxy`.  Not `HTTP_PROXY`, which a CGI request can set.
    public var plain: [UInt8] = []
    /// For both where they have none of their own: `all_proxy` or `ALL_PROXY`.
    public var all: [UInt8] = []
    /// Hosts that are reached directly: `no_proxy` or `NO_PROXY`.
    public var none: [UInt8] = []

    public init() {}

    /// The proxy for a server, nil to go directly.
    public func proxy(for url: WebSocketURL) throws(Failure) -> ProxyURL? {
        let own = url.isSecure ? secure : plain
        let chosen = own.isEmpty ? all : own
        guard !chosen.isEmpty, !isExcepted(url.host, url.port) else { return nil }
        do throws(Failure) {
            return try ProxyURL(chosen)
        } catch {
            throw Failure(.url, .user, "the proxy that the environment names cannot be used: \(error.text)")
        }
    }

    /// Whether `none` has the host: an entry is `*`, a name that it equals or ends in behind a dot, an address, or a network as
    /// `10.0.0.0/8`; each may be limited to one port.
    func isExcepted(_ host: URLHost, _ port: UInt16) -> Bool {
        let entries = none.split { $0 == UInt8(ascii: ",") || $0 == 0x20 || $0 == 0x09 }
        return entries.contains { ExceptedHost($0)?.matches(host, port) ?? false }
    }
}

/// One entry of `NO_PROXY`.
private struct ExceptedHost {
    private enum Pattern {
        case all
        /// In lower case, without dots around.
        case name([UInt8])
        case ipv4(IPv4Address, length: UInt32)
        case ipv6(IPv6Address, length: UInt32)
    }

    private let pattern: Pattern
    private let port: UInt16?

    init?(_ entry: ArraySlice<UInt8>) {
        var text = entry
        var port: UInt16?
        if text.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let rest = text[(end + 1)...]
            if rest.first == UInt8(ascii: ":") { port = ExceptedHost.port(rest.dropFirst()) }
            text = text[(text.startIndex + 1)..<end]
        } else if let colon = text.firstIndex(of: UInt8(ascii: ":")), text.lastIndex(of: UInt8(ascii: ":")) == colon {
            port = ExceptedHost.port(text[(colon + 1)...])
            text = text[..<colon]
        }
        self.port = port
        guard let pattern = ExceptedHost.pattern(text) else { return nil }
        self.pattern = pattern
    }

    private static func port(_ digits: ArraySlice<UInt8>) -> UInt16? {
        decimalNumber(digits).flatMap { UInt16(exactly: $0) }
    }

    private static func pattern(_ text: ArraySlice<UInt8>) -> Pattern? {
        if text.elementsEqual("*".utf8) { return .all }
        let slash = text.firstIndex(of: UInt8(ascii: "/"))
        let address = slash.map { text[..<$0] } ?? text
        let given = slash.map { decimalNumber(text[($0 + 1)...]) }
        // A length that cannot be read would make the entry match more than was meant.
        if let given, given == nil { return nil }
        if let four = IPv4Address(canonical: address) {
            guard let length = UInt32(exactly: (given ?? nil) ?? 32), length <= 32 else { return nil }
            return .ipv4(four, length: length)
        }
        if let six = IPv6Address(address) {
            guard let length = UInt32(exactly: (given ?? nil) ?? 128), length <= 128 else { return nil }
            return .ipv6(six, length: length)
        }
        guard slash == nil else { return nil }
        var name = text.drop { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: ".") }
        if name.last == UInt8(ascii: ".") { name.removeLast() }
        return name.isEmpty ? nil : .name(name.map { $0.asciiLowercased })
    }

    func matches(_ host: URLHost, _ port: UInt16) -> Bool {
        if let wanted = self.port, wanted != port { return false }
        switch (pattern, host) {
        case (.all, _):
            return true
        case (.name(let name), .name(var text)):
            if text.last == UInt8(ascii: ".") { text.removeLast() }
            guard text.count > name.count else { return text.elementsEqual(name) }
            let border = text.count - name.count
            return text[border...].elementsEqual(name) && text[border - 1] == UInt8(ascii: ".")
        case (.ipv4(let network, let length), .ipv4(let address)):
            return address.isIn(network.number, length)
        case (.ipv6(let network, let length), .ipv6(let address)):
            return address.isIn(network, length)
        default:
            return false
        }
    }
}
