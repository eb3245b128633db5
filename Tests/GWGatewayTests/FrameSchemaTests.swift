import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Request frames against the closed schema (openclaw-gateway 2.1)")
struct FrameSchemaTests {
    private func verdict(_ json: String) -> String {
        var members = JSONMembers()
        let message = Text(json)
        switch FrameSchema.readRequest(message.bytes, &members) {
        case .request: return "valid"
        case .invalid: return "invalid"
        case .malformed: return "malformed"
        }
    }

    @Test("the requests of the vectors, and no other frame passes as one")
    func schema() throws {
        for item in try cases("cases", of: "frames.json") {
            let text: String = try required("text", of: item)
            let isRequest = object(text)["type"] as? String == "req"
            let isBroken = member("clientGuard", of: item) == "parse-error"
            let wanted = isRequest ? member("schema", of: item) ?? "" : isBroken ? "malformed" : "invalid"
            #expect(verdict(text) == wanted, "\(text)")
        }
    }

    @Test(
        "members one by one",
        arguments: [
            (#"{"id":"1","method":"m","type":"req"}"#, "valid"),
            (#"{"type":"\u0072eq","id":"1","m\u0065thod":"m"}"#, "valid"),
            (#"{"type":"req","id":"1","method":"m","params":7}"#, "valid"),
            (#"{"type":"req","id":"1","method":"m","traceparent":""}"#, "valid"),
            (#"{"type":"req","id":"1","method":"m","traceparent":null}"#, "invalid"),
            (#"{"type":"req","id":"","method":"m"}"#, "invalid"),
            (#"{"type":"req","method":"m"}"#, "invalid"),
            (#"{"type":"req","id":"1"}"#, "invalid"),
            (#"{"id":"1","method":"m"}"#, "invalid"),
            (#"{"type":"REQ","id":"1","method":"m"}"#, "invalid"),
            (#"{"type":"req","id":null,"method":"m"}"#, "invalid"),
            (#"{"type":"req","id":"1","method":7}"#, "invalid"),
            (#"{"type":"req","id":"1","method":"m","":0}"#, "invalid"),
            (#"[{"type":"req","id":"1","method":"m"}]"#, "invalid"),
            (#"{"type":"req","id":"1","method":"m"} x"#, "malformed"),
            ("", "malformed"),
        ])
    func members(_ json: String, _ wanted: String) { #expect(verdict(json) == wanted) }

    @Test("traceparent has at most 128 characters")
    func traceparent() {
        func frame(_ trace: String) -> String {
            verdict(#"{"type":"req","id":"1","method":"m","traceparent":"\#(trace)"}"#)
        }
        #expect(frame(String(repeating: "a", count: 128)) == "valid")
        #expect(frame(String(repeating: "a", count: 129)) == "invalid")
        #expect(frame(String(repeating: "ä", count: 128)) == "valid")
        #expect(frame(String(repeating: "\\n", count: 128)) == "valid")
    }

    @Test("an object with more members than are recorded is read like any other")
    func manyMembers() {
        let unknown = (0..<40).map { #""f\#($0)":0,"# }.joined()
        #expect(verdict("{" + unknown + #""type":"req","id":"1","method":"m"}"#) == "invalid")
        let repeated = String(repeating: #""params":0,"#, count: 40)
        #expect(verdict("{" + repeated + #""type":"req","id":"1","method":"m"}"#) == "valid")
        #expect(verdict("{" + repeated + #""type":"req","id":"1","method":""}"#) == "invalid")
    }
}
