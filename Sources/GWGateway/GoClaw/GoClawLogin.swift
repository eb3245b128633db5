import GWBase

/// What a GoClaw client keeps of its pairing over its connections.
///
/// Each connect request without a token may make a new pairing request at the gateway, which holds three at most: so the code
/// that was shown first stays the one that counts, and a client gives up before it fills the list.
public final class GoClawLogin {
    public struct Pending {
        public var code: [UInt8]
        public var senderID: [UInt8]
    }

    /// Of a pairing that was approved.
    public internal(set) var senderID: [UInt8]
    /// The request whose code was shown.
    public internal(set) var pending: Pending?
    /// Pairing requests that this client has made since it was last let in.
    var requests = 0
    /// A gateway of this dialect has answered.
    var hasAnswered = false

    public init(senderID: [UInt8]) { self.senderID = senderID }

    /// What the connect request names.
    var presented: [UInt8] { pending?.senderID ?? senderID }

    var mayAsk: Bool { requests < GoClaw.pendingPairings }

    func asked(_ request: Pending) -> Bool {
        requests += 1
        guard pending == nil else { return false }
        pending = request
        return true
    }

    func approved() {
        if let pending { senderID = pending.senderID }
        pending = nil
    }

    func admitted() {
        requests = 0
        hasAnswered = true
        if pending != nil { approved() }
    }
}

/// A step of a pairing that the host must hear of.
public struct Pairing {
    public enum State {
        /// Show the code to somebody who can approve it.
        case requested
        /// Keep the sender id: it is what lets this client in from now on.
        case approved
        case expired
    }

    public var state: State
    public var code: [UInt8]
    public var senderID: [UInt8]

    /// The word that the event's name is.
    public var name: StaticString {
        switch state {
        case .requested: "requested"
        case .approved: "approved"
        case .expired: "expired"
        }
    }

    /// One line for a person.
    public var text: String {
        switch state {
        case .requested: "approve the code \(String(printable: code, limit: 32)) at the gateway within 60 minutes"
        case .approved: "the pairing was approved; keep the sender id for the next time"
        case .expired: "the code \(String(printable: code, limit: 32)) was not approved in time"
        }
    }
}
