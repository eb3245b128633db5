import GWBase
import GWTLS

/// An address to listen on and what proves the listener, as the host asks for it.
public struct ListeningSettings {
    let address: SocketAddress
    private(set) var tls: TLSContext?
    private let certificate: Certificate
    private let clients: Clients

    public enum Certificate {
        case none
        /// Self-signed for a fresh key, valid for these names and addresses.
        case selfSigned(names: [String])
        case files(certificate: String, key: String, passphrase: Secret?)
    }

    /// Whether clients are asked for a certificate.
    public enum Clients {
        case notAsked
        /// For one of a CA in a PEM file.
        case asked(authorities: String, isRequired: Bool)
    }

    public init(
        address text: [UInt8], port: UInt16, certificate: Certificate, clients: Clients = .notAsked
    ) throws(Failure) {
        guard let address = SocketAddress(literal: text, port: port) else {
            throw Failure(
                .argument, .program,
                "\(String(printable: text)) is no literal address to listen on; give one such as 127.0.0.1 or ::")
        }
        self.address = address
        self.certificate = certificate
        self.clients = clients
        if case .none = certificate {
            guard address.isLoopback else {
                throw Failure(
                    .plaintext, .program,
                    "without TLS only loopback is listened on; \(address.hostText) would let everything be read on the way"
                )
            }
        }
        tls = try ListeningSettings.context(certificate, clients)
    }

    /// nil without TLS.
    private static func context(_ certificate: Certificate, _ clients: Clients) throws(Failure) -> TLSContext? {
        var settings: ServerTLSSettings
        switch certificate {
        case .none: return nil
        case .selfSigned(let names): settings = ServerTLSSettings(identity: try SelfSigned.make(names: names))
        case .files(let certificate, let key, let passphrase):
            settings = try ServerTLSSettings(certificateFile: certificate, keyFile: key, passphrase: passphrase)
        }
        if case .asked(let authorities, let isRequired) = clients {
            settings.clientAuthorities = authorities
            settings.requiresCertificates = isRequired
        }
        return try TLSContext(server: settings)
    }

    /// With the certificate and the key that lie in the files now.
    public func reloaded() throws(Failure) -> ListeningSettings {
        guard case .files = certificate else {
            throw Failure(.state, .program, "the certificate does not come from a file: there is nothing to read again")
        }
        var next = self
        next.tls = try ListeningSettings.context(certificate, clients)
        return next
    }

    /// The engine for an accepted connection, nil for a plaintext one.
    func makeEngine() throws(Failure) -> TLSEngine? {
        guard let tls else { return nil }
        return try TLSEngine(server: tls)
    }
}
