import GWBase

extension JSON {
    /// The value of a member; of several with the same name the last.
    public static func member(
        _ name: StaticString, of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> JSONSlice? {
        guard var cursor = Cursor(object, .object, text) else { return nil }
        var found: JSONSlice?
        while let (key, value) = cursor.nextMember() {
            if cursor.isKey(key, name) { found = value }
        }
        return found
    }

    /// The value that a path of names leads to.
    public static func member(
        at path: [StaticString], of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> JSONSlice? {
        var value = object
        for name in path {
            guard let next = member(name, of: value, in: text) else { return nil }
            value = next
        }
        return value
    }

    /// Hands over each member in its order: the bytes of the key (without quotes, with its escapes) and the value.
    public static func forEachMember(
        of object: JSONSlice, in text: UnsafeRawBufferPointer, _ body: (_ key: Range<Int>, _ value: JSONSlice) -> Void
    ) {
        guard var cursor = Cursor(object, .object, text) else { return }
        while let (key, value) = cursor.nextMember() { body(key, value) }
    }

    public static func forEachElement(
        of array: JSONSlice, in text: UnsafeRawBufferPointer, _ body: (JSONSlice) -> Void
    ) {
        guard var cursor = Cursor(array, .array, text) else { return }
        while let value = cursor.nextElement() { body(value) }
    }

    public static func firstElement(of array: JSONSlice, in text: UnsafeRawBufferPointer) -> JSONSlice? {
        var cursor = Cursor(array, .array, text)
        return cursor?.nextElement()
    }

    /// Whether every member of an object has one of these names: the test for a closed shape.  False for what is no
    /// object.
    public static func hasOnlyMembers(
        _ names: [StaticString], of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> Bool {
        guard var cursor = Cursor(object, .object, text) else { return false }
        while let (key, _) = cursor.nextMember() {
            var isKnown = false
            for name in names where cursor.isKey(key, name) {
                isKnown = true
                break
            }
            guard isKnown else { return false }
        }
        return true
    }

    /// Whether the bytes of a key, as `JSONMembers.key` and `forEachMember` give them, are this name once unescaped.
    public static func isKey(_ key: Range<Int>, _ name: StaticString, in text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress, key.lowerBound >= 0, key.upperBound <= text.count else { return false }
        return Tokens(base, key.upperBound).unescapedEquals(key.lowerBound, name)
    }
}

/// Walks over the direct content of one object or array of a checked text.  On any other text it ends early.
private struct Cursor {
    private let text: Tokens
    private var at: Int

    /// Nil for a value of another kind.
    init?(_ container: JSONSlice, _ kind: JSONKind, _ text: UnsafeRawBufferPointer) {
        let range = container.range.clamped(to: 0..<text.count)
        guard let base = text.baseAddress, container.kind == kind, !range.isEmpty else { return nil }
        self.text = Tokens(base, range.upperBound)
        at = range.lowerBound &+ 1
    }

    mutating func nextMember() -> (key: Range<Int>, value: JSONSlice)? {
        let start = text.skipSpace(at)
        guard text.byte(start) == Tokens.quote, let end = text.endOfString(start &+ 1) else { return nil }
        let colon = text.skipSpace(end)
        guard text.byte(colon) == Tokens.colon else { return nil }
        at = colon &+ 1
        guard let value = nextElement() else { return nil }
        return (start &+ 1..<end &- 1, value)
    }

    mutating func nextElement() -> JSONSlice? {
        let start = text.skipSpace(at)
        guard let (kind, end) = skipValue(start) else { return nil }
        at = text.skipSpace(end)
        if text.byte(at) == Tokens.comma { at &+= 1 }
        return JSONSlice(kind: kind, range: start..<end)
    }

    func isKey(_ key: Range<Int>, _ name: StaticString) -> Bool {
        Tokens(text.base, key.upperBound).unescapedEquals(key.lowerBound, name)
    }

    private func skipValue(_ start: Int) -> (JSONKind, Int)? {
        switch text.byte(start) {
        case Tokens.quote: text.endOfString(start &+ 1).map { (.string, $0) }
        case Tokens.openBrace: skipContainer(start).map { (.object, $0) }
        case Tokens.openBracket: skipContainer(start).map { (.array, $0) }
        case 0x2d, 0x30...0x39: text.endOfNumber(start).map { (.number, $0) }
        case 0x74: text.isTrue(start) ? (.true, start &+ 4) : nil
        case 0x66: text.isFalse(start) ? (.false, start &+ 5) : nil
        case 0x6e: text.isNull(start) ? (.null, start &+ 4) : nil
        default: nil
        }
    }

    /// The offset behind the bracket that closes the one at `start`.
    private func skipContainer(_ start: Int) -> Int? {
        var depth = 0
        var at = start
        while at < text.end {
            switch text.byte(at) {
            case Tokens.quote:
                guard let next = text.endOfString(at &+ 1) else { return nil }
                at = next
                continue
            case Tokens.openBrace, Tokens.openBracket:
                depth &+= 1
            case Tokens.closeBrace, Tokens.closeBracket:
                depth &-= 1
                if depth == 0 { return at &+ 1 }
            default:
                break
            }
            at &+= 1
        }
        return nil
    }
}
