import COpenSSL

/// The session that a client can resume: the last one that its server gave a ticket or an id for (RFC 8446 section 4.6.1, RFC 5246
/// section 7.3).  In memory only, and with TLS 1.3 used once (RFC 8446 appendix C.4).
final class KeptSession {
    let handle: OpaquePointer
    /// Whose it is.
    let peerName: String

    /// Takes over one reference.
    init(owning handle: OpaquePointer, peerName: String) {
        self.handle = handle
        self.peerName = peerName
    }

    deinit { SSL_SESSION_free(handle) }

    /// Lets a client's sessions be kept in their context.
    static func keep(of context: OpaquePointer) {
        shim_SSL_CTX_set_session_cache_client(context)
        SSL_CTX_sess_set_new_cb(context, keepSession)
    }
}

/// Called with each session that can be resumed; 1 takes the reference over.
private let keepSession: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { session, resumable in
    guard let resumable, SSL_SESSION_is_resumable(resumable) == 1, let session,
        let data = SSL_get_ex_data(session, TLSEngine.sessionDataIndex)
    else { return 0 }
    Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef { engine in
        engine.client?.keptSession = KeptSession(owning: resumable, peerName: engine.peerName)
    }
    return 1
}
