import GWBase

/// How a client decides whom it talks to, and what it offers.
public struct ClientTLSSettings {
    public var policy = TrustPolicy()
    public var authorities = Authorities()
    public var indication = ServerNameIndication.verifiedName
    /// What it shows to servers that ask.
    public var identity: TLSIdentity?
    public var parameters = TLSParameters()
    /// Whether it resumes its last session.
    public var resumes = true
    public var keyLog: (any KeyLog)?

    public init() {}

    /// Whether what takes long to make, the CA certificates above all, is the same for both.  Pins, modes and names are each client's own.
    public func canShare(with other: ClientTLSSettings) -> Bool {
        isPlain && other.isPlain && authorities == other.authorities && resumes == other.resumes
            && policy.needsAuthorities == other.policy.needsAuthorities
    }

    private var isPlain: Bool {
        identity == nil && keyLog == nil && parameters.areDefault && authorities.directory == nil
    }

    public var pins: PinSet {
        get { policy.pins }
        set { policy.pins = newValue }
    }
}

/// The server name that a client sends (RFC 6066 section 3).
public enum ServerNameIndication {
    /// The name that is verified, unless it is an address.
    case verifiedName
    case none
    case name(String)
}

/// What a server shows to its clients, and what it wants of them.
public struct ServerTLSSettings {
    public var identity: TLSIdentity
    /// PEM file of the CAs whose certificates clients can show; nil: they are not asked.
    public var clientAuthorities: String?
    /// Whether they must show one.
    public var requiresCertificates = true

    /// With what `SelfSigned` made or `CertificateFiles` loaded.
    public init(identity: TLSIdentity) { self.identity = identity }

    /// With PEM files: the certificates leaf first, and the leaf's key.
    public init(certificateFile: String, keyFile: String, passphrase: Secret? = nil) throws(Failure) {
        identity = try CertificateFiles.load(
            certificateFile: certificateFile, keyFile: keyFile, passphrase: passphrase)
    }
}
