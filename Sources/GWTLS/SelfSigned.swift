import COpenSSL
import GWBase

/// Makes the certificate of a server that has none: self-signed, for a fresh P-256 key (RFC 5280).
///
/// It is no CA, so that it can sign for nobody else; a client pins it, or takes its PEM as CA file.
public enum SelfSigned {
    private static let hour = 3600
    /// The longest life that all clients accept.
    private static let life = 825 * 24 * hour

    /// A certificate for DNS names and IP addresses, valid from an hour ago on, for clocks that are a little slow.
    public static func make(names: [String]) throws(Failure) -> TLSIdentity {
        try make(names: names, notBefore: -hour, notAfter: life)
    }

    /// The times are in seconds from now.
    static func make(names: [String], notBefore: Int, notAfter: Int) throws(Failure) -> TLSIdentity {
        guard !names.isEmpty else {
            throw Failure(.argument, .program, "a certificate needs at least one name that it is for")
        }
        let alternativeNames = try generalNames(names)
        defer { GENERAL_NAMES_free(alternativeNames) }
        OpenSSLError.clearQueue()
        guard let key = PrivateKey.make("EC", group: "P-256"), let handle = X509_new() else { throw failure() }
        let certificate = Certificate(owning: handle)
        let isComplete =
            X509_set_version(handle, Int(X509_VERSION_3)) == 1
            && setSerialNumber(handle)
            && X509_gmtime_adj(X509_getm_notBefore(handle), notBefore) != nil
            && X509_gmtime_adj(X509_getm_notAfter(handle), notAfter) != nil
            && setSubject(handle, names[0])
            && X509_set_issuer_name(handle, X509_get_subject_name(handle)) == 1
            && X509_set_pubkey(handle, key.handle) == 1
            && X509_add1_ext_i2d(handle, NID_subject_alt_name, UnsafeMutableRawPointer(alternativeNames), 0, 0) == 1
            && add(handle, NID_basic_constraints, "critical,CA:FALSE")
            && add(handle, NID_key_usage, "critical,digitalSignature")
            && add(handle, NID_ext_key_usage, "serverAuth")
            && X509_sign(handle, key.handle, EVP_sha256()) > 0
        guard isComplete else { throw failure() }
        return TLSIdentity(certificate: certificate, chain: [], key: key)
    }

    private static func failure() -> Failure {
        Failure(.certificate, .none, "no certificate could be made: \(OpenSSLError.takeText())")
    }

    /// 128 random bits: far more than the 64 that RFC 5280 practice asks for, and within its 20 bytes.
    private static func setSerialNumber(_ certificate: OpaquePointer) -> Bool {
        guard let number = BN_new() else { return false }
        defer { BN_free(number) }
        return BN_rand(number, 128, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
            && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil
    }

    /// A common name for people; names are checked against the alternative names alone.
    private static func setSubject(_ certificate: OpaquePointer, _ name: String) -> Bool {
        let longest = 64
        let bytes = name.utf8.count <= longest ? name.bytes : "gatewire".bytes
        return X509_NAME_add_entry_by_NID(
            X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8, bytes, Int32(bytes.count), -1, 0) == 1
    }

    private static func add(_ certificate: OpaquePointer, _ nid: Int32, _ value: StaticString) -> Bool {
        guard let `extension` = X509V3_EXT_conf_nid(nil, nil, nid, cText(value)) else { return false }
        defer { X509_EXTENSION_free(`extension`) }
        return X509_add_ext(certificate, `extension`, -1) == 1
    }

    private static func generalNames(_ names: [String]) throws(Failure) -> OpaquePointer {
        guard let list = shim_sk_GENERAL_NAME_new() else { throw failure() }
        for name in names {
            guard let entry = generalName(name) else {
                GENERAL_NAMES_free(list)
                let given = String(printable: name.utf8, limit: 100)
                throw Failure(
                    .argument, .program,
                    "\"\(given)\" is neither a DNS name (letters, digits, hyphens, dots; at most 253) nor an IP address"
                )
            }
            guard shim_sk_GENERAL_NAME_push(list, entry) > 0 else {
                GENERAL_NAME_free(entry)
                GENERAL_NAMES_free(list)
                throw failure()
            }
        }
        return list
    }

    private static func generalName(_ name: String) -> UnsafeMutablePointer<GENERAL_NAME>? {
        guard let entry = GENERAL_NAME_new() else { return nil }
        if let address = PeerName.address(name) {
            GENERAL_NAME_set0_value(entry, GEN_IPADD, address)
            return entry
        }
        guard PeerName.isDNSName(name), let text = ASN1_IA5STRING_new() else {
            GENERAL_NAME_free(entry)
            return nil
        }
        ASN1_STRING_set(text, name.bytes, Int32(name.utf8.count))
        GENERAL_NAME_set0_value(entry, GEN_DNS, text)
        return entry
    }
}
