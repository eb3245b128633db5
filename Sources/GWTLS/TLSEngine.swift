import COpenSSL
import GWBase

/// One TLS session over memory: ciphertext in with `supply`, out in `output`; plaintext in with `write`, out of `read`.
///
/// The caller repeats: `supply` what the network gave, then `handshake` until it is done and `read` until it answers
/// something else than bytes, then send what is in `output`.  What a session has refused or finished stays so: later
/// calls give the same answer.
public final class TLSEngine {
    private enum State {
        case handshaking
        /// The host must say whether it believes a peer that would be refused for this.
        case asking(Failure)
        case open
        /// The peer sent close_notify.
        case closedByPeer
        case failed(Failure)
    }

    /// Where a session keeps its engine for the callbacks: the place that OpenSSL leaves to applications.
    static let sessionDataIndex: Int32 = 0
    /// Bytes that a record adds to its plaintext, with room to spare.
    private static let recordOverhead = 64
    private static let recordSize = 16_384

    let context: TLSContext
    /// Whose side this is; nil for servers.
    let client: TLSClient?
    /// The name that the peer must prove, without brackets or a dot at its end.
    let peerName: String
    /// Why the certificate check refused the peer.
    private var refusal: Failure?
    /// What the host has answered.
    private var hostAnswer: Bool?
    /// As it was when the session began.
    private let policy: TrustPolicy

    /// Ciphertext to send, an alert after a failure too.  The caller takes it off the head; `release` on it when empty
    /// leaves an idle session without memory of ours.
    public var output = ByteBuffer()

    /// Whether OpenSSL keeps its record buffers, some 33 KiB, between calls: about a tenth of the time of a small
    /// message.  Off, as at first, for sessions that are idle more often than not.
    public var keepsBuffers = false {
        didSet {
            shim_SSL_set_mode_release_buffers(session, keepsBuffers ? 0 : 1)
            // Refused while a record is only partly there; then the next read gives them back.
            if !keepsBuffers { SSL_free_buffers(session) }
        }
    }

    private let session: OpaquePointer
    private var state = State.handshaking
    private var isClosed = false
    private var input = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Input that came before the host has answered.
    private var heldInput = ByteBuffer()

    /// A session as client.  `serverName` is the name that the certificate must have unless a pin decides alone, and is sent as SNI
    /// (RFC 6066 section 3) if it is no address and nothing else is to be sent.
    /// `showsIdentity` is false where the client's certificate is no business of the server.
    public convenience init(
        client: TLSClient, serverName: String, showsIdentity: Bool = true
    ) throws(Failure) {
        let name = PeerName.bare(serverName)
        let isAddress = PeerName.isAddress(name)
        guard isAddress || PeerName.isDNSName(name) || (name.utf8.isEmpty && !client.policy.needsName) else {
            throw Failure(.argument, .program, "\"\(shown(name))\" is neither a host name nor an IP address")
        }
        try self.init(client.context, .client, name, client)
        if !name.utf8.isEmpty { try expect(name, isAddress) }
        try indicate(client.indication, name, isAddress)
        if !showsIdentity { SSL_certs_clear(session) }
        SSL_set_connect_state(session)
        resume(client)
    }

    /// A session as server.
    public convenience init(server context: TLSContext) throws(Failure) {
        try self.init(context, .server, "")
        SSL_set_accept_state(session)
    }

    private init(
        _ context: TLSContext, _ role: TLSContext.Role, _ peerName: String, _ client: TLSClient? = nil
    ) throws(Failure) {
        guard context.role == role else {
            throw Failure(.argument, .program, "a TLS context is for a client or for a server, not for both")
        }
        OpenSSLError.clearQueue()
        guard let session = SSL_new(context.handle) else { throw TLSEngine.setupFailure() }
        self.context = context
        self.peerName = peerName
        self.session = session
        self.client = client
        policy = client?.policy ?? TrustPolicy()
        guard let bio = MemoryBIO.make(for: self) else { throw TLSEngine.setupFailure() }
        // The session now owns the BIO, which serves both directions.
        SSL_set_bio(session, bio, bio)
        guard SSL_set_ex_data(session, TLSEngine.sessionDataIndex, Unmanaged.passUnretained(self).toOpaque()) == 1
        else {
            throw TLSEngine.setupFailure()
        }
    }

    deinit {
        // Without this a session whose connection was lost could not be resumed, which is when that helps most; RFC 5246
        // section 7.2.1 allows it.
        if isOpen { SSL_set_shutdown(session, SSL_SENT_SHUTDOWN) }
        SSL_free(session)
    }

    private func expect(_ name: String, _ isAddress: Bool) throws(Failure) {
        let parameters = SSL_get0_param(session)
        let isSet = name.withCString { text in
            if isAddress { return X509_VERIFY_PARAM_set1_ip_asc(parameters, text) == 1 }
            // RFC 9525: wildcards stand for one whole label, and the subject's common name is no host name.
            X509_VERIFY_PARAM_set_hostflags(
                parameters,
                shim_X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | shim_X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
            return X509_VERIFY_PARAM_set1_host(parameters, text, 0) == 1
        }
        guard isSet else { throw TLSEngine.setupFailure() }
    }

    /// Sends the server name that is to be sent.
    private func indicate(
        _ indication: ServerNameIndication, _ name: String, _ isAddress: Bool
    ) throws(Failure) {
        let indicated: String
        switch indication {
        case .none: return
        case .verifiedName:
            guard !isAddress, !name.utf8.isEmpty else { return }
            indicated = name
        case .name(let other):
            indicated = other
        }
        guard indicated.withCString({ shim_SSL_set_tlsext_host_name(session, $0) }) == 1 else {
            throw TLSEngine.setupFailure()
        }
    }

    /// Offers the kept session, if its certificate would be believed now.  The session is used once: its server gives another,
    /// or `keepAgain` keeps it.
    private func resume(_ client: TLSClient) {
        guard let kept = client.keptSession else { return }
        client.keptSession = nil
        guard kept.peerName.isEqual(peerName), SSL_set_session(session, kept.handle) == 1 else { return }
        defer { OpenSSLError.clearQueue() }
        guard let leaf = SSL_SESSION_get0_peer(kept.handle) else {
            SSL_set_session(session, nil)
            return
        }
        let chain = ShownChain(leaf: Certificate(sharing: leaf), stack: SSL_get_peer_cert_chain(session))
        var verifier = PeerVerifier(chain, policy, context, session: session, peerName: peerName)
        if verifier.judge() != nil { SSL_set_session(session, nil) }
    }

    /// A session of TLS 1.2 may go on any number of times; its server gives a new ticket only to renew it (RFC 5077 section 3.3).
    private func keepAgain() {
        guard let client, client.keptSession == nil, isResumed, SSL_version(session) == TLS1_2_VERSION,
            let again = SSL_get1_session(session)
        else { return }
        client.keptSession = KeptSession(owning: again, peerName: peerName)
    }

    private static func setupFailure() -> Failure {
        Failure(.tls, .none, "a TLS session cannot be set up: \(OpenSSLError.takeText())")
    }

    // MARK: Ciphertext in

    /// Gives further bytes of the peer.  They are borrowed until all are taken: until `handshake` or `read` answers
    /// that it wants input, or until `pendingInput` is 0.  What came before must have been taken.
    public func supply(_ ciphertext: UnsafeRawBufferPointer) {
        if case .failed = state { return }
        input = ciphertext
    }

    /// Bytes of what was supplied that are not taken yet.
    public var pendingInput: Int { input.count + heldInput.count }

    /// Whether `read` has something to work on without further input.
    public var hasPending: Bool { input.count > 0 || SSL_has_pending(session) == 1 || !heldInput.isEmpty }

    /// Moves up to `size` supplied bytes to where OpenSSL wants them.
    func takeInput(_ destination: UnsafeMutableRawPointer, _ size: Int) -> Int {
        guard heldInput.isEmpty else { return takeHeldInput(destination, size) }
        guard let source = input.baseAddress, size > 0 else { return 0 }
        let count = min(size, input.count)
        destination.copyMemory(from: source, byteCount: count)
        input = UnsafeRawBufferPointer(start: source + count, count: input.count &- count)
        return count
    }

    private func takeHeldInput(_ destination: UnsafeMutableRawPointer, _ size: Int) -> Int {
        let piece = UnsafeRawBufferPointer(rebasing: heldInput.readable.prefix(max(size, 0)))
        guard let source = piece.baseAddress else { return 0 }
        destination.copyMemory(from: source, byteCount: piece.count)
        heldInput.consume(piece.count)
        if heldInput.isEmpty { heldInput.release() }
        return piece.count
    }

    // MARK: Handshake

    public enum HandshakeAction {
        case wantsInput
        /// The host is to be asked, with what the failure says and details; `answer`, then go on.
        case asks(Failure)
        case done
        case failed(Failure)
    }

    /// Goes on with the handshake as far as the input reaches.  Whatever it answers, `output` may have bytes to send.
    public func handshake() -> HandshakeAction {
        switch state {
        case .failed(let failure): return .failed(failure)
        case .open, .closedByPeer: return .done
        case .asking(let failure):
            hold()
            return .asks(failure)
        case .handshaking: break
        }
        OpenSSLError.clearQueue()
        let result = SSL_do_handshake(session)
        if result == 1 {
            if let failure = protocolRefusal() { return .failed(fail(failure)) }
            refusal = nil
            state = .open
            keepAgain()
            return .done
        }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ:
            return .wantsInput
        case SSL_ERROR_WANT_RETRY_VERIFY:
            return ask()
        case SSL_ERROR_ZERO_RETURN:
            let peer = context.role == .client ? "server" : "client"
            OpenSSLError.clearQueue()
            return .failed(
                fail(
                    Failure(.tls, .network, "the \(peer) closed TLS before the handshake was done", isRetryable: true)))
        default:
            let error = OpenSSLError.take()
            return .failed(fail(refusal ?? TLSFailure.handshake(context.role, error, session)))
        }
    }

    /// Judges what the peer has shown; the answer is one of `X509_V_...`.
    func verify(_ chain: ShownChain?) -> Int32 {
        if let hostAnswer {
            guard !hostAnswer else { return X509_V_OK }
            refusal = TLSFailure.refusedByHost(refusal)
            return X509_V_ERR_CERT_REJECTED
        }
        guard let chain else {
            refusal = Failure(.tlsChain, .operator, "the server showed no certificate")
            return X509_V_ERR_UNSPECIFIED
        }
        var verifier = PeerVerifier(chain, policy, context, session: session, peerName: peerName)
        guard let refused = verifier.judge() else { return X509_V_OK }
        refusal = refused.failure
        guard policy.asks, !refused.isFinal, shim_SSL_set_retry_verify(session) == 1 else { return refused.code }
        return X509_V_OK
    }

    private func ask() -> HandshakeAction {
        guard let refusal else {
            return .failed(fail(TLSFailure.handshake(context.role, nil, session)))
        }
        hold()
        state = .asking(refusal)
        return .asks(refusal)
    }

    /// Input is only lent, and the answer may take long.
    private func hold() {
        heldInput.append(input)
        input = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// The host's answer; the next `handshake` goes on with it.
    public func answer(isBelieved: Bool) {
        guard case .asking = state else { return }
        hostAnswer = isBelieved
        state = .handshaking
    }

    /// Newer releases of OpenSSL have refused this before.
    private func protocolRefusal() -> Failure? {
        guard context.role == .client else { return nil }
        let name = selectedProtocol
        guard !name.isEmpty, !name.elementsEqual(TLSContext.alpnName) else { return nil }
        return TLSFailure.selected(notOffered: Array(name))
    }

    // MARK: Plaintext

    public enum ReadAction {
        /// So many bytes of the room are filled.  Fewer than all: the next answer is another than bytes, unless more
        /// is supplied before.
        case bytes(Int)
        case wantsInput
        /// The peer sent close_notify: the stream ended as its sender meant it to.
        case closed
        case failed(Failure)
    }

    /// Decrypts into the caller's memory, through as many records as fit.
    public func read(into room: UnsafeMutableRawBufferPointer) -> ReadAction {
        switch state {
        case .failed(let failure): return .failed(failure)
        case .closedByPeer: return .closed
        case .handshaking, .asking: return .wantsInput
        case .open: break
        }
        var filled = 0
        while filled < room.count, hasPending {
            var count = 0
            OpenSSLError.clearQueue()
            let result = SSL_read_ex(session, room.baseAddress.map { $0 + filled }, room.count &- filled, &count)
            if result == 1 {
                filled &+= count
                continue
            }
            switch SSL_get_error(session, result) {
            case SSL_ERROR_WANT_READ: return filled > 0 ? .bytes(filled) : .wantsInput
            case SSL_ERROR_ZERO_RETURN: state = .closedByPeer
            default: fail(TLSFailure.record(context.role, OpenSSLError.take()))
            }
            break
        }
        if filled > 0 { return .bytes(filled) }
        switch state {
        case .failed(let failure): return .failed(failure)
        case .closedByPeer: return .closed
        case .handshaking, .asking, .open: return room.count == 0 ? .bytes(0) : .wantsInput
        }
    }

    /// Encrypts all of it into `output`, in records as large as TLS allows.
    public func write(_ plaintext: UnsafeRawBufferPointer) -> Failure? {
        switch state {
        case .failed(let failure): return failure
        case .handshaking, .asking:
            return Failure(.state, .program, "nothing can be sent before the TLS handshake is done")
        case .open, .closedByPeer: break
        }
        guard !isClosed else { return Failure(.state, .program, "nothing can be sent after TLS was closed") }
        guard plaintext.count > 0 else { return nil }
        let records = plaintext.count / TLSEngine.recordSize &+ 1
        _ = output.reserve(plaintext.count &+ records &* TLSEngine.recordOverhead)
        OpenSSLError.clearQueue()
        var written = 0
        guard SSL_write_ex(session, plaintext.baseAddress, plaintext.count, &written) == 1 else {
            return fail(TLSFailure.record(context.role, OpenSSLError.take()))
        }
        return nil
    }

    /// Puts close_notify into `output` (RFC 8446 section 6.1).  Reading goes on until the peer has closed too.
    public func close() {
        guard !isClosed else { return }
        switch state {
        case .failed, .handshaking, .asking: break
        case .open, .closedByPeer:
            OpenSSLError.clearQueue()
            _ = SSL_shutdown(session)
            OpenSSLError.clearQueue()
        }
        isClosed = true
    }

    /// Everything ends here that failed: nothing more is read from the input or written for the caller.
    @discardableResult
    private func fail(_ failure: Failure) -> Failure {
        OpenSSLError.clearQueue()
        input = UnsafeRawBufferPointer(start: nil, count: 0)
        heldInput.release()
        refusal = nil
        // RFC 8446 section 6.2: a session that failed is not resumed.
        client?.keptSession = nil
        state = .failed(failure)
        return failure
    }

    // MARK: What was negotiated

    /// The handshake is done, and nothing has failed since.
    var isOpen: Bool {
        switch state {
        case .open, .closedByPeer: true
        case .handshaking, .asking, .failed: false
        }
    }

    /// `TLSv1.2` or `TLSv1.3`.
    public var version: String { String(SSL_get_version(session)) }

    /// OpenSSL's name of the cipher suite, such as `TLS_AES_256_GCM_SHA384`.
    public var cipher: String {
        guard let cipher = SSL_get_current_cipher(session) else { return "" }
        return String(SSL_CIPHER_get_name(cipher))
    }

    /// The name of the group of the key exchange, such as `x25519`; empty if none was used.
    public var group: String {
        let number = shim_SSL_get_negotiated_group(session)
        guard number > 0, let name = OBJ_nid2sn(number) else { return "" }
        return String(name)
    }

    /// Whether an earlier session goes on: the peer was judged by the certificate of that one.
    public var isResumed: Bool { SSL_session_reused(session) == 1 }

    /// What the peer showed as PEM, leaf first.
    public var peerChain: [UInt8] {
        guard let leaf = peerCertificate else { return [] }
        let shown = ShownChain(leaf: leaf, stack: SSL_get_peer_cert_chain(session))
        return shown.others.reduce(into: leaf.pem) { $0 += $1.pem }
    }

    /// The protocol that ALPN selected, empty if none.
    public var applicationProtocol: [UInt8] { Array(selectedProtocol) }

    /// The certificate that the peer showed.
    public var peerCertificate: Certificate? {
        SSL_get1_peer_certificate(session).map { Certificate(owning: $0) }
    }

    private var selectedProtocol: UnsafeRawBufferPointer {
        var name: UnsafePointer<UInt8>?
        var size: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &size)
        return UnsafeRawBufferPointer(start: name, count: name == nil ? 0 : Int(size))
    }
}
