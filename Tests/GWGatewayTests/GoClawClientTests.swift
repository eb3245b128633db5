import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("GoClaw client (goclaw 4, 5, 12)")
struct GoClawClientTests {
    private static let hello = """
        "ok":true,"payload":{"edition":"standard","is_master_scope":true,"is_owner":false,"protocol":3,\
        "role":"admin","server":{"name":"goclaw","version":"v3.14.0"},"tenant_id":"t","user_id":"alice"}
        """

    private static func pending(_ code: String, _ sender: String) -> String {
        """
        "ok":true,"payload":{"pairing_code":"\(code)","protocol":3,"sender_id":"\(sender)",\
        "server":{"name":"goclaw","version":"v3.14.0"},"status":"pending_pairing"}
        """
    }

    private func ready(token: String = "gw-secret") -> GoClawClientEnd {
        let end = GoClawClientEnd(token: token)
        end.open()
        end.answer(Self.hello)
        return end
    }

    private func call(_ end: GoClawClientEnd, _ method: String, final: Bool = false) throws -> UInt64 {
        let method = Text(method)
        var request = CallRequest(method: method.bytes, params: UnsafeRawBufferPointer(start: nil, count: 0))
        request.expectsFinal = final
        let output = OutputRoom(queuedBytes: 0, maxQueuedBytes: 1 << 24, offset: 0)
        guard case .send(let id, _) = try end.machine.call(request, output: output, end.now) else {
            throw Failure(.argument, .none, "the call was not taken")
        }
        return id
    }

    @Test("the client speaks first, and its request is the vector's (4)")
    func connectRequest() throws {
        for item in try cases("cases", of: "frames.json", in: "goclaw") {
            let wanted: [String: Any] = try required("decoded", of: item)
            guard member("method", of: wanted) == "connect" else { continue }
            let params: [String: Any] = try required("params", of: wanted)
            func field(_ name: String) -> [UInt8] { (params[name] as? String ?? "").bytes }
            var settings = ClientSession.Settings()
            var parameters = GoClawParameters()
            parameters.userID = field("user_id")
            parameters.senderID = field("sender_id")
            parameters.tenantID = field("tenant_id")
            parameters.tenantHint = field("tenant_hint")
            parameters.locale = field("locale")
            settings.dialect = .goClaw(parameters)
            let authentication = ClientAuthentication(
                Credentials(token: field("token")), keeper: nil, role: [], scopes: nil)
            let session = ClientSession(
                settings: settings, signer: nil, authentication: authentication, calls: PendingCalls(),
                login: GoClawLogin(senderID: field("sender_id")),
                now: GoClawHouse.start)
            _ = session.opened(now: GoClawHouse.start, wallMilliseconds: 0)
            guard case .send(let frame) = session.tick(GoClawHouse.start) else {
                Issue.record("nothing was sent")
                return
            }
            #expect(canonical(object(text(frame))["params"]) == canonical(params), "\(item["name"] ?? "")")
        }
    }

    @Test(
        "the hello names the effective user, the version and the limit; messages above 512 KiB are refused here (2, 4)")
    func hello() throws {
        let end = ready()
        let hello = try #require(end.hello)
        #expect(hello.protocolVersion == 3 && text(hello.serverVersion) == "v3.14.0" && text(hello.role) == "admin")
        #expect(text(hello.goClaw?.userID ?? []) == "alice" && end.machine.connections == 1)
        let method = Text("m")
        let params = Text([UInt8](repeating: 0x20, count: 524_289))
        let request = CallRequest(method: method.bytes, params: params.bytes)
        let output = OutputRoom(queuedBytes: 0, maxQueuedBytes: 1 << 24, offset: 0)
        do {
            _ = try end.machine.call(request, output: output, end.now)
            Issue.record("it was taken")
        } catch {
            #expect(error.status == .tooBig && error.text.contains("524288") && error.text.contains("5243"))
        }
    }

    @Test("a refused connect ends the login, but for a failure inside the gateway (4, 6)")
    func refused() throws {
        for (code, stops) in [("UNAUTHORIZED", true), ("TENANT_ACCESS_REVOKED", true), ("INTERNAL", false)] {
            let end = GoClawClientEnd(token: "nope")
            end.open()
            end.answer(#""ok":false,"error":{"code":"\#(code)","message":"m"}"#)
            let verdict = try #require(end.verdict)
            #expect(verdict.stopsReconnecting == stops && text(verdict.failure.name) == code)
            #expect((end.lose().retryMilliseconds == nil) == stops, "\(code)")
        }
    }

    @Test("a viewer who brought a token was not authenticated, but for API keys of newer gateways (4)")
    func viewerTrap() {
        func role(token: String, edition: Bool) -> Bool {
            let end = GoClawClientEnd(token: token)
            end.open()
            let edition = edition ? #""edition":"standard","# : ""
            end.answer(#""ok":true,"payload":{\#(edition)"protocol":3,"role":"viewer","user_id":""}"#)
            return end.hello != nil
        }
        #expect(!role(token: "gw-secret", edition: false) && !role(token: "gw-secret", edition: true))
        #expect(!role(token: "goclaw_00", edition: false) && role(token: "goclaw_00", edition: true))
        #expect(role(token: "", edition: false))
    }

    @Test("pairing: the code is shown, asked after every 3 s, and approval connects again with the sender id (5)")
    func pairing() {
        let end = GoClawClientEnd()
        end.open()
        end.answer(Self.pending("K7LMN2PQ", "s1"))
        #expect(end.told == ["requested K7LMN2PQ s1"] && end.hello == nil)
        for _ in 0..<3 {
            end.advance(2_999)
            #expect(end.sentMethod != "browser.pairing.status" || end.sent.count > 1)
            let before = end.sent.count
            end.advance(1)
            #expect(end.sent.count == before + 1 && end.sentMethod == "browser.pairing.status")
            end.answer(#""ok":true,"payload":{"status":"pending"}"#)
        }
        end.advance(3_000)
        end.answer(#""ok":true,"payload":{"status":"approved"}"#)
        #expect(end.told.last == "approved K7LMN2PQ s1" && end.sentMethod == "connect")
        #expect(end.sent.last?.contains(#""sender_id":"s1""#) == true)
        end.answer(Self.hello)
        #expect(end.hello != nil)
        // From then on the sender id is what lets it in.
        _ = end.lose()
        end.open()
        #expect(end.sent.last?.contains(#""sender_id":"s1""#) == true)
    }

    @Test("a question without an answer is asked again, a limited one later (2, 5, 7)")
    func lostAnswers() {
        let end = GoClawClientEnd()
        end.open()
        end.answer(Self.pending("A", "s1"))
        end.advance(3_000)
        let first = end.sentID
        end.advance(15_000)
        #expect(end.sentID != first && end.sentMethod == "browser.pairing.status")
        end.answer(#""ok":false,"error":{"code":"RESOURCE_EXHAUSTED","message":"rate limited"}"#)
        let second = end.sentID
        end.advance(5_999)
        #expect(end.sentID == second)
        end.advance(1)
        #expect(end.sentID != second)
    }

    @Test("an expired code ends the client, which says who must act (5)")
    func expired() throws {
        let end = GoClawClientEnd()
        end.open()
        end.answer(Self.pending("A", "s1"))
        end.advance(3_000)
        end.answer(#""ok":true,"payload":{"status":"expired"}"#)
        end.advance(0)
        #expect(end.told == ["requested A s1", "expired A s1", "close pairing expired"])
        let verdict = try #require(end.verdict)
        #expect(verdict.stopsReconnecting && verdict.failure.actor == .user)
        #expect(end.lose().retryMilliseconds == nil)
    }

    @Test("lost connections never make more than three requests, and the first code stays the one that counts (5)")
    func noLoop() throws {
        let end = GoClawClientEnd()
        for place in 0..<3 {
            end.open()
            #expect(end.sentMethod == "connect")
            end.answer(Self.pending("CODE\(place)", "s\(place)"))
            end.advance(3_000)
            #expect(end.sent.last?.contains(#""sender_id":"s0""#) == true)
            #expect(end.lose().retryMilliseconds != nil)
        }
        #expect(end.told == ["requested CODE0 s0"])
        end.open()
        #expect(end.sent.isEmpty)
        #expect(try #require(end.verdict).failure.text.contains("CODE0") && end.lose().retryMilliseconds == nil)
    }

    @Test("pings alone keep a connection, 65 s of silence end it even with calls in flight (2)")
    func silence() throws {
        let end = ready()
        _ = try call(end, "chat.send")
        for _ in 0..<4 {
            end.advance(30_000)
            end.machine.heard(end.now)
        }
        #expect(end.told.isEmpty)
        end.advance(64_000)
        #expect(end.told.isEmpty)
        end.advance(2_000)
        #expect(end.told == ["close tick timeout"])
    }

    @Test("every call has a time limit, chat.send a long one (2, 9)")
    func limits() throws {
        let end = ready()
        let short = try call(end, "health")
        let long = try call(end, "chat.send")
        let final = try call(end, "other", final: true)
        func pass(_ milliseconds: UInt32) {
            for _ in 0..<(milliseconds / 10_000) {
                end.machine.heard(end.now)
                end.advance(10_000)
            }
        }
        pass(30_000)
        #expect(end.told == ["ended \(short) -610"])
        pass(560_000)
        #expect(end.told.count == 1)
        pass(10_000)
        #expect(Set(end.told) == ["ended \(short) -610", "ended \(long) -610", "ended \(final) -610"])
    }

    @Test("a call that has waited for its connection has the time limits of this dialect too (2, 9)")
    func keptLimits() throws {
        let end = GoClawClientEnd(token: "gw-secret", keepsCalls: true)
        let method = Text("chat.send")
        let request = CallRequest(method: method.bytes, params: UnsafeRawBufferPointer(start: nil, count: 0))
        let kept = try end.machine.call(request, output: nil, end.now).id
        end.open()
        end.answer(Self.hello)
        guard case .frame = end.machine.next(offset: 0, end.now) else {
            Issue.record("the call is not sent")
            return
        }
        for second in 1...600 {
            #expect(end.told.isEmpty, "ended after \(second - 1) s")
            end.machine.heard(end.now)
            end.advance(1000)
        }
        #expect(end.told == ["ended \(kept) -610"])
    }

    @Test("answers find their calls in any order, and events without seq show no gap (2, 3)")
    func order() throws {
        let end = ready()
        let chat = try call(end, "chat.send")
        let status = try call(end, "status")
        end.receive(#"{"type":"event","event":"agent","payload":{}}"#)
        end.receive(#"{"type":"res","id":"\#(wireID(status))","ok":true,"payload":{}}"#)
        end.receive(#"{"type":"event","event":"agent","payload":{}}"#)
        end.receive(#"{"type":"res","id":"\#(wireID(chat))","ok":true,"payload":{}}"#)
        #expect(end.told == ["event 0", "answered \(status)", "event 0", "answered \(chat)"])
    }

    @Test("tenant.access.revoked ends the login of the user whom it names, nobody else's (11)")
    func revoked() throws {
        let end = ready()
        end.receive(#"{"type":"event","event":"tenant.access.revoked","payload":{"user_id":"bob","tenant_id":"t"}}"#)
        #expect(end.told == ["event 0"])
        end.receive(#"{"type":"event","event":"tenant.access.revoked","payload":{"user_id":"alice","tenant_id":"t"}}"#)
        #expect(try #require(end.verdict).stopsReconnecting && end.lose().retryMilliseconds == nil)
    }

    @Test("a challenge tells that the gateway speaks OpenClaw's dialect (14)")
    func wrongDialect() throws {
        let end = GoClawClientEnd(token: "t")
        end.open()
        end.receive(ClientEnd.challenge)
        #expect(try #require(end.verdict).failure.text.contains("GW_DIALECT_OPENCLAW"))
    }

    @Test("detection: a challenge makes it OpenClaw, none within 3 s GoClaw, which is remembered (14)")
    func detection() {
        let openClaw = GoClawClientEnd(token: "t", detects: true)
        openClaw.open()
        #expect(openClaw.sent.isEmpty)
        openClaw.receive(ClientEnd.challenge)
        #expect(openClaw.sent.last?.contains("minProtocol") == true)
        let goClaw = GoClawClientEnd(token: "t", detects: true)
        goClaw.open()
        goClaw.advance(2_999)
        #expect(goClaw.sent.isEmpty)
        goClaw.advance(1)
        #expect(goClaw.sentMethod == "connect")
        goClaw.answer(Self.hello)
        _ = goClaw.lose()
        goClaw.open()
        #expect(goClaw.sentMethod == "connect")
    }
}
