import GWBase
import GWJSON

/// An object of a GoClaw client: members are found without regard to ASCII case, the last of several counts, and one of a wrong
/// type is as if it were not there.
struct GoClawObject {
    private let object: JSONSlice?
    private let text: UnsafeRawBufferPointer

    init(_ object: JSONSlice?, in text: UnsafeRawBufferPointer) {
        self.object = object?.kind == .object ? object : nil
        self.text = text
    }

    /// Params were sent, if only an empty object.
    var isThere: Bool { object != nil }

    func member(_ name: StaticString) -> JSONSlice? {
        guard let object else { return nil }
        var found: JSONSlice?
        JSON.forEachMember(of: object, in: text) { key, value in
            if GoClawObject.isKey(key, name, text) { found = value }
        }
        return found?.kind == .null ? nil : found
    }

    func string(_ name: StaticString) -> [UInt8] {
        guard let value = member(name) else { return [] }
        return JSON.string(value, in: text) ?? []
    }

    func integer(_ name: StaticString) -> Int64? { member(name).flatMap { JSON.integer($0, in: text) } }

    func isTrue(_ name: StaticString) -> Bool { member(name)?.kind == .true }

    private static func isKey(_ key: Range<Int>, _ name: StaticString, _ text: UnsafeRawBufferPointer) -> Bool {
        guard key.lowerBound >= 1, key.upperBound < text.count else { return false }
        let quoted = JSONSlice(kind: .string, range: key.lowerBound - 1..<key.upperBound + 1)
        guard let plain = JSON.string(quoted, in: text), plain.count == name.utf8CodeUnitCount else { return false }
        for (place, byte) in plain.enumerated()
        where byte.asciiLowercased != name.utf8Start[place].asciiLowercased {
            return false
        }
        return true
    }
}

/// What a GoClaw gateway reads from a client's message.
enum GoClawFrame {
    case request(id: [UInt8], method: [UInt8], params: JSONSlice?)
    /// No request: the answer carries an empty id.
    case refused(Rejection)

    /// `id` of a request is its JSON text, with its quotes.
    static func read(_ text: UnsafeRawBufferPointer, _ members: inout JSONMembers) -> GoClawFrame {
        guard let whole = JSON.scan(text, &members), whole.kind == .object || whole.kind == .null else {
            return refused("invalid frame: ", "the message is no JSON object")
        }
        let frame = GoClawObject(whole, in: text)
        let type = frame.member("type")
        guard isText(type) else { return refused("invalid frame: ", "type is no string") }
        let name = frame.string("type")
        guard isEqual("req", name) else {
            return refused("unexpected frame type: ", String(printable: name, limit: 100))
        }
        let (id, method) = (frame.member("id"), frame.member("method"))
        guard isText(id), isText(method) else {
            return refused("malformed request: ", "id and method must be strings")
        }
        let wireID = id.map { Array($0.bytes(in: text)) } ?? "\"\"".bytes
        guard wireID.count - 2 <= Limits.requestIDBytes else {
            return refused("malformed request: ", "the id has more than \(Limits.requestIDBytes) bytes")
        }
        return .request(id: wireID, method: frame.string("method"), params: frame.member("params"))
    }

    private static func isText(_ value: JSONSlice?) -> Bool { value == nil || value?.kind == .string }

    private static func refused(_ what: String, _ why: String) -> GoClawFrame {
        .refused(Rejection("INVALID_REQUEST", what + why))
    }
}

/// The frames of a GoClaw gateway, as its encoder writes them.
enum GoClawWriter {
    static func response(_ id: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        var frame = ByteBuffer()
        id.withUnsafeBufferPointer {
            FrameWriter.response(rawID: UnsafeRawBufferPointer($0), hasPayload: !payload.isEmpty, into: &frame)
        }
        frame.append(payload)
        frame.append(0x7d)
        return escaped(frame.readable)
    }

    static func rejection(_ id: [UInt8], _ rejection: Rejection) -> [UInt8] {
        var frame = ByteBuffer()
        id.withUnsafeBufferPointer {
            FrameWriter.rejection(rawID: UnsafeRawBufferPointer($0), rejection, into: &frame)
        }
        return escaped(frame.readable)
    }

    static func event(_ name: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        var frame = ByteBuffer()
        name.withUnsafeBufferPointer {
            FrameWriter.event(name: UnsafeRawBufferPointer($0), hasPayload: !payload.isEmpty, into: &frame)
        }
        frame.append(payload)
        frame.append(0x7d)
        return escaped(frame.readable)
    }

    /// `<`, `>`, `&`, U+2028 and U+2029 as escapes: outside of strings JSON has none of them.
    static func escaped(_ json: UnsafeRawBufferPointer) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(json.count + 16)
        var at = 0
        while at < json.count {
            let byte = json[at]
            if byte == 0x3c || byte == 0x3e || byte == 0x26 {
                result.append(contentsOf: "\\u00".utf8)
                result.append(contentsOf: hexText([byte]))
            } else if byte == 0xe2, at + 2 < json.count, json[at + 1] == 0x80, json[at + 2] & 0xfe == 0xa8 {
                result.append(contentsOf: json[at + 2] == 0xa8 ? "\\u2028".utf8 : "\\u2029".utf8)
                at += 2
            } else {
                result.append(byte)
            }
            at += 1
        }
        return result
    }

    static func object(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.appendJSONObject(body)
        return Array(buffer.readable)
    }
}
