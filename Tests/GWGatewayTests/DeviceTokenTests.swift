import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Device tokens (openclaw-gateway 4.5, 5.7)")
struct DeviceTokenTests {
    private func tokens(_ value: Any?) -> DeviceTokens? {
        let message = Text(value is NSNull || value == nil ? "null" : json(value ?? 0))
        return message.scan().flatMap { DeviceTokens($0, in: message.bytes) }
    }

    /// As in the vectors.
    private func shape(_ tokens: DeviceTokens?) -> Any {
        guard let tokens else { return NSNull() }
        var roles: [String: Any] = [:]
        for token in tokens.all {
            roles[text(token.role)] =
                [
                    "token": text(token.token), "role": text(token.role), "scopes": token.scopes.map { text($0) },
                    "updatedAtMs": token.updatedAtMilliseconds,
                ] as [String: Any]
        }
        return ["version": 1, "deviceId": text(tokens.deviceID), "tokens": roles] as [String: Any]
    }

    private func token(_ text: String, role: String = "operator", scopes: [String] = [], at time: UInt64 = 0)
        -> DeviceToken
    {
        DeviceToken(
            role: role.bytes, token: text.bytes, scopes: scopes.map(\.bytes), updatedAtMilliseconds: time)
    }

    @Test("scopes and roles of the vectors")
    func normalization() throws {
        for item in try cases("scopes", of: "token-store.json") {
            let scopes = item["input"] as? [String] ?? []
            let wanted: [String] = try required("output", of: item)
            #expect(Scope.normalized(scopes.map(\.bytes)).map { text($0) } == wanted)
        }
        for item in try cases("roles", of: "token-store.json") {
            let role: String = try required("input", of: item)
            #expect(text(token("t", role: role).role) == member("output", of: item))
        }
    }

    @Test("each text of the vectors is read, or refused")
    func read() throws {
        for item in try cases("coerce", of: "token-store.json") {
            #expect(canonical(shape(tokens(item["input"]))) == canonical(item["output"]), "\(canonical(item["input"]))")
        }
        let example: String = try #require(try vectors("token-store.json")["fileTextExample"] as? String)
        let message = Text(example)
        let read = try #require(message.scan().flatMap { DeviceTokens($0, in: message.bytes) })
        #expect(canonical(shape(read)) == canonical(json: example))
    }

    @Test("each update of the vectors")
    func store() throws {
        for item in try cases("store", of: "token-store.json") {
            let name: String = try required("name", of: item)
            let call: [String: Any] = try required("call", of: item)
            let deviceID: String = try required("deviceId", of: call)
            var kept = tokens(item["existing"]) ?? DeviceTokens(deviceID: deviceID.bytes)
            kept.store(
                token(
                    try required("token", of: call), role: try required("role", of: call),
                    scopes: try required("scopes", of: call), at: try required("nowMs", of: call)),
                deviceID: deviceID.bytes)
            #expect(canonical(shape(kept)) == canonical(item["result"]), "\(name)")
        }
    }

    @Test("each look-up of the vectors")
    func load() throws {
        for item in try cases("load", of: "token-store.json") {
            let deviceID: String = try required("deviceId", of: item)
            let role: String = try required("role", of: item)
            let found = tokens(item["store"])?.token(deviceID: deviceID.bytes, role: role.bytes)
            #expect((found != nil) == member("found", of: item))
        }
    }

    @Test("a token that is issued again keeps the scopes it was stored with; a new one brings its own (5.7)")
    func keep() {
        var kept = DeviceTokens(deviceID: "d".bytes)
        kept.keep([token("A", role: "", scopes: ["operator.write"])], role: "operator".bytes, wallMilliseconds: 1)
        #expect(kept.all.map { text($0.role) } == ["operator"] && kept.all[0].scopes.count == 2)
        kept.keep([token("A", role: "operator")], role: "x".bytes, wallMilliseconds: 2)
        #expect(kept.all.count == 1 && kept.all[0].scopes.count == 2 && kept.all[0].updatedAtMilliseconds == 2)
        kept.keep([token("B"), token("N", role: "node")], role: "x".bytes, wallMilliseconds: 3)
        #expect(kept.all.map { text($0.token) } == ["B", "N"] && kept.all[0].scopes.isEmpty)
    }

    @Test("only the token that was refused is removed, not the one that has replaced it")
    func forget() {
        var kept = DeviceTokens(deviceID: "d".bytes)
        kept.store(token("new"), deviceID: "d".bytes)
        #expect(!kept.forget(token("old")) && kept.all.count == 1)
        #expect(!kept.forget(token("new", role: "node")) && kept.all.count == 1)
        #expect(kept.forget(token("new")) && kept.all.isEmpty)
    }

    // MARK: - The file

    private func read(_ json: String) -> DeviceTokenFile? {
        let message = Text(json)
        return DeviceTokenFile(message.bytes)
    }

    @Test("a file holds the tokens of several gateways and devices, each found by its own")
    func file() throws {
        var file = DeviceTokenFile()
        let hostile = "wss://h\u{e9}\"\\:1".bytes
        for (gateway, device, value) in [
            ("wss://a:443".bytes, "d1", "1"), ("wss://a:443".bytes, "d2", "2"), (hostile, "d1", "3\"\\x"),
        ] {
            var tokens = DeviceTokens(deviceID: device.bytes)
            tokens.store(token(value, scopes: ["operator.read", "a\"b"], at: 7), deviceID: device.bytes)
            file[gateway, device.bytes] = tokens
        }
        let written = text(file.write())
        #expect(!object(written).isEmpty, "\(written)")
        let again = try #require(read(written))
        #expect(text(again.write()) == written)
        #expect(text(again["wss://a:443".bytes, "d2".bytes].all[0].token) == "2")
        #expect(text(again[hostile, "d1".bytes].all[0].token) == "3\"\\x")
        #expect(again[hostile, "d2".bytes].all.isEmpty && again["ws://a:80".bytes, "d1".bytes].all.isEmpty)

        var emptied = again
        emptied[hostile, "d1".bytes] = DeviceTokens(deviceID: "d1".bytes)
        #expect(!text(emptied.write()).contains("d\\\\"))
        #expect(emptied["wss://a:443".bytes, "d1".bytes].all.count == 1)
    }

    @Test("what is no token file is not taken for an empty one")
    func foreignFiles() {
        for text in [
            "", "x", "null", "[]", "{}", #"{"version":2,"gateways":[]}"#, #"{"version":1}"#,
            #"{"version":1,"gateways":{}}"#, #"{"version":1,"deviceId":"d","tokens":{}}"#,
        ] {
            #expect(read(text) == nil, "\(text)")
        }
        let odd =
            #"{"version":1,"gateways":[7,{},{"gateway":"g","version":1,"deviceId":"d","tokens":{"r":{"token":"t"}}}]}"#
        #expect(read(odd)?["g".bytes, "d".bytes].all.count == 1)
    }

    // MARK: - The hello

    @Test("the hello's tokens, that of this role first, and no more than a hello may bring (3.7)")
    func hello() throws {
        func tokens(_ auth: String) throws -> [String] {
            let message = Text(#"{"auth":\#(auth)}"#)
            return try Hello(message.scan(), in: message.bytes, offered: 3...4).deviceTokens.map {
                "\(text($0.role)):\(text($0.token)):\($0.scopes.map { text($0) }.joined(separator: ","))"
            }
        }
        #expect(
            try tokens(
                #"{"role":"operator","scopes":["b","a"],"deviceToken":"T","deviceTokens":[{"deviceToken":"N","role":"node","scopes":[]}]}"#
            ) == ["operator:T:a,b", "node:N:"])
        #expect(try tokens(#"{"deviceToken":7,"deviceTokens":[7,{"role":"x"},{"deviceToken":"N"}]}"#) == [":N:"])
        #expect(try tokens("null").isEmpty && tokens(#"{"deviceTokens":{}}"#).isEmpty)
        let many = Array(repeating: #"{"deviceToken":"N","role":"r"}"#, count: 100).joined(separator: ",")
        #expect(try tokens(#"{"deviceTokens":[\#(many)]}"#).count == Limits.deviceTokens)
        let long = String(repeating: "x", count: Limits.deviceTokenBytes)
        #expect(try tokens(#"{"deviceToken":"\#(long)"}"#).isEmpty)
    }
}
