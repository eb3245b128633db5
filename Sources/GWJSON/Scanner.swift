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

        // Each turn reads the start of a value at `at`, in an object with its key in front.
        while true {
            if open.isObject {
                guard text.next(&at) == Tokens.quote, let end = text.endOfString(at &+ 1) else { return nil }
                if open.depth == 1 { key = Range(uncheckedBounds: (at &+ 1, end &- 1)) }
                at = end
                guard text.next(&at) == Tokens.colon else { return nil }
                at &+= 1
            }
            let byte = text.next(&at)
            let start = at
            let kind: JSONKind
            switch byte {
            case Tokens.quote:
                guard let next = text.endOfString(at &+ 1) else { return nil }
                at = next
                kind = .string
            case Tokens.openBrace:
                kind = .object
            case Tokens.openBracket:
                kind = .array
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

            if kind == .object || kind == .array {
                guard open.push(isObject: kind == .object) else { return nil }
                at &+= 1
                guard text.next(&at) == open.closing else { continue }
                open.pop()
                at &+= 1
            }

            // A value has ended: close what it closes, up to the comma before the next value or the end of the text.
            while true {
                if open.depth <= 1 {
                    if open.depth == 0 {
                        guard text.skipSpace(at) == text.end else { return nil }
                        let value = JSONSlice(kind: firstKind, range: first..<at)
                        members?.pointee.end(value)
                        return value
                    }
                    if open.isObject, let members {
                        members.pointee.record(
                            key: key, value: Range(uncheckedBounds: (valueStart, at)), valueKind)
                    }
                }
                let byte = text.next(&at)
                at &+= 1
                if byte == Tokens.comma { break }
                guard byte == open.closing else { return nil }
                open.pop()
            }
        }
    }
}

/// The objects and arrays that are open at one place of a text, one bit each.
private struct OpenContainers {
    private static let capacity = 256

    private var bits = InlineArray<4, UInt64>(repeating: 0)
    private(set) var depth = 0
    /// Whether the innermost one is an object.
    private(set) var isObject = false

    /// What ends the innermost one.
    @inline(__always)
    var closing: UInt8 { isObject ? Tokens.closeBrace : Tokens.closeBracket }

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
