import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("hello-ok (openclaw-gateway 3.7)")
struct HelloTests {
    private func hello(_ payload: String) throws -> Hello {
        let message = Text(payload)
        return try Hello(message.scan(), in: message.bytes, offered: 3...4)
    }

    @Test(
        "no device token is left in what the host is shown, wherever and however it is written",
        arguments: [
            #"{"auth":{"deviceToken":"SECRET"}}"#,
            #"{"auth":{"deviceToken":"SEC\u0052ET","deviceToken" : "SECRET" }}"#,
            #"{"auth":{"device\u0054oken":"SECRET","\u0064eviceToken":"SECRET"}}"#,
            #"{"auth":{"deviceTokens":[{"deviceToken":"SECRET","role":"r"},7,{"deviceToken":"SECRET"},[]]}}"#,
            #"{"auth":{"device\u0054okens":[{"role":"r","deviceT\u006fken":"SECRET"}]}}"#,
            #"{"auth":{"deviceTokens":[[{"deviceToken":"SECRET"}]]}}"#,
            #"{"auth":{"deviceTokens":{"node":{"deviceToken":"SECRET"}}}}"#,
            #"{"auth":{"deviceToken":"SECRET"},"auth":{"role":"operator"}}"#,
            #"{"auth":{"deviceToken":"SECRET"},"auth":null}"#,
            #"{"auth":[{"deviceToken":"SECRET"}]}"#,
            #"{"deviceToken":"SECRET"}"#,
            #"{"snapshot":{"deep":[[{"er":{"deviceToken":"SECRET"}}]]}}"#,
            #"{"auth":{"deviceToken":{"value":"SECRET","deviceToken":"SECRET"}}}"#,
            #"{"auth":{"deviceToken":["SECRET",{"deviceToken":["SECRET"]}]}}"#,
            #"{"auth":{"deviceToken":"a\"b\\","x":"deviceToken","y":["deviceToken","kept"],"deviceToken":"SECRET"}}"#,
            "{\"auth\":{\"deviceToken\"\t:\r\n \"SECRET\"\n}}",
        ])
    func redaction(_ payload: String) throws {
        let redacted = text(try hello(payload).redacted)
        #expect(!redacted.contains("SEC"), "\(redacted)")
        #expect(!object(redacted).isEmpty, "\(redacted)")
        #expect(redacted.contains("null"))
    }

    @Test("everything else is shown as it came")
    func restIsKept() throws {
        for payload in [
            #"{ "a" : [1.50, "\u0061", {"deviceTokens":[]}], "auth" : {"scopes":["x"]} }"#,
            #"{"deviceTokenX":"kept","x":"deviceToken","list":["deviceToken",":","kept"]}"#,
        ] {
            #expect(text(try hello(payload).redacted) == payload)
        }
        let payload = #"{"auth":{"role":"operator","deviceToken":12,"scopes":[]},"z":1}"#
        let redacted = #"{"auth":{"role":"operator","deviceToken":null,"scopes":[]},"z":1}"#
        #expect(text(try hello(payload).redacted) == redacted)
    }

    @Test("members of the wrong kind are as good as absent")
    func wrongKinds() throws {
        let read = try hello(
            #"{"server":[],"auth":{"role":7,"scopes":"x"},"policy":{"maxPayload":-1,"tickIntervalMs":{}},"connId":null}"#
        )
        #expect(read.protocolVersion == 4 && read.connectionID.isEmpty && read.serverVersion.isEmpty)
        #expect(read.role.isEmpty && read.scopes == nil)
        #expect(read.maxPayloadBytes == Limits.messageBytes && read.tickMilliseconds == Limits.tickMilliseconds)
        #expect(try hello(#"{"policy":{"maxPayload":1e12}}"#).maxPayloadBytes == .max)
        #expect(try hello(#"{"auth":{"scopes":["a",7,"b"]}}"#).scopes == ["a".bytes, "b".bytes])
    }

    @Test("a protocol outside of what was offered is refused, with both sides in the text (3.9)")
    func protocolRange() {
        do throws(Failure) {
            let message = Text(#"{"protocol":5}"#)
            _ = try Hello(message.scan(), in: message.bytes, offered: 3...4)
            Issue.record("taken")
        } catch {
            #expect(error.status == .protocolRange && error.text.contains("5") && error.text.contains("3 to 4"))
        }
    }
}
