import GWBase

/// To which hosts a URL without TLS may lead.
public enum PlaintextPolicy: Sendable {
    /// This host only.
    case loopback
    /// Loopback, private addresses, and names that end in `.local` or `.ts.net`.
    case privateNetwork
    /// As `privateNetwork`, and every other name too, since it may be one of a private network.
    case privateNetworkAndNames
    /// Loopback, names of every kind, and the addresses that gateways count as private.
    case gatewayPrivateAndNames
    case any

    public func allows(_ url: WebSocketURL) -> Bool {
        if url.isSecure || self == .any { return true }
        let address: NetworkPolicy.Address
        switch url.host {
        case .name(let name):
            if NetworkPolicy.isLoopbackHost(name) { return true }
            switch self {
            case .loopback: return false
            case .privateNetwork: return NetworkPolicy.isTrustedPlaintextHost(name)
            default: return true
            }
        case .ipv4(let number): address = .ipv4(number)
        case .ipv6(let number): address = NetworkPolicy.Address(number)
        }
        switch self {
        case .loopback: return address.isLoopback
        case .privateNetwork, .privateNetworkAndNames: return address.isPrivate
        case .gatewayPrivateAndNames: return address.isPrivateToGateways
        case .any: return true
        }
    }
}

/// What kind of place a host is, by its text alone: nothing is looked up.
public enum NetworkPolicy {
    /// Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1.  Names below `localhost` are not.
    public static func isLoopbackHost(_ host: [UInt8]) -> Bool {
        isLocalhost(host) || Address(host)?.isLoopback ?? false
    }

    /// Whether a host is this machine, or an address that only a private network routes to.
    public static func isPrivateOrLoopbackHost(_ host: [UInt8]) -> Bool {
        isLocalhost(host) || Address(host)?.isPrivate ?? false
    }

    /// Whether a host may be spoken to without TLS in a private network: the above, or a name of multicast DNS or Tailscale.
    public static func isTrustedPlaintextHost(_ host: [UInt8]) -> Bool {
        let name = withoutTrailingDots(normalized(host))
        return isPrivateOrLoopbackHost(host) || name.suffix(6).elementsEqual(".local".utf8)
            || name.suffix(7).elementsEqual(".ts.net".utf8)
    }

    /// Whether a stored token may be tried there: this machine, or a gateway that is known by its pin.
    public static func isTrustedEndpoint(_ url: WebSocketURL, hasPin: Bool) -> Bool {
        isLoopbackHost(url.host.text) || (url.isSecure && hasPin)
    }

    /// The same for the text of a URL of any scheme; what is no URL is not trusted.
    public static func isTrustedEndpoint(_ text: [UInt8], hasPin: Bool) -> Bool {
        do {
            let parts = try URLParts(text)
            _ = try parts.portNumber()
            guard parts.isSpecial else { return isLoopbackHost(Array(parts.host)) }
            let isSecure = parts.scheme.elementsEqual("wss".utf8) || parts.scheme.elementsEqual("https".utf8)
            return try isLoopbackHost(URLHost.parse(parts.host).text) || (isSecure && hasPin)
        } catch {
            return false
        }
    }

    private static func isLocalhost(_ host: [UInt8]) -> Bool {
        withoutTrailingDots(normalized(host)).elementsEqual("localhost".utf8)
    }

    /// Trimmed and in lower case.
    private static func normalized(_ host: [UInt8]) -> ArraySlice<UInt8> {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
        var host = host[...].drop(while: isSpace)
        while let last = host.last, isSpace(last) { host.removeLast() }
        return host.map { $0.asciiLowercased }[...]
    }

    private static func withoutTrailingDots(_ host: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var host = host
        while host.last == 0x2e { host.removeLast() }
        return host
    }

    /// An address literal, with an IPv4 address mapped into IPv6 counted as IPv4.
    enum Address {
        case ipv4(IPv4Address)
        case ipv6(IPv6Address)

        init(_ address: IPv6Address) {
            if let mapped = address.mappedIPv4 { self = .ipv4(mapped) } else { self = .ipv6(address) }
        }

        /// Reads the canonical form of IPv4 or any form of IPv6, the latter with or without brackets and a zone.
        init?(_ host: [UInt8]) {
            var text = NetworkPolicy.normalized(host)
            if text.count > 2, text.first == 0x5b, text.last == 0x5d { text = text.dropFirst().dropLast() }
            if let address = IPv4Address(canonical: text) {
                self = .ipv4(address)
                return
            }
            let withoutZone = text.prefix { $0 != 0x25 }
            let zone = text[withoutZone.endIndex...]
            guard zone.count != 1, zone.dropFirst().allSatisfy({ $0.isASCIIDigit || (0x61...0x7a).contains($0) }),
                let address = IPv6Address(withoutZone)
            else { return nil }
            self.init(address)
        }

        var isLoopback: Bool {
            switch self {
            case .ipv4(let address): address.isIn(0x7f00_0000, 8)
            case .ipv6(let address): address.high == 0 && address.low == 1
            }
        }

        var isPrivate: Bool {
            switch self {
            case .ipv4(let address):
                isLoopback || address.isIn(0x0a00_0000, 8) || address.isIn(0xac10_0000, 12)
                    || address.isIn(0xc0a8_0000, 16)
                    || address.isIn(0xa9fe_0000, 16)  // link-local (RFC 3927)
                    || address.isIn(0x6440_0000, 10)  // carrier NAT (RFC 6598)
            case .ipv6(let address):
                isLoopback || address.isIn(0xfe80 << 48, 10) || address.isIn(0xfc00 << 48, 7)
                    || address.isIn(0xfec0 << 48, 10)
            }
        }

        /// Gateways count the special-purpose blocks of IPv6 that carry no public traffic as private too.
        var isPrivateToGateways: Bool {
            guard case .ipv6(let address) = self, !isPrivate else { return isPrivate }
            if address.isIn(0x2001 << 48, 23) {
                // The protocol assignments of RFC 2928 without those that have a public meaning of their own: Teredo,
                // AMT, AS112, the first ORCHID and drone identifiers.
                return !address.isIn(0x2001_0000 << 32, 32) && !address.isIn(0x2001_0003 << 32, 32)
                    && !address.isIn(0x2001_0004_0112 << 16, 48) && !address.isIn(0x2001_0010 << 32, 28)
                    && !address.isIn(0x2001_0030 << 32, 28)
            }
            return address.isIn(0x0100 << 48, 64)  // discard (RFC 6666)
                || address.isIn(0x2001_0db8 << 32, 32) || address.isIn(0x3fff << 48, 20)  // documentation
        }
    }
}
