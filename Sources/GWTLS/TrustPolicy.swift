import GWBase

/// What must hold of a server's certificate.
public enum TrustMode: Sendable {
    /// A chain to a trusted CA, the dates and the name.
    case authority
    /// A pin, and nothing else.
    case pin
    /// Both.
    case pinAndAuthority
    /// One of them.
    case pinOrAuthority
}

/// Whom a client believes.
public struct TrustPolicy {
    public var pins = PinSet()
    /// nil: with pins they alone, without them the CA check.
    public var mode: TrustMode?
    /// What would be refused for its certificate is asked about in the handshake.
    public var asks = false

    public init() {}

    var effectiveMode: TrustMode { mode ?? (pins.isEmpty ? .authority : .pin) }

    /// Whether a CA check can decide.
    var needsAuthorities: Bool { effectiveMode != .pin }

    /// Whether a pin has decided for every server that was let in without a question.
    public var usesPins: Bool {
        switch effectiveMode {
        case .pin, .pinAndAuthority: !pins.isEmpty && !asks
        case .authority, .pinOrAuthority: false
        }
    }

    /// Whether the name of the server can decide.
    var needsName: Bool { needsAuthorities || pins.hasAuthorities }

    /// Refuses what could never let a server in.
    func check() throws(Failure) {
        guard pins.isEmpty, !asks else { return }
        switch effectiveMode {
        case .pin, .pinAndAuthority:
            throw Failure(
                .argument, .program, "the trust mode needs a pin, but there is none, and nobody is to be asked")
        case .authority, .pinOrAuthority: break
        }
    }
}
