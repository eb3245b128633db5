import COpenSSL
import GWBase

/// Decides inside the handshake, or before a session is resumed, whether the peer is the one that is wanted.
struct PeerVerifier {
    struct Refusal {
        var failure: Failure
        /// Of `X509_V_ERR_...`: chooses the alert that the server gets.
        var code: Int32
        /// Nobody can allow it.
        var isFinal = false
    }

    let policy: TrustPolicy
    let chain: ShownChain
    private let session: OpaquePointer
    private let peerName: String
    private let context: TLSContext

    /// What the CA check says; loads the CA certificates if nothing has needed them so far.
    private lazy var authorityCheck: ChainCheck = {
        context.loadAuthoritiesLate()
        return ChainCheck(chain, against: context.store, for: session)
    }()

    /// What the check says with the pinned CAs of the shown chain as its only trust anchors; nil if there are none.
    private lazy var pinnedAuthorityCheck: ChainCheck? = {
        let anchors = certificates(chain.stack).filter {
            policy.pins.matches(authority: $0) && X509_check_ca($0.handle) != 0
        }
        guard !anchors.isEmpty, let store = X509_STORE_new() else { return nil }
        defer { X509_STORE_free(store) }
        for anchor in anchors { X509_STORE_add_cert(store, anchor.handle) }
        return ChainCheck(chain, against: store, for: session, isPartial: true)
    }()

    init(_ chain: ShownChain, _ policy: TrustPolicy, _ context: TLSContext, session: OpaquePointer, peerName: String) {
        self.chain = chain
        self.policy = policy
        self.context = context
        self.session = session
        self.peerName = peerName
    }

    /// nil if the peer is believed.
    mutating func judge() -> Refusal? {
        guard let refusal = weakKey() ?? decide() else { return nil }
        var told = refusal
        told.failure.detail = PeerReport.json(
            chain, wanted: policy.pins, serverName: peerName, authorityCheck: authorityCheck.text)
        return told
    }

    private mutating func decide() -> Refusal? {
        switch policy.effectiveMode {
        case .authority: return authorityRefusal()
        case .pin: return pinRefusal()
        case .pinAndAuthority: return pinRefusal() ?? authorityRefusal()
        case .pinOrAuthority: return pinRefusal().flatMap { authorityRefusal() == nil ? nil : $0 }
        }
    }

    // MARK: Pins

    private mutating func pinRefusal() -> Refusal? {
        if policy.pins.matches(leaf: chain.leaf) { return nil }
        guard policy.pins.hasAuthorities else { return pinMismatch() }
        if let check = pinnedAuthorityCheck {
            return check.isTrusted ? nil : chainRefusal(check)
        }
        // A root need not be shown: the CA certificates at hand may lead to it.
        let path = authorityCheck.path.dropFirst()
        return path.contains(where: { policy.pins.matches(authority: $0) }) ? nil : pinMismatch()
    }

    private func pinMismatch() -> Refusal {
        let seen = String(decoding: hexText(chain.leaf.sha256), as: UTF8.self)
        let seenKey = String(decoding: hexText(chain.leaf.keySHA256), as: UTF8.self)
        let text =
            policy.pins.isEmpty
            ? "the server's certificate is not known yet: seen \(seen) (key:\(seenKey)). Only if who runs the server "
                + "confirms it, pin it"
            : "the server's certificate matches no pin: wanted \(listedPins), seen \(seen) (key:\(seenKey)). Only if "
                + "who runs the server confirms the new one, replace the pin"
        return Refusal(failure: Failure(.tlsPin, .user, text), code: X509_V_ERR_CERT_REJECTED)
    }

    private var listedPins: String {
        let shownPins = 3
        var list = ""
        for (place, pin) in policy.pins.pins.prefix(shownPins).enumerated() {
            list += (place > 0 ? " or " : "") + String(decoding: pin.text, as: UTF8.self)
        }
        let more = policy.pins.pins.count - shownPins
        if more > 0 { list += " or one of \(more) more" }
        return list
    }

    // MARK: The CA check

    private mutating func authorityRefusal() -> Refusal? {
        authorityCheck.isTrusted ? nil : chainRefusal(authorityCheck)
    }

    /// A key that can be broken proves nothing, pinned or not (RFC 9325 section 4.5).
    private func weakKey() -> Refusal? {
        let least: Int32 = 112
        let bits = EVP_PKEY_get_security_bits(X509_get0_pubkey(chain.leaf.handle))
        guard bits < least else { return nil }
        let failure = Failure(
            .tlsChain, .operator,
            "the key of \(chain.leaf.subject) is too weak: \(bits) bits of security, \(least) are the least (RSA 2048, EC "
                + "P-224): who runs the server must replace it")
        return Refusal(failure: failure, code: X509_V_ERR_EE_KEY_TOO_SMALL, isFinal: true)
    }

    /// What was found wrong with chain, dates and name, in words of ours.
    private func chainRefusal(_ check: ChainCheck) -> Refusal {
        Refusal(failure: chainFailure(check), code: check.code)
    }

    private func chainFailure(_ check: ChainCheck) -> Failure {
        let last = check.last
        switch check.code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return Failure(
                .tlsExpired, .operator,
                "the certificate of \(last.subject) expired on \(last.notAfter): who runs the server must renew it")
        case X509_V_ERR_CERT_NOT_YET_VALID:
            // Waiting heals this one.
            return Failure(
                .tlsExpired, .operator,
                "the certificate of \(last.subject) is not valid before \(last.notBefore): the clock here or the "
                    + "certificate is wrong", isRetryable: true)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = chain.leaf.alternativeNames
            let has = names.isEmpty ? "no name at all (subject \(chain.leaf.subject))" : names
            return Failure(
                .tlsName, .operator,
                "the certificate is not for \(shown(peerName)) but for \(has): use a name that it has, or let who runs "
                    + "the server get one for that name")
        default:
            let isUnknown = PeerVerifier.unknownIssuer.contains(check.code)
            let advice =
                isUnknown
                ? "pin it, or give the file of the CA that issued it" : "who runs the server must replace it"
            return Failure(
                .tlsChain, isUnknown ? .user : .operator,
                "the certificate of \(last.subject), issued by \(last.issuer), is not trusted (\(check.text)): \(advice)"
            )
        }
    }

    private static let unknownIssuer: [Int32] = [
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
    ]
}

/// OpenSSL calls this in the handshake with the chain that a server showed, and again once the host has answered.  The reason of a
/// refusal is left with the engine.
let verifyPeerCertificate: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
    guard let store,
        let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let data = SSL_get_ex_data(OpaquePointer(session), TLSEngine.sessionDataIndex)
    else { return 0 }
    return Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef { engine in
        let leaf = X509_STORE_CTX_get0_cert(store).map { Certificate(sharing: $0) }
        let chain = leaf.map { ShownChain(leaf: $0, stack: X509_STORE_CTX_get0_untrusted(store)) }
        let code = engine.verify(chain)
        X509_STORE_CTX_set_error(store, code)
        OpenSSLError.clearQueue()
        return code == X509_V_OK ? 1 : 0
    }
}
