import GWBase

/// A namespace that the host wants to be joined, over all connections, until it is left or the server ends it.
final class Namespace {
    enum State {
        /// For a connection.
        case waiting
        /// The host is asked for the auth object.
        case asking(question: UInt64, until: Instant)
        /// A connect packet is on its way.
        case joining(until: Instant)
        case joined
    }

    let id: UInt64
    /// Empty for the main one.
    let name: [UInt8]
    let auth: JoinRequest.Auth
    let userData: UInt
    var state = State.waiting
    /// The next id for an event that wants an acknowledgement; it goes on over connections.
    var nextWireID: UInt64 = 0
    /// The acknowledgements that are waited for, by their ids on the wire.
    var pending: [UInt64: UInt64] = [:]
    /// Packets that wait to be joined, in order.
    var buffer = SendBuffer()
    /// Events that came before the answer to the connect packet.
    var held: [StoredPacket] = []
    var heldBytes = 0
    var recovery: Recovery?

    init(id: UInt64, _ request: JoinRequest) {
        self.id = id
        name = request.name.count == 1 ? [] : request.name
        auth = request.auth
        userData = request.userData
    }

    var isJoined: Bool {
        if case .joined = state { return true }
        return false
    }

    var deadline: Instant {
        switch state {
        case .asking(_, let until), .joining(let until): until
        case .waiting, .joined: .never
        }
    }

    /// Its connection has ended.
    func disconnected() {
        state = .waiting
        held = []
        heldBytes = 0
    }

    /// For a person.
    var shownName: String { Namespace.shown(name) }

    static func shown(_ name: [UInt8]) -> String { name.isEmpty ? "/" : String(printable: name, limit: 100) }
}

/// A namespace to be joined.
public struct JoinRequest {
    public enum Auth {
        case none
        /// A JSON object, the same at each attempt.
        case fixed(Secret)
        /// The host is asked at each attempt.
        case asked
    }

    /// `/`, or `/` and more.
    public var name: [UInt8]
    public var auth = Auth.none
    public var userData: UInt = 0

    public init(name: [UInt8]) { self.name = name }
}
