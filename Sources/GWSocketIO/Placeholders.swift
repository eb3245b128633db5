import GWBase
import GWJSON

/// The objects `{"_placeholder":true,"num":n}` that stand in a payload where attachment n belongs.
public enum Placeholders {
    /// What is known of an object or array that is open.
    private struct Container {
        var isObject: Bool
        /// The member whose value comes next.
        var key = Key.other
        var isPlaceholder = false
        /// The value of `num`; nil if it is no integer, or missing.
        var number: Int64?
    }

    private enum Key {
        /// A key comes next.
        case none
        case placeholder
        case number
        case other
    }

    /// Whether every placeholder of a checked value names one of `count` attachments.  One pass, whatever the nesting.
    public static func areValid(in value: JSONSlice?, _ text: UnsafeRawBufferPointer, count: Int) -> Bool {
        guard let value else { return true }
        let end = min(value.range.upperBound, text.count)
        var open: [Container] = []
        var at = value.range.lowerBound
        while at < end {
            let byte = text[at]
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                note(nil, in: &open, text)
                let isObject = byte == UInt8(ascii: "{")
                open.append(Container(isObject: isObject, key: isObject ? .none : .other))
                at &+= 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard let closed = open.popLast() else { return false }
                if closed.isPlaceholder {
                    guard let number = closed.number, number >= 0, number < Int64(count) else { return false }
                }
                at &+= 1
            case UInt8(ascii: ","):
                if let last = open.indices.last, open[last].isObject { open[last].key = .none }
                at &+= 1
            case UInt8(ascii: "\""):
                let start = at
                at = endOfString(text, at, end)
                let last = open.indices.last
                if let last, open[last].key == .none {
                    open[last].key = key(start &+ 1..<max(start &+ 1, at &- 1), text)
                } else {
                    note(JSONSlice(kind: .string, range: start..<at), in: &open, text)
                }
            case UInt8(ascii: ":"), 0...0x20:
                at &+= 1
            default:
                let start = at
                while at < end, !isDelimiter(text[at]) { at &+= 1 }
                let kind: JSONKind = byte == UInt8(ascii: "t") ? .true : byte.isASCIIDigit ? .number : .null
                note(JSONSlice(kind: kind, range: start..<at), in: &open, text)
            }
        }
        return true
    }

    private static func key(_ range: Range<Int>, _ text: UnsafeRawBufferPointer) -> Key {
        if JSON.isKey(range, "_placeholder", in: text) { return .placeholder }
        return JSON.isKey(range, "num", in: text) ? .number : .other
    }

    /// The value of a member; nil for an object or array.
    private static func note(_ value: JSONSlice?, in open: inout [Container], _ text: UnsafeRawBufferPointer) {
        guard let last = open.indices.last else { return }
        switch open[last].key {
        case .placeholder: open[last].isPlaceholder = value?.kind == .true
        case .number: open[last].number = value.flatMap { JSON.integer($0, in: text) }
        case .none, .other: break
        }
    }

    private static func endOfString(_ text: UnsafeRawBufferPointer, _ quote: Int, _ end: Int) -> Int {
        var at = quote &+ 1
        while at < end {
            if text[at] == UInt8(ascii: "\"") { return at &+ 1 }
            at &+= text[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        return end
    }

    private static func isDelimiter(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
    }
}
