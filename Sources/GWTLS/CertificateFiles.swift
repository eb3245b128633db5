import COpenSSL
import GWBase

/// Certificates and keys out of PEM and PKCS #12 files.
public enum CertificateFiles {
    /// Certificates that one file may hold.
    static let chainLimit = 64

    /// The certificates of one file, leaf first, and the key of another (or the same), which must belong together.  The passphrase
    /// is for a key that is encrypted.
    public static func load(
        certificateFile: String, keyFile: String, passphrase: Secret? = nil
    ) throws(Failure) -> TLSIdentity {
        var chain = try certificates(inFile: certificateFile)
        let leaf = chain.removeFirst()
        let key = try privateKey(keyFile, passphrase)
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

    /// Key, certificate and chain of a PKCS #12 file (RFC 7292).
    public static func load(pkcs12 path: String, passphrase: Secret?) throws(Failure) -> TLSIdentity {
        let bio = try open(path, "PKCS #12", "rb")
        defer { BIO_free(bio) }
        guard let file = d2i_PKCS12_bio(bio, nil) else {
            throw Failure(
                .certificate, .operator,
                "the file \(shown(path)) is no PKCS #12 file: \(OpenSSLError.takeText())")
        }
        defer { PKCS12_free(file) }
        var key: OpaquePointer?
        var certificate: OpaquePointer?
        var others: OpaquePointer?
        let isParsed = withCText(passphrase) { PKCS12_parse(file, $0, &key, &certificate, &others) } == 1
        defer { if let others { shim_sk_X509_free_all(others) } }
        let owned = (key.map { PrivateKey(owning: $0) }, certificate.map { Certificate(owning: $0) })
        guard isParsed, let key = owned.0, let leaf = owned.1 else {
            throw Failure(
                .certificate, .user,
                "the PKCS #12 file \(shown(path)) cannot be used: "
                    + (isParsed
                        ? "it has no key or no certificate" : OpenSSLError.takeText(otherwise: "wrong passphrase")))
        }
        OpenSSLError.clearQueue()
        return TLSIdentity(certificate: leaf, chain: Array(GWTLS.certificates(others).prefix(chainLimit)), key: key)
    }

    /// The certificates of PEM text, at least one.
    static func certificates(inText pem: [UInt8]) throws(Failure) -> [Certificate] {
        OpenSSLError.clearQueue()
        guard let size = Int32(exactly: pem.count), let bio = BIO_new_mem_buf(pem, size) else {
            throw Failure(.certificate, .program, "the CA text has \(pem.count) bytes: too many, or none")
        }
        defer { BIO_free(bio) }
        return try read(bio, "the CA text", limit: .max)
    }

    /// All certificates of a file, at least one.
    private static func certificates(inFile path: String) throws(Failure) -> [Certificate] {
        let bio = try open(path, "certificate")
        defer { BIO_free(bio) }
        return try read(bio, "the certificate file \(shown(path))", limit: chainLimit)
    }

    private static func read(
        _ bio: OpaquePointer, _ source: String, limit: Int
    ) throws(Failure) -> [Certificate] {
        var found: [Certificate] = []
        while let handle = PEM_read_bio_X509(bio, nil, noPassword, nil) {
            found.append(Certificate(owning: handle))
            guard found.count <= limit else {
                throw Failure(
                    .certificate, .operator,
                    "\(source) holds more than \(limit) certificates: it should hold the server's own and those that lead to "
                        + "its CA")
            }
        }
        let error = OpenSSLError.take()
        if let error, !error.isEndOfPEM {
            throw Failure(
                .certificate, .operator, "certificate \(found.count + 1) in \(source) cannot be read: \(error.text)")
        }
        guard !found.isEmpty else {
            throw Failure(.certificate, .operator, "there is no PEM certificate in \(source)")
        }
        return found
    }

    private static func privateKey(_ path: String, _ passphrase: Secret?) throws(Failure) -> PrivateKey {
        let bio = try open(path, "key")
        defer { BIO_free(bio) }
        let handle: OpaquePointer?
        if let passphrase {
            handle = PEM_read_bio_PrivateKey(
                bio, nil, givePassphrase, Unmanaged.passUnretained(passphrase).toOpaque())
        } else {
            handle = PEM_read_bio_PrivateKey(bio, nil, noPassword, nil)
        }
        if let handle { return PrivateKey(owning: handle) }
        let error = OpenSSLError.take()
        let reason =
            if let error, error.isEndOfPEM || error.isUnreadable {
                "there is no PEM private key in it that OpenSSL can read"
            } else if let error, error.isMissingPassword {
                passphrase == nil ? "it is encrypted, and no passphrase is given" : "the passphrase is too long"
            } else if passphrase != nil {
                "the passphrase is wrong, or \(error?.text ?? "it cannot be read")"
            } else {
                error?.text ?? "it cannot be read"
            }
        throw Failure(.certificate, .operator, "the key file \(shown(path)) cannot be used: \(reason)")
    }

    private static func open(
        _ path: String, _ kind: StaticString, _ mode: StaticString = "r"
    ) throws(Failure) -> OpaquePointer {
        OpenSSLError.clearQueue()
        guard !path.utf8.contains(0), let bio = path.withCString({ BIO_new_file($0, cText(mode)) }) else {
            throw Failure(
                .certificate, .operator,
                "the \(kind) file \(shown(path)) cannot be opened: \(OpenSSLError.takeText(otherwise: "bad name"))")
        }
        return bio
    }
}

/// OpenSSL asks this for the passphrase of a key; -1: there is none that fits.
private let givePassphrase:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
        room, size, _, data in
        guard let room, let data else { return -1 }
        return Unmanaged<Secret>.fromOpaque(data)._withUnsafeGuaranteedRef { secret in
            secret.withBytes { bytes in
                guard let source = bytes.baseAddress, bytes.count <= Int(size) else { return -1 }
                UnsafeMutableRawPointer(room).copyMemory(from: source, byteCount: bytes.count)
                return Int32(truncatingIfNeeded: bytes.count)
            }
        }
    }

/// A secret as C text, which is wiped afterwards; NULL for none.
private func withCText<Result>(_ secret: Secret?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let secret else { return body(nil) }
    var text = ByteBuffer()
    secret.withBytes { text.append($0) }
    text.append(0)
    defer { text.wipe() }
    return body(text.readable.baseAddress?.assumingMemoryBound(to: CChar.self))
}

/// A path in an error text.
func shown(_ path: String) -> String { String(printable: path.utf8, limit: 200) }

extension OpenSSLError {
    /// No further PEM block begins: the end of a file of them.
    var isEndOfPEM: Bool { library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE }

    /// Nothing was found that any of OpenSSL's decoders takes.
    var isUnreadable: Bool { library == ERR_LIB_OSSL_DECODER && reason == ERR_R_UNSUPPORTED }

    /// The key is encrypted and there was no password for it.
    var isMissingPassword: Bool { library == ERR_LIB_CRYPTO && reason == ERR_R_INTERRUPTED_OR_CANCELLED }
}
