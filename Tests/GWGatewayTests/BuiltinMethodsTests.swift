import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Built-in methods (openclaw-gateway 8)")
struct BuiltinMethodsTests {
    private static let start = Instant(microseconds: 1_000_000)

    private func answer(
        _ method: String, _ params: String? = nil, scopes: [String] = ["operator.write"], protocolVersion: UInt32 = 4
    ) -> BuiltinMethods.Answer {
        let name = Text(method)
        let message = Text(params ?? "null")
        return BuiltinMethods(wallMilliseconds: 1).answer(
            name.bytes, params == nil ? nil : message.scan(), in: message.bytes, scopes: scopes.map(\.bytes),
            protocolVersion: protocolVersion, wallMilliseconds: 2, now: Self.start)
    }

    private func run(_ said: String, protocolVersion: UInt32 = 4) throws -> ChatRun {
        let params = json(["sessionKey": "main", "message": said, "idempotencyKey": "run-1"])
        guard case .run(let run) = answer("chat.send", params, protocolVersion: protocolVersion) else {
            throw Failure(.state, .none, "chat.send does not run")
        }
        return run
    }

    @Test("replies are JSON with the members that clients read")
    func replies() {
        for (method, members) in [
            (
                "health",
                [
                    "ok", "ts", "durationMs", "channels", "channelOrder", "channelLabels", "defaultAgentId", "agents",
                    "sessions",
                ]
            ),
            ("agents.list", ["defaultId", "mainKey", "scope", "agents"]),
            ("sessions.list", ["ts", "path", "count", "defaults", "sessions"]),
        ] {
            guard case .reply(let payload) = answer(method) else {
                Issue.record("no reply to \(method)")
                continue
            }
            #expect(Set(object(text(payload)).keys).isSuperset(of: members), "\(method)")
        }
    }

    @Test("scopes are asked for, in the words of either protocol (2.4)")
    func scopes() throws {
        for (method, needed) in [
            ("health", "operator.read"), ("agents.list", "operator.read"), ("sessions.list", "operator.read"),
            ("chat.send", "operator.write"),
        ] {
            for (version, code) in [(UInt32(3), "INVALID_REQUEST"), (4, "FORBIDDEN")] {
                guard case .reject(let rejection) = answer(method, "{}", scopes: [], protocolVersion: version) else {
                    Issue.record("\(method) without a scope")
                    continue
                }
                #expect(text(rejection.code) == code && text(rejection.message) == "missing scope: \(needed)")
                let details = object(text(rejection.details))
                #expect(details["missingScope"] as? String == (version == 3 ? nil : needed))
            }
            guard case .reject = answer(method, "{}", scopes: ["operator.pairing"]) else {
                Issue.record("\(method) with another scope")
                continue
            }
        }
        guard case .reject = answer("chat.send", "{}", scopes: ["operator.read"]) else {
            Issue.record("chat.send with read")
            return
        }
        guard case .reply = answer("health", scopes: ["operator.admin"]) else {
            Issue.record("admin implies everything")
            return
        }
    }

    @Test("other names are the host's", arguments: ["", "healt", "health2", "Health", "chat.sendx", "chat"])
    func notBuiltin(_ method: String) {
        guard case .notBuiltin = answer(method) else {
            Issue.record("answered")
            return
        }
    }

    @Test("chat.send without one of its required texts is refused, and says which")
    func requiredParams() {
        let full = ["sessionKey": "k", "message": "m", "idempotencyKey": "i"]
        for name in full.keys {
            for value in [nil, "", 7, NSNull(), ["a"]] as [Any?] {
                var params: [String: Any] = full
                params[name] = value
                guard case .reject(let rejection) = answer("chat.send", json(params)) else {
                    Issue.record("\(name) not asked for")
                    continue
                }
                #expect(text(rejection.code) == "INVALID_REQUEST" && text(rejection.message).contains(name))
            }
        }
        for params in [nil, "[]", "null", "7"] {
            guard case .reject = answer("chat.send", params) else {
                Issue.record("taken: \(params ?? "nothing")")
                continue
            }
        }
        var params: [String: Any] = full
        params["sessionKey"] = String(repeating: "k", count: 513)
        guard case .reject = answer("chat.send", json(params)) else {
            Issue.record("a session key of 513 bytes")
            return
        }
    }

    /// All payloads of a run, stepped at its own times.
    private func events(_ run: inout ChatRun) -> [[String: Any]] {
        var events: [[String: Any]] = []
        while true {
            guard case .wait = run.step(Instant(microseconds: run.nextStep.microseconds - 1), wallMilliseconds: 3)
            else {
                Issue.record("too early")
                return events
            }
            guard case .event(let payload, let isFinal) = run.step(run.nextStep, wallMilliseconds: 3) else {
                Issue.record("no step")
                return events
            }
            events.append(object(text(payload)))
            if isFinal { return events }
        }
    }

    private func shown(_ event: [String: Any]) -> String? {
        let content: [[String: Any]]? = member("content", of: event["message"])
        return member("text", of: content?.first)
    }

    @Test(
        "the deltas of a run, put together, are its final text",
        arguments: [
            "hello", "two words", "  leading and   inner   ", "\"quotes\\ and \n lines\"",
            "ä ✓ 🦜 \u{1f9d1}\u{200d}\u{1f680} x",
            " ", "a", "e\u{301} \u{301}", String(repeating: "✓", count: 5000), String(repeating: "ab ", count: 3000),
        ])
    func deltas(_ said: String) throws {
        var run = try run(said)
        let events = events(&run)
        var joined = ""
        for (index, event) in events.enumerated() {
            #expect(event["runId"] as? String == "run-1" && event["sessionKey"] as? String == "main")
            #expect(event["seq"] as? Int == index + 1)
            let isLast = index == events.count - 1
            #expect(event["state"] as? String == (isLast ? "final" : "delta"))
            if isLast {
                #expect(event["deltaText"] == nil)
            } else {
                joined += try #require(event["deltaText"] as? String)
            }
            #expect(shown(event)?.utf8.elementsEqual(joined.utf8) == true)
        }
        #expect(joined.utf8.elementsEqual("You said: \(said)".utf8))
        #expect(events.count >= 3 && events.count <= 66)
    }

    @Test("protocol 3 sends snapshots without deltaText (0.2)")
    func oldDeltas() throws {
        var run = try run("two words", protocolVersion: 3)
        let events = events(&run)
        #expect(events.allSatisfy { $0["deltaText"] == nil })
        #expect(events.last.flatMap { shown($0) } == "You said: two words")
    }

    @Test("the first and the last answer of a run")
    func answers() throws {
        let run = try run("x")
        let accepted = #"{"acceptedAt":9,"runId":"run-1","status":"accepted"}"#
        #expect(canonical(json: text(run.accepted(wallMilliseconds: 9))) == accepted)
        #expect(canonical(json: text(run.final())) == #"{"runId":"run-1","status":"ok","summary":"completed"}"#)
    }

    @Test("a long message is answered in a bounded number of events, and one that is too long is refused")
    func longMessages() throws {
        var run = try run(String(repeating: "a ", count: 100_000))
        #expect(events(&run).count <= 66)
        let params = json([
            "sessionKey": "k", "message": String(repeating: "a", count: 262_145), "idempotencyKey": "i",
        ])
        guard case .reject(let rejection) = answer("chat.send", params) else {
            Issue.record("taken")
            return
        }
        #expect(text(rejection.message).contains("262144"))
    }
}
