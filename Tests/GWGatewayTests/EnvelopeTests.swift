import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Frames from the gateway, read tolerantly (openclaw-gateway 2, 9)")
struct EnvelopeTests {
    private func kind(_ json: String) -> String {
        var reader = EnvelopeReader()
        let message = Text(json)
        switch reader.read(message.bytes) {
        case .response: return "response"
        case .event: return "event"
        case .other: return "ignored"
        case .malformed: return "parse-error"
        }
    }

    /// A response that the reference client's guard drops, though older gateways and the look-alikes send it, and whose
    /// caller would wait in vain: the id is a text, `ok` is absent or a boolean, `error` is absent, null or an object of
    /// whatever members.  Nothing else that the guard ignores is read.
    private func isToleratedResponse(_ json: String) -> Bool {
        let frame = object(json)
        guard frame["type"] as? String == "res", let id = frame["id"] as? String, !id.isEmpty else { return false }
        let hasOK = frame["ok"].map { canonical($0) == "true" || canonical($0) == "false" } ?? true
        let hasError = frame["error"].map { $0 is NSNull || $0 is [String: Any] } ?? true
        return hasOK && hasError
    }

    @Test("the guard's verdict on each frame of the vectors, and the tolerated responses besides")
    func clientGuard() throws {
        for item in try cases("cases", of: "frames.json") {
            let text: String = try required("text", of: item)
            let guarded: String = try required("clientGuard", of: item)
            let wanted = guarded == "ignored" && isToleratedResponse(text) ? "response" : guarded
            #expect(kind(text) == wanted, "\(text)")
        }
    }

    @Test("the tolerant readings of the vectors")
    func tolerantReading() throws {
        for item in try cases("tolerantReading", of: "frames.json") {
            let name: String = try required("name", of: item)
            let message = Text(try required("text", of: item, as: String.self))
            let wanted: [String: Any] = try required("read", of: item)
            func cut(_ value: JSONSlice?) -> String? { value.map { text(message.bytes[$0.range]) } }
            var reader = EnvelopeReader()
            switch reader.read(message.bytes) {
            case .response(let response):
                #expect(response.isOK == member("ok", of: wanted), "\(name)")
                if let payload = wanted["payload"] {
                    #expect(canonical(json: cut(response.payload)) == canonical(payload), "\(name)")
                }
                if let error = wanted["error"] {
                    let read = ErrorObject(response.error, in: message.bytes)
                    #expect(text(read.code) == member("code", of: error), "\(name)")
                    #expect(text(read.message) == member("message", of: error), "\(name)")
                }
                if let connectionID: String = member("connId", of: wanted) {
                    let hello = try Hello(response.payload, in: message.bytes, offered: 3...4)
                    #expect(text(hello.connectionID) == connectionID, "\(name)")
                    let features = object(text(hello.redacted))["features"]
                    for list in ["methods", "events"] {
                        #expect(canonical(member(list, of: features, as: [String].self)) == canonical(wanted[list]))
                    }
                }
            case .event(let event):
                #expect(JSON.string(event.name, in: message.bytes).map { text($0) } == member("event", of: wanted))
                #expect(canonical(json: cut(event.payload)) == canonical(wanted["payload"]), "\(name)")
            case .other, .malformed:
                Issue.record("not read: \(name)")
            }
        }
    }

    @Test("sequence numbers are integers from 0, in any spelling of JSON (2.3)")
    func sequences() throws {
        for (seq, wanted) in [
            ("0", 0), ("12", 12), ("1e3", 1000), ("1.0", 1), ("9223372036854775807", UInt64(Int64.max)),
            ("-1", nil), ("1.5", nil), ("null", nil), ("\"1\"", nil), ("1e99", nil), ("9223372036854775808", nil),
        ] as [(String, UInt64?)] {
            var reader = EnvelopeReader()
            let message = Text(#"{"type":"event","event":"x","seq":\#(seq)}"#)
            if case .event(let event) = reader.read(message.bytes) {
                #expect(wanted != nil && event.sequence == wanted, "\(seq)")
            } else {
                #expect(wanted == nil, "\(seq)")
            }
        }
    }

    @Test("of several members with one name the last counts, also behind more members than are recorded")
    func duplicateMembers() {
        let filler = (0..<40).map { #""f\#($0)":0,"# }.joined()
        for filler in ["", filler] {
            #expect(kind(#"{"type":"event",\#(filler)"type":"res","id":"","id":"1"}"#) == "response")
            #expect(kind(#"{"type":"res","id":"1","event":"x",\#(filler)"type":"event"}"#) == "event")
            #expect(kind(#"{"type":"res","id":"1",\#(filler)"id":""}"#) == "ignored")
        }
    }
}

@Suite("Error objects (openclaw-gateway 2.4)")
struct ErrorObjectTests {
    private func read(_ error: String) -> ErrorObject {
        let message = Text(error)
        return ErrorObject(message.scan(), in: message.bytes)
    }

    @Test("what is missing or of another kind has the protocol's defaults")
    func defaults() {
        for error in [
            "{}", #"{"code":null,"message":null,"details":null,"retryable":null,"retryAfterMs":null}"#,
            #"{"code":"","message":"","retryable":"true","retryAfterMs":-5}"#,
            #"{"code":[],"message":{},"retryable":1}"#,
        ] {
            let read = read(error)
            #expect(text(read.code) == "UNAVAILABLE" && text(read.message) == "unknown error", "\(error)")
            #expect(read.details == nil && read.detailCode.isEmpty, "\(error)")
            #expect(!read.isRetryable && read.retryAfterMilliseconds == 0, "\(error)")
        }
    }

    @Test("a numeric code becomes its text (9)")
    func numericCode() {
        #expect(text(read(#"{"code":-32600,"message":"m"}"#).code) == "-32600")
    }

    @Test("times out of range are held inside it")
    func times() {
        #expect(read(#"{"retryAfterMs":4294967296}"#).retryAfterMilliseconds == .max)
        #expect(read(#"{"retryAfterMs":1e3}"#).retryAfterMilliseconds == 1000)
        #expect(read(#"{"retryAfterMs":1e99}"#).retryAfterMilliseconds == 0)
        #expect(read(#"{"retryAfterMs":750.9}"#).retryAfterMilliseconds == 750)
    }

    @Test("the detail code is trimmed (5.4)")
    func detailCode() {
        #expect(text(read(#"{"details":{"code":" \u0041B\u00a0"}}"#).detailCode) == "AB")
        for details in ["[]", "7", #""AB""#, #"{"code":7}"#, #"{"code":null}"#] {
            #expect(read(#"{"details":\#(details)}"#).detailCode.isEmpty)
        }
    }
}

@Suite("Frames that we write")
struct FrameWriterTests {
    private static let hostile: [[UInt8]] = [
        "health".bytes, "".bytes, "\"},{\"type\":\"req".bytes, "\\".bytes, "a\\\"b".bytes, "\u{0}\n\r\t\u{1f}".bytes,
        "\u{2028}\u{2029}".bytes, "✓ ä \u{10ffff}".bytes, [0xff, 0xfe], [0xc3], [0xed, 0xa0, 0x80], "</script>".bytes,
        Array(repeating: 0x22, count: 300),
    ]

    private func frame(_ body: (inout ByteBuffer) -> Void) -> [String: Any] {
        var buffer = ByteBuffer()
        body(&buffer)
        return object(text(buffer))
    }

    @Test("requests with hostile method names are JSON with that name", arguments: hostile)
    func requests(_ method: [UInt8]) {
        let name = Text(method)
        let without = frame {
            FrameWriter.request(id: 0x1_0000_0001, method: name.bytes, hasParams: false, into: &$0)
            $0.append(FrameWriter.end)
        }
        #expect(Set(without.keys) == ["type", "id", "method"])
        #expect(without["method"] as? String == text(method) && without["id"] as? String == "100000001")
        let with = frame {
            FrameWriter.request(id: 1, method: name.bytes, hasParams: true, into: &$0)
            $0.append("{\"a\":[1]}")
            $0.append(FrameWriter.end)
        }
        #expect(canonical(with["params"]) == #"{"a":[1]}"# && with["method"] as? String == text(method))
    }

    @Test("events with hostile names are JSON with that name", arguments: hostile)
    func events(_ event: [UInt8]) {
        let name = Text(event)
        let without = frame {
            FrameWriter.event(name: name.bytes, hasPayload: false, into: &$0)
            FrameWriter.eventEnd(sequence: .max, into: &$0)
        }
        #expect(Set(without.keys) == ["type", "event", "seq"] && without["event"] as? String == text(event))
        let with = frame {
            FrameWriter.event(name: name.bytes, hasPayload: true, into: &$0)
            $0.append("null")
            FrameWriter.eventEnd(sequence: 7, into: &$0)
        }
        #expect(canonical(with["payload"]) == "null" && with["seq"] as? Int == 7)
    }

    @Test("rejections with hostile texts are JSON with these texts", arguments: hostile)
    func rejections(_ hostile: [UInt8]) {
        let id = Text("\"\\u0031\"")
        let plain = frame { FrameWriter.rejection(rawID: id.bytes, Rejection(hostile, hostile), into: &$0) }
        #expect(plain["id"] as? String == "1" && canonical(plain["ok"]) == "false")
        #expect(Set((plain["error"] as? [String: Any] ?? [:]).keys) == ["code", "message"])
        #expect(member("message", of: plain["error"]) == text(hostile))
        let full = frame {
            FrameWriter.rejection(
                rawID: id.bytes, Rejection(hostile, hostile, details: "[7]".bytes, retryAfterMilliseconds: 5), into: &$0
            )
        }
        #expect(canonical(member("details", of: full["error"], as: [Int].self)) == "[7]")
        #expect(canonical(member("retryable", of: full["error"], as: Bool.self)) == "true")
        #expect(member("retryAfterMs", of: full["error"]) == 5)
    }

    @Test("responses echo the id as it stood and splice the payload in")
    func responses() {
        let id = Text(#""a\"b""#)
        let without = frame {
            FrameWriter.response(rawID: id.bytes, hasPayload: false, into: &$0)
            $0.append(FrameWriter.end)
        }
        #expect(without["id"] as? String == "a\"b" && Set(without.keys) == ["type", "id", "ok"])
        let with = frame {
            FrameWriter.response(rawID: id.bytes, hasPayload: true, into: &$0)
            $0.append("[1]")
            $0.append(FrameWriter.end)
        }
        #expect(canonical(with["payload"]) == "[1]" && canonical(with["ok"]) == "true")
    }

    @Test("ids of calls are read back, and only as we write them")
    func callIDs() {
        for id: UInt64 in [1, 15, 16, 0x1_0000_0001, 0xdead_beef, .max] {
            let written = Text("\"\(wireID(id))\"")
            #expect(CallID.read(JSONSlice(kind: .string, range: 0..<written.bytes.count), in: written.bytes) == id)
        }
        for foreign in ["", "01", "A", "10000000000000000", "g", "1 ", "-1", "0x1", "\\u0031", "c-1", "✓"] {
            let written = Text("\"\(foreign)\"")
            let value = JSONSlice(kind: .string, range: 0..<written.bytes.count)
            #expect(CallID.read(value, in: written.bytes) == nil, "\(foreign)")
        }
        let number = Text("123")
        #expect(CallID.read(JSONSlice(kind: .number, range: 0..<3), in: number.bytes) == nil)
    }
}

@Suite("Members of a frame, in whatever spelling and number")
struct EnvelopeMembersTests {
    private func read(_ json: String) -> (id: String, payload: String)? {
        var reader = EnvelopeReader()
        let message = Text(json)
        guard case .response(let frame) = reader.read(message.bytes) else { return nil }
        return (text(message.bytes[frame.id.range]), frame.payload.map { text(message.bytes[$0.range]) } ?? "")
    }

    @Test("names may be escaped, stand twice (the last counts), or behind many others")
    func spellings() throws {
        let many = (0..<40).map { #""x\#($0)":\#($0)"# }.joined(separator: ",")
        for json in [
            #"{"t\u0079pe":"res","\u0069d":"a","pay\u006coad":1}"#,
            #"{"type":"event","id":"b","type":"res","payload":2,"id":"a","payload":1}"#,
            #"{"type":"event","t\u0079pe":"res","id":"b","\u0069d":"a","payload":1}"#,
            #"{\#(many),"type":"res","id":"a","payload":1}"#,
            #"{\#(many),"t\u0079pe":"res","id":"a","result":1}"#,
        ] {
            let frame = try #require(read(json), "\(json)")
            #expect(frame.id == #""a""# && frame.payload == "1", "\(json)")
        }
        #expect(read(#"{"typ":"res","type ":"res","id":"a"}"#) == nil)
    }
}
