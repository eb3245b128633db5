import GWBase
import GWGateway
import GWTLS
import GWWebSocket

/// What the host asked for of its gateway, checked.
public struct ServerSettings {
    let address: SocketAddress
    public var tls: TLSContext?
    public var session = ServerSession.Settings()
    public var agreesToDeflate = true
    public var webSocket = WebSocketSettings()
    public var requestMilliseconds = Limits.callMilliseconds
    public var maxConnections = Limits.connections
    public var maxRequests = Limits.requestsPerPeer
    public var userData: UInt = 0

    public enum Certificate {
        case none
        /// Self-signed for a fresh key, valid for these names and addresses.
        case selfSigned(names: [String])
        case files(certificate: String, key: String)
    }

    public init(address text: [UInt8], port: UInt16, certificate: Certificate) throws(Failure) {
        guard let address = SocketAddress(literal: text, port: port) else {
            throw Failure(
                .argument, .program,
                "\(String(printable: text)) is no literal address to listen on; give one such as 127.0.0.1 or ::")
        }
        self.address = address
        switch certificate {
        case .none:
            guard address.isLoopback else {
                throw Failure(
                    .plaintext, .program,
                    "a gateway without TLS listens on loopback only; \(address.hostText) would let tokens be read on the way"
                )
            }
        case .selfSigned(let names):
            tls = try TLSContext(server: ServerTLSSettings(identity: SelfSigned.make(names: names)))
        case .files(let certificate, let key):
            tls = try TLSContext(server: ServerTLSSettings(certificateFile: certificate, keyFile: key))
        }
    }
}
