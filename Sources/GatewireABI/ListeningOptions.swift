import GWBase
import GWRuntime

/// The fields of an option struct that say where to listen and with which certificate.
struct ListeningOptions {
    let address: UnsafePointer<CChar>?
    let port: UInt32
    let isPlaintext: Bool
    let certificateFile: UnsafePointer<CChar>?
    let keyFile: UnsafePointer<CChar>?
    let names: UnsafePointer<UnsafePointer<CChar>?>?
    let nameCount: Int
    let passphrase: UnsafePointer<CChar>?
    let clientCAFile: UnsafePointer<CChar>?
    /// Clients that show no certificate are let in too.
    let letsAllIn: Bool

    func settings() throws(Failure) -> ListeningSettings {
        guard port <= 65_535 else {
            throw Failure(.argument, .program, "port is \(port), the highest is 65535")
        }
        return try ListeningSettings(
            address: try name("address", address) ?? "127.0.0.1".bytes, port: UInt16(truncatingIfNeeded: port),
            certificate: try certificate(), clients: try clients())
    }

    private func clients() throws(Failure) -> ListeningSettings.Clients {
        guard let file = try path("client_ca_file", clientCAFile) else {
            guard !letsAllIn else {
                throw Failure(.argument, .program, "a client certificate can be optional only with client_ca_file")
            }
            return .notAsked
        }
        guard !isPlaintext else {
            throw Failure(.argument, .program, "without TLS there is no use for client_ca_file")
        }
        return .asked(authorities: file, isRequired: !letsAllIn)
    }

    private func certificate() throws(Failure) -> ListeningSettings.Certificate {
        let certificate = try path("certificate_file", certificateFile)
        let key = try path("key_file", keyFile)
        let names = try texts("names", names, nameCount)
        let passphrase = try secret("key_passphrase", passphrase)
        guard passphrase == nil || key != nil else {
            throw Failure(.argument, .program, "key_passphrase is for key_file, which is missing")
        }
        if isPlaintext {
            guard certificate == nil, key == nil, names == nil else {
                throw Failure(
                    .argument, .program, "without TLS there is no use for certificate_file, key_file or names")
            }
            return .none
        }
        if let certificate, let key {
            guard names == nil else {
                throw Failure(
                    .argument, .program, "names are for a self-signed certificate; this one comes from a file")
            }
            return .files(certificate: certificate, key: key, passphrase: passphrase)
        }
        guard certificate == nil, key == nil else {
            throw Failure(.argument, .program, "certificate_file and key_file are needed both, or neither")
        }
        let texts = names?.map { String(decoding: $0, as: UTF8.self) }
        return .selfSigned(names: texts ?? ["localhost", "127.0.0.1", "::1"])
    }
}
