import GWBase
import GWDeflate
import GWHTTP
import GWTLS
import GWWebSocket

/// Where to connect and what must hold of the server.
public struct DialSettings {
    public var url: WebSocketURL
    public var tls: TLSClient?
    /// SNI, and the name that the certificate must have.
    public var serverName: String
    /// For a redirect that leads from ws to wss.
    let secureClient: TLSClient?
    /// Whether the client's certificate is for this server.
    private(set) var showsIdentity = true
    let plaintext: PlaintextPolicy
    let maxRedirects: UInt32
    public private(set) var headers = HeaderFields()
    public private(set) var subprotocols: [[UInt8]] = []
    public var requiresSubprotocol = false
    public var offersDeflate = true
    public var route = RouteSettings()
    public var webSocket = WebSocketSettings()
    /// Of the answer's head.
    public var head = HeadLimits()
    public var connectMilliseconds = Limits.connectMilliseconds
    public var tlsMilliseconds = Limits.tlsMilliseconds
    public var upgradeMilliseconds = Limits.upgradeMilliseconds
    /// For the host to say whether it believes a server.
    public private(set) var answerMilliseconds = Limits.trustAnswerMilliseconds

    /// Where to and whom to trust, as the host says it.
    public struct Target {
        public var url: [UInt8] = []
        public var plaintext = PlaintextPolicy.loopback
        public var trust = TrustSettings()
        public var serverName: String?
        /// Redirects to follow.
        public var maxRedirects: UInt32 = 0
        public init() {}
    }

    /// Refuses everything that can be known to be wrong without the network.
    public init(_ target: Target, sharing tls: SharedTLS = SharedTLS()) throws(Failure) {
        url = try WebSocketURL.parse(target.url)
        guard target.trust.tls.pins.isEmpty || url.scheme == .wss else {
            throw Failure(
                .pinText, .program, "a pin was given, but the URL is not wss://: there is no certificate to compare")
        }
        let host = String(printable: url.host.text)
        guard target.plaintext.allows(url) else {
            throw Failure(
                .plaintext, .program,
                "ws:// to \(host) would send credentials in the clear; use wss://, or allow it with a plaintext flag")
        }
        serverName = target.serverName ?? host
        plaintext = target.plaintext
        maxRedirects = target.maxRedirects
        answerMilliseconds = target.trust.answerMilliseconds
        if url.isSecure || maxRedirects > 0 {
            secureClient = try tls.client(target.trust.tls)
        } else {
            secureClient = nil
        }
        self.tls = url.isSecure ? secureClient : nil
        if !url.user.isEmpty || !url.password.isEmpty {
            let credentials = Base64.encode(url.user + ":".bytes + url.password)
            headers.append("Authorization".bytes, "Basic ".bytes + credentials)
        }
    }

    /// Adds a field to the upgrade request; not one that the handshake itself sends.
    public mutating func addHeader(name: [UInt8], value: [UInt8]) throws(Failure) {
        var field = HeaderFields()
        field.append(name, value)
        try ClientHandshake.check(field)
        guard !field.contains("Authorization") || !headers.contains("Authorization") else {
            throw Failure(
                .argument, .program, "Authorization stands there twice, or the URL has a user or password too")
        }
        headers.append(name, value)
    }

    /// Offers subprotocols, distinct tokens in the order of preference.
    public mutating func offer(subprotocols: [[UInt8]]) throws(Failure) {
        try ClientHandshake.check(subprotocols: subprotocols)
        self.subprotocols = subprotocols
    }

    /// Takes out what is meant for one origin only.
    mutating func forgetOrigin() {
        headers.remove("Authorization")
        headers.remove("Proxy-Authorization")
        headers.remove("Cookie")
        route.forgetAddresses()
        showsIdentity = false
    }

    /// Whether the server is this machine, or one that only its pin lets in.
    var isTrustedEndpoint: Bool {
        let hasPin = tls?.policy.usesPins ?? false
        guard route.keepsLoopback else { return url.isSecure && hasPin }
        return NetworkPolicy.isTrustedEndpoint(url, hasPin: hasPin)
    }

    var hostText: String { "\(String(printable: url.host.text)):\(url.port)" }
}
