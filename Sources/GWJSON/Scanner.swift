import GWBase

extension JSON {
    /// Checks a whole text (RFC 8259, depth up to `Limits.jsonDepth`) and records the members of a top-level object.
    /// Nil: not JSON.
    ///
    /// Whether the text is UTF-8 is the caller's to know; other bytes inside strings pass unseen.
    public static func scan(_ text: UnsafeRawBufferPointer, _ members: inout JSONMembers) -> JSONSlice? {
        members.begin()
        guard let base = text.baseAddress else { return nil }
        return withUnsafeMutablePointer(to: &members) { check(Tokens(base, text.count), $0) }
    }

    /// Whether a text is one JSON value and nothing else.
    public static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return false }
        return check(Tokens(base, text.count), nil) != nil
    }

    private static func check(_ text: Tokens, _ members: UnsafeMutablePointer<JSONMembers>?) -> JSONSlice? {
        var open = OpenContainers()
        var at = text.skipSpace(0)
        let first = at
        var firstKind = JSONKind.null
        // The member of the top-level object that is being read.
        var key = 0..<0
        var valueStart = 0
        var valueKind = JSONKind.null

        // Each turn reads the start of a value at `at`.
        while true {
            let start = at
            let kind: JSONKind
            var isOpening = false
            switch text.byte(at) {
            case Tokens.quote:
                guard let next = text.endOfString(at &+ 1) else { return nil }
                at = next
                kind = .string
            case Tokens.openBrace:
                kind = .object
                isOpening = true
            case Tokens.openBracket:
                kind = .array
                isOpening = true
            case 0x2d, 0x30...0x39:
                guard let next = text.endOfNumber(at) else { return nil }
                at = next
                kind = .number
            case 0x74:
                guard text.isTrue(at) else { return nil }
                at &+= 4
                kind = .true
            case 0x66:
                guard text.isFalse(at) else { return nil }
                at &+= 5
                kind = .false
            case 0x6e:
                guard text.isNull(at) else { return nil }
                at &+= 4
                kind = .null
            default:
                return nil
            }
            if open.depth <= 1 {
                valueStart = start
                valueKind = kind
                if open.depth == 0 { firstKind = kind }
            }

            if isOpening {
                guard open.push(isObject: kind == .object) else { return nil }
                at = text.skipSpace(at &+ 1)
                if text.byte(at) != (open.isObject ? Tokens.closeBrace : Tokens.closeBracket) {
                    if open.isObject {
                        guard let next = readKey(text, at, &key, isRecorded: open.depth == 1) else { return nil }
                        at = next
                    }
                    continue
                }
                open.pop()
                at &+= 1
            }

            // A value has ended: close what it closes, up to the comma before the next value or the end of the text.
            while true {
                if open.depth == 1, open.isObject, let members {
                    members.pointee.record(key: key, value: Range(uncheckedBounds: (valueStart, at)), valueKind)
                }
                guard open.depth > 0 else {
                    guard text.skipSpace(at) == text.end else { return nil }
                    let value = JSONSlice(kind: firstKind, range: first..<at)
                    members?.pointee.end(value)
                    return value
                }
                at = text.skipSpace(at)
                let byte = text.byte(at)
                if byte == Tokens.comma {
                    at = text.skipSpace(at &+ 1)
                    if open.isObject {
                        guard let next = readKey(text, at, &key, isRecorded: open.depth == 1) else { return nil }
                        at = next
                    }
                    break
                }
                guard byte == (open.isObject ? Tokens.closeBrace : Tokens.closeBracket) else { return nil }
                open.pop()
                at &+= 1
            }
        }
    }

    /// Reads `"key" :` and gives the offset of the value behind it.
    @inline(__always)
    private static func readKey(_ text: Tokens, _ start: Int, _ key: inout Range<Int>, isRecorded: Bool) -> Int? {
        guard text.byte(start) == Tokens.quote, let end = text.endOfString(start &+ 1) else { return nil }
        if isRecorded { key = Range(uncheckedBounds: (start &+ 1, end &- 1)) }
        let colon = text.skipSpace(end)
        guard text.byte(colon) == Tokens.colon else { return nil }
        return text.skipSpace(colon &+ 1)
    }
}

/// The objects and arrays that are open at one place of a text, one bit each.
private struct OpenContainers {
    private static let capacity = 256

    private var bits = InlineArray<4, UInt64>(repeating: 0)
    private(set) var depth = 0
    /// Whether the innermost one is an object.
    private(set) var isObject = false

    /// False if that would be too deep.
    @inline(__always)
    mutating func push(isObject: Bool) -> Bool {
        guard depth < min(Limits.jsonDepth, OpenContainers.capacity) else { return false }
        let bit: UInt64 = 1 &<< UInt64(truncatingIfNeeded: depth & 63)
        let word = depth &>> 6
        bits[word] = isObject ? bits[word] | bit : bits[word] & ~bit
        depth &+= 1
        self.isObject = isObject
        return true
    }

    @inline(__always)
    mutating func pop() {
        depth &-= 1
        let outer = max(depth &- 1, 0)
        isObject = bits[outer &>> 6] &>> UInt64(truncatingIfNeeded: outer & 63) & 1 == 1
    }
}
