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

    func settings() throws(Failure) -> ListeningSettings {
        guard port <= 65_535 else {
            throw Failure(.argument, .program, "port is \(port), the highest is 65535")
        }
        return try ListeningSettings(
            address: try name("address", address) ?? "127.0.0.1".bytes, port: UInt16(truncatingIfNeeded: port),
            certificate: try certificate())
    }

    private func certificate() throws(Failure) -> ListeningSettings.Certificate {
        let certificate = try path("certificate_file", certificateFile)
        let key = try path("key_file", keyFile)
        let names = try texts("names", names, nameCount)
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
            return .files(certificate: certificate, key: key)
        }
        guard certificate == nil, key == nil else {
            throw Failure(.argument, .program, "certificate_file and key_file are needed both, or neither")
        }
        let texts = names?.map { String(decoding: $0, as: UTF8.self) }
        return .selfSigned(names: texts ?? ["localhost", "127.0.0.1", "::1"])
    }
}
