import GWBase
import GWJSON

/// JSON texts: the scanner accepts what a plain reading of RFC 8259 accepts, all that it says of a text lies inside it, and what is
/// written is read back.
func fuzzJSON(_ input: UnsafeRawBufferPointer) {
    var grammar = Grammar(text: Array(input))
    let isValid = grammar.isWholeText()
    require(JSON.isValid(input) == isValid, "isValid is \(!isValid)")
    var members = JSONMembers()
    let scanned = JSON.scan(input, &members)
    require((scanned != nil) == isValid, "scan is \(!isValid)")

    if let whole = scanned {
        visit(whole, input)
        for index in 0..<members.count {
            let value = members.value(index)
            require(whole.range.contains(members.key(index).lowerBound), "a key outside of the object")
            require(JSON.isValid(value.bytes(in: input)), "a member's value is not JSON")
        }
        if whole.isObject, !members.isTruncated {
            var count = 0
            JSON.forEachMember(of: whole, in: input) { key, value in
                require(members.key(count) == key && members.value(count) == value, "member \(count) differs")
                count += 1
            }
            require(count == members.count, "\(count) members, \(members.count) recorded")
        }
        require(members.find("id", in: input) == JSON.member("id", of: whole, in: input), "find is not member")
    } else {
        // Reading what was not checked must stay inside too.
        for kind in [JSONKind.object, .array, .string, .number] {
            visit(JSONSlice(kind: kind, range: 0..<input.count), input)
        }
    }

    var written = ByteBuffer()
    written.appendJSONString(input)
    require(JSON.stringLength(input) == written.count, "stringLength is not \(written.count)")
    guard let slice = JSON.scan(written.readable, &members) else { fatalError("what was written is not JSON") }
    let read = JSON.string(slice, in: written.readable) ?? []
    let isUTF8 = UTF8Validator.isValid(input)
    require(!isUTF8 || read.elementsEqual(input), "the string came back as \(read)")
}

private func visit(_ value: JSONSlice, _ text: UnsafeRawBufferPointer) {
    require(value.range.upperBound <= text.count, "a value outside of the text")
    use(JSON.integer(value, in: text))
    use(JSON.string(value, in: text))
    use(JSON.isString(value, equalTo: "type", in: text))
    use(JSON.hasOnlyMembers(["type", "id"], of: value, in: text))
    use(JSON.member(at: ["payload", "id"], of: value, in: text))
    JSON.forEachMember(of: value, in: text) { key, value in
        use(JSON.isKey(key, "type", in: text))
        if value.range.count < text.count { visit(value, text) }
    }
    JSON.forEachElement(of: value, in: text) { value in
        if value.range.count < text.count { visit(value, text) }
    }
}

extension UTF8Validator {
    fileprivate static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var validator = UTF8Validator()
        return validator.check(bytes) && validator.isComplete
    }
}

/// The grammar of RFC 8259, production by production.  Strings may hold any byte from 0x80 on, as with the scanner.
private struct Grammar {
    let text: [UInt8]
    var at = 0

    private var next: UInt8 { at < text.count ? text[at] : 0 }

    mutating func isWholeText() -> Bool { value(depth: 0) && at == text.count }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard at < text.count, next == byte else { return false }
        at += 1
        return true
    }

    private mutating func take(_ word: String) -> Bool {
        for byte in word.utf8 where !take(byte) { return false }
        return true
    }

    private mutating func space() { while [0x20, 0x09, 0x0a, 0x0d].contains(next), at < text.count { at += 1 } }

    private mutating func value(depth: Int) -> Bool {
        space()
        defer { space() }
        switch next {
        case UInt8(ascii: "{"), UInt8(ascii: "["): return depth < Limits.jsonDepth && container(depth: depth + 1)
        case UInt8(ascii: "\""): return string()
        case UInt8(ascii: "t"): return take("true")
        case UInt8(ascii: "f"): return take("false")
        case UInt8(ascii: "n"): return take("null")
        default: return number()
        }
    }

    private mutating func container(depth: Int) -> Bool {
        let isObject = next == UInt8(ascii: "{")
        let end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        at += 1
        space()
        if take(end) { return true }
        repeat {
            if isObject {
                space()
                guard string() else { return false }
                space()
                guard take(UInt8(ascii: ":")) else { return false }
            }
            guard value(depth: depth) else { return false }
        } while take(UInt8(ascii: ","))
        return take(end)
    }

    private mutating func string() -> Bool {
        guard take(UInt8(ascii: "\"")) else { return false }
        while at < text.count {
            if take(UInt8(ascii: "\"")) { return true }
            guard next >= 0x20 else { return false }
            if take(UInt8(ascii: "\\")) {
                if take(UInt8(ascii: "u")) {
                    guard at + 4 <= text.count, text[at..<at + 4].allSatisfy({ $0.hexDigitValue != nil }) else {
                        return false
                    }
                    at += 4
                    continue
                }
                guard "\"\\/bfnrt".utf8.contains(next) else { return false }
            }
            at += 1
        }
        return false
    }

    private mutating func number() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard digits() else { return false } }
        if take(UInt8(ascii: ".")) { guard digits() else { return false } }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return digits()
        }
        return true
    }

    private mutating func digits() -> Bool {
        let start = at
        while at < text.count, next.isASCIIDigit { at += 1 }
        return at > start
    }
}
