/// What a handshake agreed on.
public struct TLSAgreement {
    /// `TLSv1.2` or `TLSv1.3`.
    public let version: String
    /// OpenSSL's name of the cipher suite, such as `TLS_AES_256_GCM_SHA384`.
    public let cipher: String
    /// The group of the key exchange, such as `x25519`; empty if there was none.
    public let group: String
    /// An earlier session goes on: the peer was judged by the certificate of that one.
    public let isResumed: Bool
    /// What the peer showed as PEM, leaf first.
    public let chain: [UInt8]
}

extension TLSEngine {
    /// nil before the handshake is done.
    public var agreement: TLSAgreement? {
        guard isOpen else { return nil }
        return TLSAgreement(
            version: version, cipher: cipher, group: group, isResumed: isResumed, chain: peerChain)
    }
}
