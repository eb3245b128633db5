import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Connect params against the closed schema (openclaw-gateway 3.3)")
struct ConnectRequestTests {
    /// Why params are refused, nil if they fit.
    private func refusal(_ params: Any) -> String? {
        let message = Text(json(params))
        do throws(ConnectRequest.SchemaError) {
            _ = try ConnectRequest(message.scan(), in: message.bytes)
            return nil
        } catch {
            return error.message
        }
    }

    private static var full: [String: Any] {
        [
            "minProtocol": 3, "maxProtocol": 4,
            "client": [
                "id": "cli", "displayName": "d", "version": "1", "platform": "linux", "deviceFamily": "f",
                "modelIdentifier": "m", "mode": "cli", "instanceId": "i", "buildId": "b", "timeZone": "UTC",
            ],
            "caps": ["tool-events", "whatever"], "commands": ["c"], "permissions": ["p": true, "q": false],
            "pathEnv": "",
            "role": "operator", "scopes": ["operator.read", "other"],
            "device": ["id": "i", "publicKey": "k", "signature": "s", "signedAt": 0, "nonce": "n"],
            "auth": [
                "token": "", "bootstrapToken": "b", "deviceToken": "d", "password": "p", "approvalRuntimeToken": "",
                "agentRuntimeIdentityToken": "",
            ],
            "locale": "", "userAgent": "u",
        ]
    }

    /// `full` with the value at a path replaced; without it where the value is nil.
    private func changed(_ path: String, _ value: Any?) -> [String: Any] {
        var params = Self.full
        let names = path.split(separator: "/").map(String.init)
        if names.count == 1 {
            params[names[0]] = value
        } else {
            var inner = params[names[0]] as? [String: Any] ?? [:]
            inner[names[1]] = value
            params[names[0]] = inner
        }
        return params
    }

    @Test("all members together fit, and so do the required ones alone")
    func fitting() {
        #expect(refusal(Self.full) == nil)
        let client = ["id": "test", "version": "1", "platform": "p", "mode": "test"]
        #expect(refusal(["minProtocol": 1, "maxProtocol": 1, "client": client]) == nil)
    }

    @Test("what was read is what was sent, with role operator and no scopes by default")
    func values() throws {
        let message = Text(json(Self.full))
        let request = try ConnectRequest(message.scan(), in: message.bytes)
        #expect(request.minProtocol == 3 && request.maxProtocol == 4)
        #expect(text(request.clientID) == "cli" && text(request.clientMode) == "cli")
        #expect(text(request.displayName) == "d" && text(request.deviceFamily) == "f")
        #expect(request.scopes.map { text($0) } == ["operator.read", "other"])
        #expect(request.token == [] && text(request.signedToken) == "")
        #expect(request.device?.signedAtMilliseconds == 0)

        let short = Text(json(ServerEnd.params(["role": nil, "scopes": nil])))
        let defaults = try ConnectRequest(short.scan(), in: short.bytes)
        #expect(text(defaults.role) == "operator" && defaults.scopes.isEmpty && defaults.device == nil)
        #expect(defaults.token == nil && defaults.signedToken.isEmpty)
    }

    @Test(
        "required members",
        arguments: [
            "minProtocol", "maxProtocol", "client", "client/id", "client/version", "client/platform", "client/mode",
            "device/id", "device/publicKey", "device/signature", "device/signedAt", "device/nonce",
        ])
    func required(_ path: String) { #expect(refusal(changed(path, nil)) == "at /\(path): is required") }

    @Test("unknown members, at every level", arguments: ["x", "client/x", "device/x", "auth/x"])
    func unknown(_ path: String) throws {
        let message = try #require(refusal(changed(path, 1)))
        #expect(message.contains("unexpected property 'x'"))
        if let level = path.split(separator: "/").dropLast().first { #expect(message.contains("at /\(level)")) }
    }

    @Test(
        "null is no value of an optional member",
        arguments: [
            "caps", "commands", "permissions", "pathEnv", "role", "scopes", "device", "auth", "locale", "userAgent",
            "client/displayName", "client/deviceFamily", "client/modelIdentifier", "client/instanceId",
            "client/buildId",
            "client/timeZone", "auth/token", "auth/bootstrapToken", "auth/deviceToken", "auth/password",
            "auth/approvalRuntimeToken", "auth/agentRuntimeIdentityToken",
        ])
    func null(_ path: String) { #expect(refusal(changed(path, NSNull())) != nil) }

    @Test(
        "names must not be empty; texts may be",
        arguments: [
            ("client/displayName", false), ("client/version", false), ("client/platform", false),
            ("client/instanceId", false),
            ("client/deviceFamily", false), ("client/modelIdentifier", false), ("client/buildId", false),
            ("client/timeZone", false), ("role", false), ("device/id", false), ("device/nonce", false),
            ("pathEnv", true),
            ("locale", true), ("userAgent", true), ("auth/token", true), ("auth/password", true),
        ])
    func empty(_ path: String, _ isAllowed: Bool) { #expect((refusal(changed(path, "")) == nil) == isAllowed) }

    @Test("lengths of the build id and the time zone", arguments: [("client/buildId", 96), ("client/timeZone", 64)])
    func lengths(_ path: String, _ limit: Int) {
        #expect(refusal(changed(path, String(repeating: "ä", count: limit))) == nil)
        #expect(refusal(changed(path, String(repeating: "a", count: limit + 1))) != nil)
    }

    @Test(
        "numbers are integers from their minimum",
        arguments: [
            ("minProtocol", 1), ("maxProtocol", 1), ("device/signedAt", 0),
        ])
    func integers(_ path: String, _ minimum: Int) {
        #expect(refusal(changed(path, minimum)) == nil)
        #expect(refusal(changed(path, Int64.max)) == nil)
        for bad in [minimum - 1, minimum - 2, 1.5, "1", true, [1], -1e300, 1e300] as [Any] {
            #expect(refusal(changed(path, bad)) != nil, "\(bad)")
        }
    }

    @Test("lists hold names alone", arguments: ["caps", "commands", "scopes"])
    func lists(_ path: String) {
        #expect(refusal(changed(path, [String]())) == nil)
        for bad in ["a", ["a": "b"], [""], ["a", 7], [["a"]], [NSNull()]] as [Any] {
            #expect(refusal(changed(path, bad)) != nil, "\(bad)")
        }
    }

    @Test("permissions map names to booleans")
    func permissions() {
        #expect(refusal(changed("permissions", [String: Any]())) == nil)
        for bad in [["a": 1], ["a": NSNull()], ["": true], ["a": true, "b": "true"], [true]] as [Any] {
            #expect(refusal(changed("permissions", bad)) != nil, "\(bad)")
        }
    }

    @Test("ids and modes are exactly those of 3.4")
    func closedLists() {
        for id in ConnectParameters.knownClientIDs { #expect(refusal(changed("client/id", text(id))) == nil) }
        for mode in ConnectParameters.knownClientModes { #expect(refusal(changed("client/mode", text(mode))) == nil) }
        for bad in ["control-center", "CLI", "cli ", "gateway-client\u{0}", ""] {
            #expect(refusal(changed("client/id", bad)) != nil)
        }
        for bad in ["operator", "ios-node", "Backend"] { #expect(refusal(changed("client/mode", bad)) != nil) }
    }

    @Test("params of another kind")
    func otherKinds() {
        for params in [[1], "x", 7, NSNull()] as [Any] { #expect(refusal(params) == "must be an object") }
        let nothing = Text("x")
        #expect(throws: ConnectRequest.SchemaError.self) { try ConnectRequest(nil, in: nothing.bytes) }
    }

    @Test("the message of a refusal shows no credential")
    func noSecrets() {
        for path in ["auth/token", "auth/password", "device/signature"] {
            var params = changed(path, "SECRET")
            params["auth"] = (params["auth"] as? [String: Any])?.merging(["x": "SECRET", "deviceToken": 7]) { $1 }
            params["x"] = "SECRET"
            #expect(refusal(params).map { !$0.contains("SECRET") } == true)
        }
    }
}
