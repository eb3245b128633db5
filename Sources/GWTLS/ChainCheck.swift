import COpenSSL
import GWBase

/// One run of OpenSSL's certification path validation (RFC 5280 section 6), with purpose, strength of keys and name as a
/// TLS session wants them.
struct ChainCheck {
    /// `X509_V_OK` or why there is no path.
    let code: Int32
    /// The certificate that it ended at.
    let last: Certificate
    /// From the leaf to the trust anchor, if there is a path.
    let path: [Certificate]

    var isTrusted: Bool { code == X509_V_OK }

    /// OpenSSL's words; "ok" for a path.
    var text: String { isTrusted ? "ok" : String(X509_verify_cert_error_string(Int(code))) }

    /// `isPartial`: whatever the store holds is trusted, also what is not the last of its chain.
    init(_ chain: ShownChain, against store: OpaquePointer, for session: OpaquePointer, isPartial: Bool = false) {
        defer { OpenSSLError.clearQueue() }
        guard let context = X509_STORE_CTX_new() else {
            self.init(X509_V_ERR_OUT_OF_MEM, chain.leaf, [])
            return
        }
        defer { X509_STORE_CTX_free(context) }
        guard X509_STORE_CTX_init(context, store, chain.leaf.handle, chain.stack) == 1,
            X509_STORE_CTX_set_default(context, cText("ssl_server")) == 1,
            let parameters = X509_STORE_CTX_get0_param(context),
            X509_VERIFY_PARAM_set1(parameters, SSL_get0_param(session)) == 1
        else {
            self.init(X509_V_ERR_UNSPECIFIED, chain.leaf, [])
            return
        }
        X509_VERIFY_PARAM_set_auth_level(parameters, SSL_get_security_level(session))
        if isPartial { X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
        if X509_verify_cert(context) == 1 {
            self.init(X509_V_OK, chain.leaf, certificates(X509_STORE_CTX_get0_chain(context)))
            return
        }
        let found = X509_STORE_CTX_get_error(context)
        let last = X509_STORE_CTX_get_current_cert(context).map { Certificate(sharing: $0) }
        self.init(found == X509_V_OK ? X509_V_ERR_UNSPECIFIED : found, last ?? chain.leaf, [])
    }

    private init(_ code: Int32, _ last: Certificate, _ path: [Certificate]) {
        self.code = code
        self.last = last
        self.path = path
    }
}

/// The certificates that a peer showed.
struct ShownChain {
    let leaf: Certificate
    /// OpenSSL's, borrowed: all that was shown.
    let stack: OpaquePointer?

    /// What stands above the leaf, in the order in which it was shown.
    var others: [Certificate] {
        certificates(stack).filter { X509_cmp($0.handle, leaf.handle) != 0 }
    }
}

/// The certificates of OpenSSL's stack.
func certificates(_ stack: OpaquePointer?) -> [Certificate] {
    guard let stack else { return [] }
    var found: [Certificate] = []
    for place in 0..<max(shim_sk_X509_num(stack), 0) {
        if let handle = shim_sk_X509_value(stack, place) { found.append(Certificate(sharing: handle)) }
    }
    return found
}
