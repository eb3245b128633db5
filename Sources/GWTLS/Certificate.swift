import COpenSSL
import GWBase

/// An X.509 certificate.
public final class Certificate {
    let handle: OpaquePointer

    /// Takes over one reference.
    init(owning handle: OpaquePointer) { self.handle = handle }

    /// Adds a reference of its own.
    init(sharing handle: OpaquePointer) {
        X509_up_ref(handle)
        self.handle = handle
    }

    deinit { X509_free(handle) }

    /// SHA-256 of the certificate: what a certificate pin holds.
    public var sha256: [UInt8] { Digest.sha256(derBytes { i2d_X509(handle, $0) }) }

    /// SHA-256 of its SubjectPublicKeyInfo, which stays the same when a certificate is renewed for the same key.
    public var keySHA256: [UInt8] {
        Digest.sha256(derBytes { i2d_X509_PUBKEY(X509_get_X509_PUBKEY(handle), $0) })
    }

    public var pem: [UInt8] { printedText { PEM_write_bio_X509($0, handle) } ?? [] }

    /// The subject in one line, such as `CN=gateway.example`; printable, like all texts below.
    public var subject: String { nameText(X509_get_subject_name(handle)) }

    public var issuer: String { nameText(X509_get_issuer_name(handle)) }

    /// What it is valid for, such as `DNS:localhost, IP Address:127.0.0.1`; empty if it names nothing.
    public var alternativeNames: String {
        let place = X509_get_ext_by_NID(handle, NID_subject_alt_name, -1)
        guard place >= 0, let `extension` = X509_get_ext(handle, place) else { return "" }
        return String(printable: printedText { X509V3_EXT_print($0, `extension`, 0, 0) } ?? [])
    }

    public var notBefore: String { timeText(X509_get0_notBefore(handle)) }
    public var notAfter: String { timeText(X509_get0_notAfter(handle)) }

    private func nameText(_ name: OpaquePointer?) -> String {
        guard let name, let text = printedText({ shim_X509_NAME_print($0, name) }) else { return "an empty name" }
        return String(printable: text)
    }

    private func timeText(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        String(printable: printedText { ASN1_TIME_print($0, time) } ?? [])
    }
}

/// A private key.  It is wiped by OpenSSL when freed and nothing of ours copies it.
public final class PrivateKey {
    let handle: OpaquePointer

    /// Takes over one reference.
    init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { EVP_PKEY_free(handle) }

    /// PKCS #8 in PEM, not encrypted.  The caller wipes it.
    public func pem() -> ByteBuffer {
        printedSecret { PEM_write_bio_PKCS8PrivateKey($0, handle, nil, nil, 0, nil, nil) }
    }

    /// A fresh key of a type that OpenSSL knows by name, with a group where it needs one.
    static func make(_ type: StaticString, group: StaticString? = nil) -> PrivateKey? {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, cText(type), nil) else { return nil }
        defer {
            EVP_PKEY_CTX_free(context)
            OpenSSLError.clearQueue()
        }
        var handle: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            group == nil || EVP_PKEY_CTX_set_group_name(context, group.map(cText)) == 1,
            EVP_PKEY_generate(context, &handle) == 1, let handle
        else { return nil }
        return PrivateKey(owning: handle)
    }
}

/// What proves who a TLS peer is: its certificate, those that lead from it to a CA, and its key.
public struct TLSIdentity {
    public let certificate: Certificate
    public let chain: [Certificate]
    public let key: PrivateKey
}

/// A static text as C wants it; static texts end with NUL.
func cText(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
