import GWBase
import GWGateway
import GWHTTP
import GWTLS

/// What the host asked for, checked: nothing in it can be known to be wrong without the network.
public struct ClientSettings {
    public var url: WebSocketURL
    public var tls: TLSContext?
    /// SNI, and the name that the certificate must have.
    public var serverName: String
    public var signer: (any DeviceSigner)?
    public var session = ClientSession.Settings()
    public var headers: [(name: [UInt8], value: [UInt8])] = []
    public var reconnects = true
    public var offersDeflate = true
    public var keepsDeflateWindow = false
    public var deflateThresholdBytes = Limits.deflateThresholdBytes
    public var maxMessageBytes = Limits.messageBytes
    public var maxQueuedBytes = Limits.clientQueuedBytes
    public var connectMilliseconds = Limits.connectMilliseconds
    public var tlsMilliseconds = Limits.tlsMilliseconds
    public var upgradeMilliseconds = Limits.upgradeMilliseconds
    public var closeMilliseconds = Limits.closeMilliseconds
    public var pingMilliseconds = Limits.clientPingMilliseconds
    public var pongMilliseconds = Limits.pongMilliseconds
    public var reconnectInitialMilliseconds = Limits.reconnectInitialMilliseconds
    public var reconnectMaximumMilliseconds = Limits.reconnectMaximumMilliseconds
    public var userData: UInt = 0

    /// Where to and whom to trust, before anything else is looked at.
    public struct Target {
        public var url: [UInt8] = []
        public var plaintext = PlaintextPolicy.loopback
        public var pins: [[UInt8]] = []
        public var caFile: String?
        public var serverName: String?
        public init() {}
    }

    public enum Identity {
        /// A fresh key for the life of the client.
        case temporary
        case file(String)
        case none
    }

    public init(_ target: Target, identity: Identity) throws(Failure) {
        url = try WebSocketURL.parse(target.url)
        guard !url.hasFragment else {
            throw Failure(.url, .program, "the URL has a fragment (#...), which WebSocket URLs cannot have")
        }
        var pins = PinSet()
        for pin in target.pins { try pins.add(pin) }
        guard pins.isEmpty || url.isSecure else {
            throw Failure(
                .pinText, .program, "a pin was given, but the URL is not wss://: there is no certificate to compare")
        }
        guard target.plaintext.allows(url) else {
            throw Failure(
                .plaintext, .program,
                "ws:// to \(String(printable: url.host.text)) would send credentials in the clear; use wss://, or allow it with a "
                    + "plaintext flag")
        }
        serverName = target.serverName ?? String(printable: url.host.text)
        if url.isSecure {
            var settings = ClientTLSSettings()
            settings.pins = pins
            settings.caFile = target.caFile
            tls = try TLSContext(client: settings)
        }
        switch identity {
        case .none: signer = nil
        case .temporary: signer = DeviceKey(try Ed25519Key.make())
        case .file(let path): signer = DeviceKey(try IdentityStore.key(inFile: path))
        }
    }
}
