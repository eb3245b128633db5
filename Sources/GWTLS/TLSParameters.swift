import COpenSSL
import GWBase

/// What may be negotiated.
///
/// The defaults: TLS 1.2 is the least (RFC 8996), with forward secrecy and authenticated encryption only (RFC 9325 section 4.2).
public struct TLSParameters {
    public enum Version: Sendable {
        case tls12
        case tls13

        fileprivate var number: Int32 { self == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION }
    }

    public var least = Version.tls12
    public var greatest = Version.tls13
    /// Cipher suites of TLS 1.2 in OpenSSL's words; nil: the default.
    public var ciphers: String?
    /// Cipher suites of TLS 1.3 in OpenSSL's words; nil: the default.
    public var cipherSuites: String?
    /// Groups of the key exchange in OpenSSL's words; nil: OpenSSL's default.
    public var groups: String?

    public init() {}

    var areDefault: Bool {
        least == .tls12 && greatest == .tls13 && ciphers == nil && cipherSuites == nil && groups == nil
    }

    private static let defaultCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20"
    /// The suite that everybody must implement first: strong enough, and the fastest (RFC 8446 section 9.1).
    private static let defaultCipherSuites =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
    /// OpenSSL's level with 112 bits of security: RSA of 2048 bits, no SHA-1 (RFC 9325 section 4.5).
    private static let securityLevel: Int32 = 2

    func apply(to handle: OpaquePointer) throws(Failure) {
        SSL_CTX_set_security_level(handle, TLSParameters.securityLevel)
        guard shim_SSL_CTX_set_min_proto_version(handle, least.number) == 1,
            shim_SSL_CTX_set_max_proto_version(handle, greatest.number) == 1
        else {
            throw Failure(.tls, .none, "OpenSSL cannot be set up: \(OpenSSLError.takeText())")
        }
        guard least == .tls12 || greatest == .tls13 else {
            throw Failure(.argument, .program, "the least version of TLS is 1.3, the greatest 1.2")
        }
        try set("cipher list", ciphers ?? TLSParameters.defaultCiphers) { SSL_CTX_set_cipher_list(handle, $0) }
        try set("list of cipher suites", cipherSuites ?? TLSParameters.defaultCipherSuites) {
            SSL_CTX_set_ciphersuites(handle, $0)
        }
        if let groups {
            try set("list of groups", groups) { Int32(truncatingIfNeeded: shim_SSL_CTX_set1_groups_list(handle, $0)) }
        }
    }

    private func set(
        _ what: StaticString, _ list: String, _ apply: (UnsafePointer<CChar>) -> Int32
    ) throws(Failure) {
        guard !list.utf8.contains(0), list.withCString({ apply($0) }) == 1 else {
            throw Failure(
                .argument, .program,
                "the \(what) \"\(shown(list))\" has nothing that OpenSSL knows: \(OpenSSLError.takeText(otherwise: "NUL"))"
            )
        }
    }
}
