import COpenSSL
import GWBase

/// How a client decides whom it talks to.
public struct ClientTLSSettings {
    /// With pins, the SHA-256 of the leaf certificate alone decides; without, chain and name do.
    public var pins = PinSet()
    /// CA certificates in PEM instead of those of the system.
    public var caFile: String?

    public init() {}

    public func isSame(as other: ClientTLSSettings) -> Bool {
        pins == other.pins && (caFile?.bytes ?? []) == (other.caFile?.bytes ?? [])
    }
}

/// What a server shows to its clients.
public struct ServerTLSSettings {
    public var identity: TLSIdentity

    /// With what `SelfSigned` made or `CertificateFiles` loaded.
    public init(identity: TLSIdentity) { self.identity = identity }

    /// With PEM files: the certificates leaf first, and the leaf's key.
    public init(certificateFile: String, keyFile: String) throws(Failure) {
        identity = try CertificateFiles.load(certificateFile: certificateFile, keyFile: keyFile)
    }
}

/// What the sessions of one client or one server share: versions, ciphers, ALPN, and whom to trust or what to show.
///
/// TLS 1.2 is the least (RFC 8996), with forward secrecy and authenticated encryption only (RFC 9325 section 4.2);
/// sessions are not resumed, so that every handshake shows a certificate; no renegotiation, no compression.
public final class TLSContext {
    enum Role { case client, server }

    let handle: OpaquePointer
    let role: Role
    public let pins: PinSet
    /// The certificate that a server shows; nil for clients.
    public let certificate: Certificate?

    /// ALPN protocol lists are names with their length in front (RFC 7301 section 3.1).
    static let alpnList: StaticString = "\u{08}http/1.1"
    static var alpnName: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: alpnList.utf8Start + 1, count: alpnList.utf8CodeUnitCount - 1)
    }

    public init(client settings: ClientTLSSettings) throws(Failure) {
        role = .client
        pins = settings.pins
        certificate = nil
        handle = try TLSContext.makeHandle(TLS_client_method())
        let list = UnsafePointer(TLSContext.alpnList.utf8Start)
        // This one answers 0 for success.
        guard SSL_CTX_set_alpn_protos(handle, list, UInt32(TLSContext.alpnList.utf8CodeUnitCount)) == 0 else {
            throw TLSContext.setupFailure()
        }
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_cert_verify_callback(handle, verifyPeerCertificate, nil)
        try loadAuthorities(settings)
    }

    public init(server settings: ServerTLSSettings) throws(Failure) {
        let identity = settings.identity
        role = .server
        pins = PinSet()
        certificate = identity.certificate
        handle = try TLSContext.makeHandle(TLS_server_method())
        SSL_CTX_set_alpn_select_cb(handle, selectApplicationProtocol, nil)
        guard SSL_CTX_set_num_tickets(handle, 0) == 1,
            SSL_CTX_use_certificate(handle, identity.certificate.handle) == 1,
            SSL_CTX_use_PrivateKey(handle, identity.key.handle) == 1,
            identity.chain.allSatisfy({ shim_SSL_CTX_add1_chain_cert(handle, $0.handle) == 1 })
        else {
            throw Failure(
                .certificate, .operator,
                "OpenSSL refuses the certificate of \(identity.certificate.subject): \(OpenSSLError.takeText())")
        }
    }

    deinit { SSL_CTX_free(handle) }

    private static func makeHandle(_ method: OpaquePointer?) throws(Failure) -> OpaquePointer {
        OpenSSLError.clearQueue()
        guard let handle = SSL_CTX_new(method) else { throw setupFailure() }
        guard shim_SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) == 1,
            SSL_CTX_set_cipher_list(handle, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
            // The suite that everybody must implement first: strong enough, and the fastest (RFC 8446 section 9.1).
            SSL_CTX_set_ciphersuites(
                handle, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
        else {
            SSL_CTX_free(handle)
            throw setupFailure()
        }
        SSL_CTX_set_options(
            handle, shim_SSL_OP_NO_RENEGOTIATION | shim_SSL_OP_NO_COMPRESSION | shim_SSL_OP_NO_TICKET)
        shim_SSL_CTX_set_session_cache_off(handle)
        shim_SSL_CTX_set_mode_release_buffers(handle)
        // One read of the BIO for all records that its window holds, instead of two for each.
        shim_SSL_CTX_set_read_ahead(handle)
        return handle
    }

    private func loadAuthorities(_ settings: ClientTLSSettings) throws(Failure) {
        guard let path = settings.caFile else {
            // With pins the system store is asked only for what it would have said, so it is loaded only then.
            if pins.isEmpty, SSL_CTX_set_default_verify_paths(handle) != 1 {
                throw Failure(
                    .certificate, .user,
                    "the CA certificates of the system cannot be loaded: \(OpenSSLError.takeText())")
            }
            OpenSSLError.clearQueue()
            return
        }
        guard !path.utf8.contains(0), path.withCString({ SSL_CTX_load_verify_file(handle, $0) }) == 1 else {
            throw Failure(
                .certificate, .program,
                "the CA file \(shown(path)) cannot be used: \(OpenSSLError.takeText(otherwise: "bad name"))")
        }
        // Whatever the file holds is trusted, also what is not the last of its chain.
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(handle), UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    private static func setupFailure() -> Failure {
        Failure(.tls, .none, "OpenSSL cannot be set up: \(OpenSSLError.takeText())")
    }
}

private typealias SelectCallback =
    @convention(c) (
        OpaquePointer?, UnsafeMutablePointer<UnsafePointer<UInt8>?>?, UnsafeMutablePointer<UInt8>?,
        UnsafePointer<UInt8>?, UInt32, UnsafeMutableRawPointer?
    ) -> Int32

/// Selects http/1.1 from the list that a client offers; a list without it ends the handshake (RFC 7301 section 3.2).
/// Clients that offer no list never come here.
private let selectApplicationProtocol: SelectCallback = { _, selected, selectedSize, offered, offeredSize, _ in
    guard let selected, let selectedSize, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = UnsafeRawBufferPointer(start: offered, count: Int(offeredSize))
    let wanted = TLSContext.alpnName
    var start = 0
    while start < list.count {
        let size = Int(list[start])
        let name = start + 1
        guard size <= list.count - name else { break }
        if size == wanted.count, list[name..<name + size].elementsEqual(wanted) {
            selected.pointee = offered + name
            selectedSize.pointee = UInt8(truncatingIfNeeded: size)
            return SSL_TLSEXT_ERR_OK
        }
        start = name + size
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}
