import COpenSSL
import GWBase

/// One client's side of TLS: whom it believes and which session it can resume, over a context that others may share.
public final class TLSClient {
    let context: TLSContext
    /// Handshakes that have begun go on with what they began with.
    public private(set) var policy: TrustPolicy
    let indication: ServerNameIndication
    /// What the next session can resume.
    var keptSession: KeptSession?

    /// `context`: one that was made for settings that are the same but for what a client has of its own.
    public init(_ settings: ClientTLSSettings, sharing context: TLSContext? = nil) throws(Failure) {
        try settings.policy.check()
        if case .name(let name) = settings.indication, !PeerName.isDNSName(name) {
            throw Failure(.argument, .program, "\"\(shown(name))\" is no host name to send as server name")
        }
        policy = settings.policy
        indication = settings.indication
        if let context {
            self.context = context
        } else {
            self.context = try TLSContext(client: settings)
        }
    }

    /// Replaces the pins for handshakes that begin from now on.
    public func replace(pins: PinSet) throws(Failure) {
        var next = policy
        next.pins = pins
        try next.check()
        if next.needsAuthorities { try context.loadAuthorities() }
        policy = next
    }
}
