import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("GoClaw gateway (goclaw 4, 5, 7 to 11)")
struct GoClawGatewayTests {
    private let key = "agent:default:ws:direct:7d1f"

    private func send(_ end: GoClawPeerEnd, _ message: String, id: String = "3") -> [String] {
        end.send(
            #"{"type":"req","id":"\#(id)","method":"chat.send","params":{"message":"\#(message)","#
                + #""sessionKey":"\#(key)","stream":true}}"#)
    }

    private func types(_ frames: [String]) -> [String] {
        frames.map(object).map { frame in
            if let id: String = member("id", of: frame) { return "res \(id)" }
            let payload: [String: Any] = member("payload", of: frame) ?? [:]
            return payload["type"] as? String ?? frame["event"] as? String ?? "?"
        }
    }

    @Test("a run streams, then is answered; calls made meanwhile are answered first (9, 11)")
    func run() throws {
        let house = GoClawHouse()
        let end = house.admitted(user: "user-123")
        #expect(types(send(end, "Hello <you>")) == ["run.started"])
        #expect(canonical(end.call("chat.session.status", #"{"sessionKey":"\#(key)"}"#)["payload"]).contains("true"))
        end.received = []
        for _ in 0..<20 { house.advance(15) }
        #expect(types(end.received) == ["chunk", "chunk", "chunk", "chunk", "run.completed", "res 3"])
        let answer = try #require(end.received.last)
        #expect(answer.contains(#""content":"You said: Hello \u003cyou\u003e""#))
        let history = end.call("chat.history", #"{"sessionKey":"\#(key)"}"#)
        let messages: [[String: Any]] = try required("messages", of: history["payload"])
        #expect(messages.map { $0["role"] as? String } == ["user", "assistant"])
    }

    @Test("a busy session takes a message into its turn, a stop word ends it, and so does chat.abort (9)")
    func busy() {
        let house = GoClawHouse()
        let end = house.admitted(user: "user-123")
        _ = send(end, "Hello")
        #expect(send(end, "more", id: "4").last == #"{"type":"res","id":"4","ok":true,"payload":{"injected":true}}"#)
        let stopped = send(end, " Stop ", id: "12")
        #expect(types(stopped) == ["run.cancelled", "res 3", "res 12"])
        #expect(stopped.last == #"{"type":"res","id":"12","ok":true,"payload":{"aborted":true,"cancelled":true}}"#)
        _ = send(end, "Hello")
        let aborted = end.send(#"{"type":"req","id":"7","method":"chat.abort","params":{"sessionKey":"\#(key)"}}"#)
        #expect(types(aborted) == ["run.cancelled", "res 3", "res 7"])
    }

    @Test("sessions belong to their users; admins pass, and the words are an option (10)")
    func ownership() {
        let keys = ["a", "b"].map {
            GoClawGateway.Key(key: secret("goclaw_\($0)"), role: .operator, userID: $0.bytes)
        }
        let house = GoClawHouse { $0.keys = keys }
        let (alice, bob) = (house.admitted(user: "", token: "goclaw_a"), house.admitted(user: "", token: "goclaw_b"))
        _ = send(alice, "Hello")
        let calls = [
            ("chat.send", #"{"message":"x","sessionKey":"\#(key)"}"#), ("chat.history", #"{"sessionKey":"\#(key)"}"#),
            ("chat.inject", #"{"message":"x","sessionKey":"\#(key)"}"#), ("chat.abort", #"{"sessionKey":"\#(key)"}"#),
            ("chat.session.status", #"{"sessionKey":"\#(key)"}"#), ("sessions.delete", #"{"key":"\#(key)"}"#),
        ]
        for (method, params) in calls {
            #expect(bob.error(method, params) == "FORBIDDEN session does not belong to user", "\(method)")
        }
        #expect(bob.error("chat.history", #"{"sessionKey":"k"}"#) == "NOT_FOUND session not found: k")
        let admin = house.admitted(user: "root")
        #expect(member("ok", of: admin.call("chat.history", #"{"sessionKey":"\#(key)"}"#)) == true)

        let strict = GoClawHouse {
            $0.keys = keys
            $0.ownership = Rejection("UNAUTHORIZED", "permission denied: session")
        }
        _ = send(strict.admitted(user: "", token: "goclaw_a"), "Hello")
        let other = strict.admitted(user: "", token: "goclaw_b")
        #expect(other.error("chat.history", calls[1].1) == "UNAUTHORIZED permission denied: session")
    }

    @Test("chat.send: five at once, then one each 60/rpm seconds, for each user (7)")
    func rateLimit() {
        let house = GoClawHouse { $0.callsPerMinute = 60 }
        let end = house.admitted(user: "user-123")
        for _ in 0..<5 { #expect(!send(end, "Hello").joined().contains("INVALID_REQUEST")) }
        let sixth = send(end, "six", id: "99")
        #expect(
            sixth == [
                #"{"type":"res","id":"99","ok":false,"error":{"code":"INVALID_REQUEST","message":"rate limit exceeded — please wait"}}"#
            ])
        house.advance(999)
        #expect(send(end, "x").joined().contains("rate limit"))
        house.advance(1_000)
        #expect(!send(end, "x").joined().contains("rate limit"))
        let second = house.admitted(user: "user-123")
        #expect(send(second, "x").joined().contains("rate limit"))
        #expect(!send(house.admitted(user: "other"), "x").joined().contains("rate limit"))
        #expect(member("ok", of: end.call("health")) == true)
    }

    @Test("roles: a viewer reads, an operator writes, an admin administers, and nobody calls what is unknown (3, 8)")
    func roles() {
        let house = GoClawHouse {
            $0.keys = [
                GoClawGateway.Key(
                    key: secret("goclaw_v"), role: GoClawRole(scopes: ["operator.read".bytes]), userID: []),
                GoClawGateway.Key(
                    key: secret("goclaw_o"), role: GoClawRole(scopes: ["operator.write".bytes]), userID: []),
            ]
        }
        let viewer = house.admitted(user: "v", token: "goclaw_v")
        #expect(viewer.error("chat.send") == "UNAUTHORIZED permission denied: chat.send requires operator role")
        #expect(member("ok", of: viewer.call("sessions.list")) == true)
        let oper = house.admitted(user: "o", token: "goclaw_o")
        #expect(oper.error("config.get") == "UNAUTHORIZED permission denied: config.get requires admin role")
        let admin = house.admitted(user: "system")
        #expect(admin.session.identity?.role == .owner)
        _ = admin.call("config.get")
        #expect(admin.requests == ["config.get"])
        #expect(admin.error("chat.fly") == "INVALID_REQUEST unknown method: chat.fly")
    }

    @Test("without a token a loopback gateway lets everybody in, another one pairs or refuses (4)")
    func noToken() {
        let local = GoClawHouse {
            $0.token = nil; $0.isLocal = true
        }
        #expect(local.admitted(user: "u", token: "").session.identity?.role == .operator)
        let closed = GoClawHouse { $0.pairs = false }
        #expect(
            closed.connect().error("connect")
                == "UNAUTHORIZED permission denied: valid token or active pairing required")
    }

    @Test("what a client names itself with and the gateway keeps is limited")
    func names() {
        let house = GoClawHouse()
        let long = String(repeating: "u", count: 256)
        #expect(
            house.connect().error("connect", #"{"token":"gw-secret","user_id":"\#(long)"}"#)
                == "INVALID_REQUEST user_id has more than 255 bytes")
        let admin = house.admitted(user: "root")
        #expect(
            admin.error("device.pair.request", #"{"senderId":"s","channel":"\#(long)"}"#)
                == "INVALID_REQUEST channel has more than 255 bytes")
    }

    @Test("three pairings wait at most, codes live an hour, and revocation drops the device (5)")
    func pairingLimits() throws {
        let house = GoClawHouse()
        let admin = house.admitted(user: "root")
        var codes: [String] = []
        for _ in 0..<3 {
            let payload: [String: Any] = try required("payload", of: house.connect().call("connect"))
            codes.append(try required("pairing_code", of: payload))
        }
        #expect(codes.allSatisfy { $0.utf8.count == 8 && !$0.contains { "IO01".contains($0) } })
        #expect(house.connect().error("connect").hasPrefix("UNAUTHORIZED"))
        #expect(member("denied", of: admin.call("device.pair.deny", #"{"code":"\#(codes[0])"}"#)["payload"]) == true)
        #expect(admin.error("device.pair.deny", #"{"code":"\#(codes[0])"}"#).hasPrefix("NOT_FOUND"))
        let waiting = house.connect()
        let request: [String: Any] = try required("payload", of: waiting.call("connect"))
        let (code, sender): (String, String) = (
            try required("pairing_code", of: request), try required("sender_id", of: request)
        )
        let approved = admin.call("device.pair.approve", #"{"code":"\#(code)"}"#)
        #expect(member("paired_by", of: (approved["payload"] as? [String: Any])?["paired"]) == "root")
        #expect(member("role", of: waiting.call("connect", #"{"sender_id":"\#(sender)"}"#)["payload"]) == "operator")
        house.advance(3_600_000)
        #expect(admin.error("device.pair.approve", #"{"code":"\#(codes[1])"}"#).hasPrefix("NOT_FOUND"))
        let revoke = admin.call("device.pair.revoke", #"{"senderId":"\#(sender)","channel":"browser"}"#)
        #expect(member("revoked", of: revoke["payload"]) == true && !waiting.isOpen)
    }

    @Test("ping every 30 s; messages and pongs renew the 60 s of the read deadline (2)")
    func liveness() {
        let house = GoClawHouse()
        let session = house.connect().session
        func at(_ seconds: UInt32) -> GoClawServerSession.TickAction {
            session.tick(GoClawHouse.start.adding(milliseconds: seconds * 1000))
        }
        guard case .none = at(29), case .ping = at(30), case .none = at(59) else {
            Issue.record("no ping at 30 s")
            return
        }
        session.pong(GoClawHouse.start.adding(milliseconds: 31_000))
        guard case .ping = at(60), case .ping = at(90), case .drop(let failure) = at(91) else {
            Issue.record("the deadline is not 60 s after the pong")
            return
        }
        #expect(failure.status == .pongTimeout)
    }

    @Test("the queue has room for so many messages, whatever their size (2)")
    func queue() {
        var queue = MessageQueue(limit: 3)
        for end in [10, 20, 30] as [UInt64] {
            let hasRoom = queue.hasRoom(sentOffset: 0)
            #expect(hasRoom)
            queue.append(endOffset: end)
        }
        let isFull = !queue.hasRoom(sentOffset: 9)
        let hasRoom = queue.hasRoom(sentOffset: 10)
        #expect(isFull && hasRoom)
        queue.append(endOffset: 40)
        let isFullAgain = !queue.hasRoom(sentOffset: 19)
        let isEmpty = queue.hasRoom(sentOffset: 40)
        #expect(isFullAgain && isEmpty)
    }

    @Test("events of the host: everybody's, somebody's, nobody's (11)")
    func audiences() {
        func audience(_ event: String, _ payload: String) -> String {
            let payload = Text(payload)
            return switch GoClawEvents.audience(of: event.bytes, payload.bytes) {
            case .all: "all"
            case .admins: "admins"
            case .user(let user): text(user)
            case .connection, nil: "nobody"
            }
        }
        #expect(audience("health", "{}") == "all" && audience("cron", "{}") == "all")
        #expect(audience("agent", #"{"userId":"u"}"#) == "u" && audience("future.thing", "{}") == "admins")
        #expect(audience("cache.x", "{}") == "nobody" && audience("audit.log", "{}") == "nobody")
    }

    @Test("the client and the gateway meet: pairing, approval, a call")
    func bothEnds() throws {
        let house = GoClawHouse()
        let admin = house.admitted(user: "root")
        let peer = house.connect()
        let client = GoClawClientEnd()
        client.open()
        var passed = 0
        func pass() {
            while passed < client.sent.count {
                for frame in peer.send(client.sent[passed]) { client.receive(frame) }
                passed += 1
            }
        }
        pass()
        let code = try #require(client.told.first?.split(separator: " ").dropFirst().first)
        client.advance(3_000)
        house.advance(3_000)
        pass()
        _ = admin.call("device.pair.approve", #"{"code":"\#(code)"}"#)
        client.advance(3_000)
        house.advance(3_000)
        pass()
        #expect(client.hello.map { text($0.role) } == "operator")
    }
}
