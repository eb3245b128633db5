import COpenSSL
import GWBase

/// Decides inside the handshake whether the peer is the one that is wanted: by its pins if there are any, otherwise by
/// CA chain and name.
enum PeerVerifier {
    /// nil if the leaf certificate is pinned.
    static func pinFailure(_ leaf: Certificate?, _ pins: PinSet, chain: () -> String) -> Failure? {
        guard let leaf else {
            return Failure(.tlsPin, .user, "the server showed no certificate, but a pin for one is set")
        }
        let seen = leaf.sha256
        guard !pins.matches(seen) else { return nil }
        var failure = Failure(
            .tlsPin, .user,
            "the server's certificate matches no pin: wanted \(listed(pins.hex)), seen \(text(hexText(seen))). Only if "
                + "who runs the server confirms the new one, replace the pin")
        failure.detail = pinDetail(leaf, seen, pins, chain())
        return failure
    }

    /// What OpenSSL's check of chain, dates and name found wrong, in words of ours.
    static func chainFailure(_ store: OpaquePointer, _ wantedName: String) -> Failure {
        let code = X509_STORE_CTX_get_error(store)
        let reason = String(X509_verify_cert_error_string(Int(code)))
        guard let leaf = X509_STORE_CTX_get0_cert(store).map({ Certificate(sharing: $0) }) else {
            return Failure(.tlsChain, .operator, "the server showed no certificate")
        }
        // The one that the check ended at, which need not be the leaf.
        let current = X509_STORE_CTX_get_current_cert(store).map { Certificate(sharing: $0) } ?? leaf
        switch code {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return Failure(
                .tlsExpired, .operator,
                "the certificate of \(current.subject) expired on \(current.notAfter): who runs the server must renew it"
            )
        case X509_V_ERR_CERT_NOT_YET_VALID:
            // Waiting heals this one.
            return Failure(
                .tlsExpired, .operator,
                "the certificate of \(current.subject) is not valid before \(current.notBefore): the clock here or the "
                    + "certificate is wrong", isRetryable: true)
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
            let names = leaf.alternativeNames
            let has = names.isEmpty ? "no name at all (subject \(leaf.subject))" : names
            return Failure(
                .tlsName, .operator,
                "the certificate is not for \(shown(wantedName)) but for \(has): use a name that it has, or let who runs "
                    + "the server get one for that name")
        default:
            let isUnknown = unknownIssuer.contains(code)
            let advice =
                isUnknown
                ? "pin it, or give the file of the CA that issued it" : "who runs the server must replace it"
            return Failure(
                .tlsChain, isUnknown ? .user : .operator,
                "the certificate of \(current.subject), issued by \(current.issuer), is not trusted (\(reason)): \(advice)"
            )
        }
    }

    private static let unknownIssuer: [Int32] = [
        X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED,
    ]

    /// `{"seen":[hex],"seenKey":[hex],"wanted":[hex,...],"chain":"what the CA check says"}`
    private static func pinDetail(_ leaf: Certificate, _ seen: [UInt8], _ pins: PinSet, _ chain: String) -> [UInt8] {
        var json =
            "{\"seen\":[\"\(text(hexText(seen)))\"],\"seenKey\":[\"\(text(hexText(leaf.keySHA256)))\"],\"wanted\":["
        for (place, pin) in pins.hex.enumerated() { json += "\(place > 0 ? "," : "")\"\(text(pin))\"" }
        json += "],\"chain\":\""
        // OpenSSL's words are plain; what would have to be escaped in JSON is left out.
        for scalar in chain.unicodeScalars where scalar != "\"" && scalar != "\\" { json.unicodeScalars.append(scalar) }
        json += "\"}"
        return json.bytes
    }

    private static func listed(_ pins: [[UInt8]]) -> String {
        let shownPins = 3
        var list = ""
        for (place, pin) in pins.prefix(shownPins).enumerated() { list += (place > 0 ? " or " : "") + text(pin) }
        if pins.count > shownPins { list += " or one of \(pins.count - shownPins) more" }
        return list
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}

/// OpenSSL calls this in the handshake with the chain that a server showed.  The reason of a refusal is left with the
/// engine; the code that is set here only chooses the alert that the server gets.
let verifyPeerCertificate: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
    guard let store,
        let session = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
        let data = SSL_get_ex_data(OpaquePointer(session), TLSEngine.sessionDataIndex)
    else { return 0 }
    return Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef { engine in
        let pins = engine.context.pins
        if pins.isEmpty {
            if X509_verify_cert(store) == 1 { return 1 }
            engine.refusal = PeerVerifier.chainFailure(store, engine.peerName)
            return 0
        }
        let leaf = X509_STORE_CTX_get0_cert(store).map { Certificate(sharing: $0) }
        engine.refusal = PeerVerifier.pinFailure(leaf, pins) {
            // The store may be empty so far; loading the system's twice does no harm.
            X509_STORE_set_default_paths(X509_STORE_CTX_get0_store(store))
            let isTrusted = X509_verify_cert(store) == 1
            return isTrusted ? "ok" : String(X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(store))))
        }
        let isPinned = engine.refusal == nil
        X509_STORE_CTX_set_error(store, isPinned ? X509_V_OK : X509_V_ERR_CERT_REJECTED)
        return isPinned ? 1 : 0
    }
}
