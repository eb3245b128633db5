import GWBase
import GWJSON

/// The closed frame shapes of protocol 3 and 4: what a gateway accepts of a request, member by member.
public enum FrameSchema {
    public struct Request {
        public var id: JSONSlice
        public var method: JSONSlice
        public var params: JSONSlice?
    }

    public enum RequestAction {
        case request(Request)
        /// JSON, but no valid request frame.
        case invalid
        case malformed
    }

    /// Reads a request frame as strictly as the gateway does.
    public static func readRequest(
        _ text: UnsafeRawBufferPointer, _ members: inout JSONMembers
    ) -> RequestAction {
        guard let whole = JSON.scan(text, &members) else { return .malformed }
        guard whole.kind == .object,
            let type = members.find("type", in: text), JSON.isString(type, equalTo: "req", in: text),
            let id = members.find("id", in: text), isName(id),
            let method = members.find("method", in: text), isName(method),
            JSON.hasOnlyMembers(["type", "id", "method", "params", "traceparent"], of: whole, in: text)
        else { return .invalid }
        if let trace = members.find("traceparent", in: text) {
            guard trace.kind == .string, hasCharacters(trace, atMost: 128, in: text) else { return .invalid }
        }
        return .request(Request(id: id, method: method, params: members.find("params", in: text)))
    }

    /// A string of at least one character.
    static func isName(_ value: JSONSlice) -> Bool { value.kind == .string && value.range.count > 2 }

    /// Whether a string is that short, counted in code points as schemas count.
    private static func hasCharacters(_ value: JSONSlice, atMost limit: Int, in text: UnsafeRawBufferPointer) -> Bool {
        if value.range.count - 2 <= limit { return true }
        return codePoints(JSON.string(value, in: text) ?? []) <= limit
    }

    static func codePoints(_ utf8: [UInt8]) -> Int { utf8.reduce(0) { $1 & 0xc0 == 0x80 ? $0 : $0 + 1 } }
}
