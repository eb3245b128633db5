import COpenSSL
import GWBase

/// The CA certificates that a check trusts.
public struct Authorities {
    /// A PEM file.
    public var file: String?
    /// A directory of PEM files under the names that `openssl rehash` makes.
    public var directory: String?
    /// PEM text.
    public var pem: [UInt8] = []
    /// Those of the system beside the others; alone if there are no others.
    public var withSystem = false

    public init() {}

    static func == (left: Authorities, right: Authorities) -> Bool {
        (left.file?.bytes ?? []) == (right.file?.bytes ?? [])
            && (left.directory?.bytes ?? []) == (right.directory?.bytes ?? []) && left.pem == right.pem
            && left.withSystem == right.withSystem
    }

    var isSystemOnly: Bool { file == nil && directory == nil && pem.isEmpty }

    /// Adds them to what a session checks against.
    func load(into handle: OpaquePointer) throws(Failure) {
        OpenSSLError.clearQueue()
        if isSystemOnly || withSystem {
            guard SSL_CTX_set_default_verify_paths(handle) == 1 else {
                throw Failure(
                    .certificate, .user,
                    "the CA certificates of the system cannot be loaded: \(OpenSSLError.takeText())")
            }
            OpenSSLError.clearQueue()
            if isSystemOnly { return }
        }
        if let file {
            guard !file.utf8.contains(0), file.withCString({ SSL_CTX_load_verify_file(handle, $0) }) == 1 else {
                throw refusal("CA file", file)
            }
        }
        if let directory {
            guard !directory.utf8.contains(0), directory.withCString({ SSL_CTX_load_verify_dir(handle, $0) }) == 1
            else { throw refusal("CA directory", directory) }
        }
        if !pem.isEmpty { try addText(to: SSL_CTX_get_cert_store(handle)) }
        // Whatever the host gave is trusted, also what is not the last of its chain.
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle), UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    private func addText(to store: OpaquePointer?) throws(Failure) {
        let found = try CertificateFiles.certificates(inText: pem)
        guard let store, found.allSatisfy({ X509_STORE_add_cert(store, $0.handle) == 1 }) else {
            throw Failure(.certificate, .program, "the CA text cannot be used: \(OpenSSLError.takeText())")
        }
    }

    private func refusal(_ what: StaticString, _ path: String) -> Failure {
        Failure(
            .certificate, .program,
            "the \(what) \(shown(path)) cannot be used: \(OpenSSLError.takeText(otherwise: "bad name"))")
    }
}
