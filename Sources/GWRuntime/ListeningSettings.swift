import GWBase
import GWTLS

/// An address to listen on and what proves the listener, as the host asks for it.
public struct ListeningSettings {
    let address: SocketAddress
    let tls: TLSContext?

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
                    "without TLS only loopback is listened on; \(address.hostText) would let everything be read on the way"
                )
            }
            tls = nil
        case .selfSigned(let names):
            tls = try TLSContext(server: ServerTLSSettings(identity: SelfSigned.make(names: names)))
        case .files(let certificate, let key):
            tls = try TLSContext(server: ServerTLSSettings(certificateFile: certificate, keyFile: key))
        }
    }
    /// The engine for an accepted connection, nil for a plaintext one.
    func makeEngine() throws(Failure) -> TLSEngine? {
        guard let tls else { return nil }
        return try TLSEngine(server: tls)
    }
}
