import COpenSSL
import GWBase

/// What the sessions of one server, or of several clients, share: versions, ciphers, ALPN, CA certificates, and what to show.
///
/// No renegotiation, no compression.  A server resumes no sessions, so that every handshake shows a certificate; a client resumes
/// its last one if it would still believe that session's certificate.
public final class TLSContext {
    enum Role { case client, server }

    let handle: OpaquePointer
    let role: Role
    /// The certificate that a server shows; nil for clients.
    public let certificate: Certificate?
    let keyLog: (any KeyLog)?
    private let authorities: Authorities
    private var hasAuthorities = false

    /// ALPN protocol lists are names with their length in front (RFC 7301 section 3.1).
    static let alpnList: StaticString = "\u{08}http/1.1"
    static var alpnName: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: alpnList.utf8Start + 1, count: alpnList.utf8CodeUnitCount - 1)
    }

    public init(client settings: ClientTLSSettings) throws(Failure) {
        role = .client
        certificate = nil
        authorities = settings.authorities
        keyLog = settings.keyLog
        handle = try TLSContext.makeHandle(TLS_client_method(), settings.parameters)
        let list = UnsafePointer(TLSContext.alpnList.utf8Start)
        // This one answers 0 for success.
        guard SSL_CTX_set_alpn_protos(handle, list, UInt32(TLSContext.alpnList.utf8CodeUnitCount)) == 0 else {
            throw TLSContext.setupFailure()
        }
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_cert_verify_callback(handle, verifyPeerCertificate, nil)
        if let identity = settings.identity { try show(identity) }
        if settings.resumes { KeptSession.keep(of: handle) }
        if keyLog != nil { SSL_CTX_set_keylog_callback(handle, writeKeyLog) }
        // With pins the system store is asked only for what it would have said, so it is loaded only then.
        if settings.policy.needsAuthorities || !authorities.isSystemOnly { try loadAuthorities() }
    }

    public init(server settings: ServerTLSSettings) throws(Failure) {
        let identity = settings.identity
        role = .server
        certificate = identity.certificate
        authorities = Authorities()
        keyLog = nil
        handle = try TLSContext.makeHandle(TLS_server_method(), TLSParameters())
        SSL_CTX_set_alpn_select_cb(handle, selectApplicationProtocol, nil)
        SSL_CTX_set_options(handle, shim_SSL_OP_NO_TICKET)
        guard SSL_CTX_set_num_tickets(handle, 0) == 1 else { throw TLSContext.setupFailure() }
        try show(identity)
        if let file = settings.clientAuthorities { try askForCertificates(file, settings.requiresCertificates) }
    }

    deinit { SSL_CTX_free(handle) }

    private static func makeHandle(
        _ method: OpaquePointer?, _ parameters: TLSParameters
    ) throws(Failure) -> OpaquePointer {
        OpenSSLError.clearQueue()
        guard let handle = SSL_CTX_new(method) else { throw setupFailure() }
        do throws(Failure) {
            try parameters.apply(to: handle)
        } catch {
            SSL_CTX_free(handle)
            throw error
        }
        SSL_CTX_set_options(handle, shim_SSL_OP_NO_RENEGOTIATION | shim_SSL_OP_NO_COMPRESSION)
        shim_SSL_CTX_set_session_cache_off(handle)
        shim_SSL_CTX_set_mode_release_buffers(handle)
        // One read of the BIO for all records that its window holds, instead of two for each.
        shim_SSL_CTX_set_read_ahead(handle)
        return handle
    }

    /// Certificate, chain and key for the peer to see.
    private func show(_ identity: TLSIdentity) throws(Failure) {
        guard SSL_CTX_use_certificate(handle, identity.certificate.handle) == 1,
            SSL_CTX_use_PrivateKey(handle, identity.key.handle) == 1,
            identity.chain.allSatisfy({ shim_SSL_CTX_add1_chain_cert(handle, $0.handle) == 1 })
        else {
            throw Failure(
                .certificate, .operator,
                "OpenSSL refuses the certificate of \(identity.certificate.subject): \(OpenSSLError.takeText())")
        }
    }

    private static func setupFailure() -> Failure {
        Failure(.tls, .none, "OpenSSL cannot be set up: \(OpenSSLError.takeText())")
    }

    // MARK: Trust

    var store: OpaquePointer { SSL_CTX_get_cert_store(handle) }

    /// Once, and no more.
    func loadAuthorities() throws(Failure) {
        guard !hasAuthorities else { return }
        hasAuthorities = true
        try authorities.load(into: handle)
    }

    /// For a check that only informs: what cannot be loaded is not trusted.
    func loadAuthoritiesLate() {
        do throws(Failure) { try loadAuthorities() } catch {}
    }

    /// Asks clients for a certificate of one of the CAs in a file.
    private func askForCertificates(_ file: String, _ isRequired: Bool) throws(Failure) {
        var trusted = Authorities()
        trusted.file = file
        try trusted.load(into: handle)
        // Their names tell clients which of their certificates is wanted (RFC 8446 section 4.2.4).
        SSL_CTX_set_client_CA_list(handle, file.withCString { SSL_load_client_CA_file($0) })
        SSL_CTX_set_verify(
            handle, isRequired ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT : SSL_VERIFY_PEER, nil)
        OpenSSLError.clearQueue()
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
