import COpenSSL
import GWBase

/// What OpenSSL's error queue says, as one failure with who must act.
enum TLSFailure {
    /// A handshake failed for a reason other than the certificate that we were shown.
    static func handshake(
        _ role: TLSContext.Role, _ error: OpenSSLError?, _ session: OpaquePointer
    ) -> Failure {
        let isClient = role == .client
        let peer = isClient ? "server" : "client"
        guard let error else { return Failure(.tls, .network, "the TLS handshake failed", isRetryable: true) }
        if let alert = error.receivedAlert { return received(alert, peer, isClient ? .operator : .user) }
        if error.isSSL(SSL_R_NO_APPLICATION_PROTOCOL) {
            return Failure(.tlsALPN, .user, "the client offers other protocols (ALPN), but not http/1.1")
        }
        // Many extensions can be bad; which one it is, only the function that read it tells.
        if error.isSSL(SSL_R_BAD_EXTENSION), error.function.isEqual("tls_parse_stoc_alpn") {
            return selected(notOffered: nil)
        }
        if !isClient, error.isSSL(SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
            return Failure(.tlsChain, .user, "the client showed no certificate, but one is required")
        }
        if !isClient, error.isSSL(SSL_R_CERTIFICATE_VERIFY_FAILED) {
            let reason = String(X509_verify_cert_error_string(SSL_get_verify_result(session)))
            return Failure(.tlsChain, .user, "the client's certificate is not trusted (\(reason))")
        }
        if error.isSSL(SSL_R_WRONG_VERSION_NUMBER) || error.isSSL(SSL_R_HTTP_REQUEST)
            || error.isSSL(SSL_R_HTTPS_PROXY_REQUEST) || error.isSSL(SSL_R_PACKET_LENGTH_TOO_LONG)
        {
            return Failure(
                .tls, .user,
                isClient
                    ? "the server does not speak TLS on this port: what it answers is not TLS. Try ws:// if that is wanted"
                    : "the client does not speak TLS: what it sends is not TLS, perhaps plain HTTP")
        }
        if error.isSSL(SSL_R_UNSUPPORTED_PROTOCOL) || error.isSSL(SSL_R_NO_PROTOCOLS_AVAILABLE)
            || error.isSSL(SSL_R_TLSV1_ALERT_PROTOCOL_VERSION)
        {
            return Failure(
                .tls, isClient ? .operator : .user,
                "the \(peer) speaks no version of TLS that we do, which are 1.2 and 1.3 (\(error.text))")
        }
        return Failure(.tls, isClient ? .operator : .user, "the TLS handshake with the \(peer) failed: \(error.text)")
    }

    /// A record after the handshake could not be read or written.
    static func record(_ role: TLSContext.Role, _ error: OpenSSLError?) -> Failure {
        let peer = role == .client ? "server" : "client"
        if let alert = error?.receivedAlert { return received(alert, peer, role == .client ? .operator : .user) }
        let reason = error?.text ?? "unknown reason"
        return Failure(.tls, .network, "a TLS record of the \(peer) is broken: \(reason)", isRetryable: true)
    }

    /// The host was asked about what `refusal` says, and does not believe the peer.
    static func refusedByHost(_ refusal: Failure?) -> Failure {
        var failure = Failure(
            .tlsRefused, .user, "the host refused the server's certificate: \(refusal?.text ?? "it was asked")")
        failure.detail = refusal?.detail ?? []
        return failure
    }

    /// The server selected something else than http/1.1, which alone was offered (RFC 7301 section 3.1).
    static func selected(notOffered name: [UInt8]?) -> Failure {
        let what = name.map { "the protocol \"\(String(printable: $0, limit: 64))\"" } ?? "another protocol"
        return Failure(.tlsALPN, .operator, "the server selected \(what) (ALPN), but only http/1.1 was offered")
    }

    /// The peer ended the session with a fatal alert (RFC 8446 section 6.2).
    private static func received(_ alert: Int32, _ peer: String, _ actor: Actor) -> Failure {
        if alert == SSL_AD_NO_APPLICATION_PROTOCOL {
            return Failure(.tlsALPN, actor, "the \(peer) does not speak http/1.1 (TLS alert no_application_protocol)")
        }
        if alert == SSL_AD_CERTIFICATE_REQUIRED {
            return Failure(
                .tls, .user, "the \(peer) wants a certificate and was shown none (TLS alert certificate_required)")
        }
        let name = String(SSL_alert_desc_string_long(alert))
        // These say nothing against the next try.
        let isPassing = alert == SSL_AD_INTERNAL_ERROR || alert == SSL_AD_USER_CANCELLED
        return Failure(
            .tls, actor, "the \(peer) ended TLS with alert \(alert) (\(name))", isRetryable: isPassing)
    }
}
