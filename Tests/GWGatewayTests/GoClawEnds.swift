import GWBase
import GWGateway
import GWJSON

/// An embedded GoClaw gateway with its connections, under a clock of the test's.
final class GoClawHouse {
    static let start = Instant(microseconds: 5_000_000)

    let gateway: GoClawGateway
    var now = GoClawHouse.start
    var wall: UInt64 = 1_767_225_600_000
    private(set) var ends: [GoClawPeerEnd] = []

    init(seed: UInt64 = 1, _ change: (inout GoClawGateway.Settings) -> Void = { _ in }) {
        var settings = GoClawGateway.Settings()
        settings.token = secret("gw-secret")
        settings.version = "v3.14.0".bytes
        change(&settings)
        var seeded = Seeded(seed)
        let random = RandomPool { buffer in
            for place in buffer.indices { buffer[place] = UInt8(truncatingIfNeeded: seeded.next() >> 24) }
        }
        gateway = GoClawGateway(settings: settings, verifier: TestVerifier(), random: random, wallMilliseconds: wall)
    }

    func connect() -> GoClawPeerEnd {
        let end = GoClawPeerEnd(self, UInt64(ends.count + 1))
        ends.append(end)
        return end
    }

    /// A connection that is in.
    func admitted(user: String, token: String = "gw-secret") -> GoClawPeerEnd {
        let end = connect()
        _ = end.send(
            #"{"type":"req","id":"0","method":"connect","params":{"token":"\#(token)","user_id":"\#(user)"}}"#)
        return end
    }

    func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        wall += UInt64(milliseconds)
        gateway.tick(now, wallMilliseconds: wall)
        deliver()
    }

    func deliver() {
        for notice in gateway.takeNotices() {
            switch notice {
            case .send(let audience, let frame):
                for end in ends where end.isOpen && end.session.isIn(audience) { end.received.append(text(frame)) }
            case .drop(let senderID):
                for end in ends where end.session.identity?.senderID == senderID { end.isOpen = false }
            }
        }
    }
}

final class GoClawPeerEnd {
    private unowned let house: GoClawHouse
    let session: GoClawServerSession
    var received: [String] = []
    var isOpen = true
    private(set) var requests: [String] = []

    init(_ house: GoClawHouse, _ connection: UInt64) {
        self.house = house
        session = GoClawServerSession(
            settings: GoClawServerSession.Settings(), gateway: house.gateway, connection: connection,
            name: "3f2c1d7e-5b0a-4c55-9f0e-00000000000\(connection)".bytes, remote: "127.0.0.1".bytes, now: house.now)
    }

    /// Sends a message and gives all that came since the last one.
    @discardableResult
    func send(_ message: String) -> [String] { send(Array(message.utf8)) }

    @discardableResult
    func send(_ message: [UInt8]) -> [String] {
        received = []
        let bytes = Text(message)
        switch session.receive(bytes.bytes, now: house.now, wallMilliseconds: house.wall) {
        case .send(let frame):
            house.deliver()
            if !frame.isEmpty { received.append(text(frame)) }
        case .admitted(_, let frame):
            received.append(text(frame))
        case .request(_, let method, _):
            requests.append(text(method))
        }
        house.deliver()
        return received
    }

    /// Calls a method and gives the answer's frame.
    func call(_ method: String, _ params: String = "{}", id: String = "c") -> [String: Any] {
        let frames = send(#"{"type":"req","id":"\#(id)","method":"\#(method)","params":\#(params)}"#)
        return frames.map(object).last { member("id", of: $0) == id } ?? [:]
    }

    func error(_ method: String, _ params: String = "{}") -> String {
        let error: [String: Any] = member("error", of: call(method, params)) ?? [:]
        return "\(error["code"] ?? "") \(error["message"] ?? "")"
    }
}

/// A GoClaw client under a clock of the test's.
final class GoClawClientEnd {
    var now = GoClawHouse.start
    let machine: ClientMachine
    private(set) var sent: [String] = []
    private(set) var told: [String] = []
    private(set) var hello: Hello?
    private(set) var verdict: ConnectFailure?

    init(
        token: String = "", user: String = "alice", sender: String = "", detects: Bool = false,
        callMilliseconds: UInt32 = 30_000, keepsCalls: Bool = false
    ) {
        var settings = ClientMachine.Settings()
        var parameters = GoClawParameters()
        parameters.userID = user.bytes
        parameters.senderID = sender.bytes
        settings.session.dialect = detects ? .detect(parameters) : .goClaw(parameters)
        settings.credentials = Credentials(token: token.bytes)
        settings.session.callMilliseconds = callMilliseconds
        if keepsCalls { settings.offline = ClientMachine.OfflineSettings() }
        var seeded = Seeded(7)
        machine = ClientMachine(
            settings: settings,
            random: RandomPool { buffer in
                for place in buffer.indices { buffer[place] = UInt8(truncatingIfNeeded: seeded.next() >> 24) }
            })
    }

    /// A new connection is open.
    func open() {
        sent = []
        verdict = nil
        hello = nil
        follow(machine.opened(now, wallMilliseconds: 0))
        advance(0)
    }

    func lose() -> ClientMachine.End {
        machine.ended(Failure(.lost, .network, "lost", isRetryable: true), sentOffset: .max)
    }

    func receive(_ json: String) {
        let message = Text(json)
        follow(machine.receive(message.bytes, now, wallMilliseconds: 0))
    }

    /// Answers the request that was sent last.
    func answer(_ rest: String) {
        receive(#"{"type":"res","id":"\#(sentID)",\#(rest)}"#)
    }

    var sentID: String { sent.last.flatMap { object($0)["id"] as? String } ?? "" }

    var sentMethod: String { sent.last.flatMap { object($0)["method"] as? String } ?? "" }

    func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        while true {
            switch machine.tick(now) {
            case .none: return
            case .send(let frame): sent.append(text(frame))
            case .ended(let call): told.append("ended \(call.id) \(call.failure.status.code)")
            case .began: break
            case .release: break
            case .close(_, let reason, let failure):
                told.append("close \(text(reason))")
                verdict = failure
                return
            }
        }
    }

    private func follow(_ action: consuming ClientSession.MessageAction) {
        switch consume action {
        case .send(let frame): sent.append(text(frame))
        case .ask: told.append("asked")
        case .pairing(let pairing, let frame):
            told.append("\(text(pairing.name)) \(text(pairing.code)) \(text(pairing.senderID))")
            if !frame.isEmpty { sent.append(text(frame)) }
        case .connected(let hello, _): self.hello = hello
        case .close(_, let reason, let failure):
            told.append("close \(text(reason))")
            verdict = failure
        case .event(_, let missing): told.append("event \(missing)")
        case .answered(let id, _, _): told.append("answered \(id)")
        case .rejected(let id, _, _): told.append("rejected \(id)")
        case .warn(let failure): told.append("warn \(failure.status.code)")
        case .settled: break
        case .accepted: told.append("accepted")
        case .none: break
        }
    }
}
