import COpenSSL
import GWBase

@testable import GWTLS

/// A CA made for the test, and what it issues.
final class Issuer {
    static let day = 86_400

    let identity: TLSIdentity
    /// What leads from this one to its root, without the root.
    let chain: [Certificate]

    /// A root; with `under`, a CA that another has issued.
    init(_ name: String = "test CA", under issuer: Issuer? = nil) throws {
        let key = try PrivateKey.test()
        let certificate = try Issuer.certificate(
            name, names: nil, key, by: issuer?.identity, notBefore: -Issuer.day, notAfter: 100 * Issuer.day)
        identity = TLSIdentity(certificate: certificate, chain: [], key: key)
        chain = issuer.map { [certificate] + $0.chain } ?? []
    }

    var certificate: Certificate { identity.certificate }

    func issue(
        _ names: [String] = ["localhost", "127.0.0.1"], key: PrivateKey? = nil, notBefore: Int = -day,
        notAfter: Int = 10 * day, withRoot: Bool = false
    ) throws -> TLSIdentity {
        let key = try key ?? PrivateKey.test()
        let leaf = try Issuer.certificate(
            names[0], names: names, key, by: identity, notBefore: notBefore, notAfter: notAfter)
        return TLSIdentity(certificate: leaf, chain: chain + (withRoot ? [certificate] : []), key: key)
    }

    private static func certificate(
        _ subject: String, names: [String]?, _ key: PrivateKey, by issuer: TLSIdentity?, notBefore: Int, notAfter: Int
    ) throws -> Certificate {
        guard let handle = X509_new(), let number = BN_new() else { throw OpenSSLProblem() }
        defer { BN_free(number) }
        let certificate = Certificate(owning: handle)
        let text = subject.bytes
        X509_set_version(handle, Int(X509_VERSION_3))
        BN_rand(number, 64, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY)
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle))
        X509_gmtime_adj(X509_getm_notBefore(handle), notBefore)
        X509_gmtime_adj(X509_getm_notAfter(handle), notAfter)
        X509_NAME_add_entry_by_NID(
            X509_get_subject_name(handle), NID_commonName, MBSTRING_UTF8, text, Int32(text.count), -1, 0)
        X509_set_issuer_name(handle, X509_get_subject_name(issuer?.certificate.handle ?? handle))
        X509_set_pubkey(handle, key.handle)
        if let names {
            let list = names.map { ($0.contains(":") || $0.first?.isNumber == true ? "IP:" : "DNS:") + $0 }
            add(handle, NID_subject_alt_name, list.joined(separator: ","))
            add(handle, NID_basic_constraints, "critical,CA:FALSE")
        } else {
            add(handle, NID_basic_constraints, "critical,CA:TRUE")
            add(handle, NID_key_usage, "critical,keyCertSign")
        }
        guard X509_sign(handle, (issuer?.key ?? key).handle, EVP_sha256()) > 0 else { throw OpenSSLProblem() }
        return certificate
    }

    private static func add(_ certificate: OpaquePointer, _ nid: Int32, _ value: String) {
        guard let entry = X509V3_EXT_conf_nid(nil, nil, nid, value) else { return }
        X509_add_ext(certificate, entry, -1)
        X509_EXTENSION_free(entry)
    }

    struct OpenSSLProblem: Error {}
}

extension PrivateKey {
    static func test() throws -> PrivateKey {
        guard let key = make("EC", group: "P-256") else { throw Issuer.OpenSSLProblem() }
        return key
    }

    static func rsa(bits: Int32) throws -> PrivateKey {
        guard let context = EVP_PKEY_CTX_new_from_name(nil, "RSA", nil) else { throw Issuer.OpenSSLProblem() }
        defer { EVP_PKEY_CTX_free(context) }
        var handle: OpaquePointer?
        EVP_PKEY_keygen_init(context)
        EVP_PKEY_CTX_ctrl_str(context, "rsa_keygen_bits", "\(bits)")
        guard EVP_PKEY_generate(context, &handle) == 1, let handle else { throw Issuer.OpenSSLProblem() }
        return PrivateKey(owning: handle)
    }
}
