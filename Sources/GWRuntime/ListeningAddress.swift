import GWBase
import GWTLS

/// Where a server or a listener can be reached, and what its clients can pin.
public struct ListeningAddress {
    public let port: UInt16
    public let url: [UInt8]
    /// SHA-256 of the certificate and of its key in hex, and the certificate as PEM; empty without TLS.
    public let certificatePin: [UInt8]
    public let keyPin: [UInt8]
    public let certificate: [UInt8]

    init(_ address: SocketAddress, path: String = "", _ tls: TLSContext?) {
        self.init(address.port, "\(tls == nil ? "ws" : "wss")://\(address.text)\(path)".bytes, tls)
    }

    /// The same place with another certificate.
    func with(_ tls: TLSContext?) -> ListeningAddress { ListeningAddress(port, url, tls) }

    private init(_ port: UInt16, _ url: [UInt8], _ tls: TLSContext?) {
        self.port = port
        self.url = url
        certificatePin = tls?.certificate.map { hexText($0.sha256) } ?? []
        keyPin = tls?.certificate.map { hexText($0.keySHA256) } ?? []
        certificate = tls?.certificate?.pem ?? []
    }
}
