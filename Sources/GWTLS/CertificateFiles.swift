import COpenSSL
import GWBase

/// Certificates and keys out of PEM files.
public enum CertificateFiles {
    /// Certificates that one file may hold.
    static let chainLimit = 64

    /// The certificates of one file, leaf first, and the key of another (or the same), which must belong together.
    public static func load(certificateFile: String, keyFile: String) throws(Failure) -> TLSIdentity {
        var chain = try certificates(certificateFile)
        let leaf = chain.removeFirst()
        let key = try privateKey(keyFile)
        OpenSSLError.clearQueue()
        guard X509_check_private_key(leaf.handle, key.handle) == 1 else {
            OpenSSLError.clearQueue()
            throw Failure(
                .certificate, .operator,
                "the key in \(shown(keyFile)) does not belong to the certificate of \(leaf.subject) in "
                    + "\(shown(certificateFile)): the first certificate of that file must be the key's own")
        }
        return TLSIdentity(certificate: leaf, chain: chain, key: key)
    }

    /// All certificates of a file, at least one.
    private static func certificates(_ path: String) throws(Failure) -> [Certificate] {
        let bio = try open(path, "certificate")
        defer { BIO_free(bio) }
        var found: [Certificate] = []
        while let handle = PEM_read_bio_X509(bio, nil, noPassword, nil) {
            found.append(Certificate(owning: handle))
            guard found.count <= chainLimit else {
                throw Failure(
                    .certificate, .operator,
                    "the certificate file \(shown(path)) holds more than \(chainLimit) certificates: it should hold "
                        + "the server's own and those that lead to its CA")
            }
        }
        let error = OpenSSLError.take()
        if let error, !error.isEndOfPEM {
            throw Failure(
                .certificate, .operator,
                "certificate \(found.count + 1) in \(shown(path)) cannot be read: \(error.text)")
        }
        guard !found.isEmpty else {
            throw Failure(.certificate, .operator, "there is no PEM certificate in \(shown(path))")
        }
        return found
    }

    private static func privateKey(_ path: String) throws(Failure) -> PrivateKey {
        let bio = try open(path, "key")
        defer { BIO_free(bio) }
        if let handle = PEM_read_bio_PrivateKey(bio, nil, noPassword, nil) { return PrivateKey(owning: handle) }
        let error = OpenSSLError.take()
        let reason =
            if let error, error.isEndOfPEM || error.isUnreadable {
                "there is no PEM private key in it that OpenSSL can read"
            } else if let error, error.isMissingPassword {
                "it is encrypted, and only keys that are not are read"
            } else {
                error?.text ?? "it cannot be read"
            }
        throw Failure(.certificate, .operator, "the key file \(shown(path)) cannot be used: \(reason)")
    }

    private static func open(_ path: String, _ kind: String) throws(Failure) -> OpaquePointer {
        OpenSSLError.clearQueue()
        guard !path.utf8.contains(0), let bio = path.withCString({ BIO_new_file($0, "r") }) else {
            throw Failure(
                .certificate, .operator,
                "the \(kind) file \(shown(path)) cannot be opened: \(OpenSSLError.takeText(otherwise: "bad name"))")
        }
        return bio
    }
}

/// A path in an error text.
func shown(_ path: String) -> String { String(printable: path.utf8, limit: 200) }

extension OpenSSLError {
    /// No further PEM block begins: the end of a file of them.
    var isEndOfPEM: Bool { library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE }

    /// Nothing was found that any of OpenSSL's decoders takes.
    var isUnreadable: Bool { library == ERR_LIB_OSSL_DECODER && reason == ERR_R_UNSUPPORTED }

    /// The key is encrypted and `noPassword` had no password for it.
    var isMissingPassword: Bool { library == ERR_LIB_CRYPTO && reason == ERR_R_INTERRUPTED_OR_CANCELLED }
}
