extension JSON {
    /// Checks a whole text (RFC 8259, depth up to `Limits.jsonDepth`) and records the members of a top-level object.
    /// Nil: not JSON.
    ///
    /// Whether the text is UTF-8 is the caller's to know; other bytes inside strings pass unseen.
    public static func scan(_ text: UnsafeRawBufferPointer, _ members: inout JSONMembers) -> JSONSlice? {
        members.begin()
        guard let base = text.baseAddress else { return nil }
        let text = Tokens(base, text.count)
        let start = text.skipSpace(0)
        guard text.byte(start) == Tokens.openBrace else { return value(text, start) }
        var cursor = Cursor(text, opening: start, isObject: true)
        while true {
            switch cursor.next() {
            case .value(let key, let value):
                members.record(key: key, value)
            case .end(let end):
                guard text.skipSpace(end) == text.end else { return nil }
                let object = JSONSlice(kind: .object, range: start..<end)
                members.end(object)
                return object
            case .malformed:
                return nil
            }
        }
    }

    /// Whether a text is one JSON value and nothing else.
    public static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return false }
        let text = Tokens(base, text.count)
        return value(text, text.skipSpace(0)) != nil
    }

    /// The value that starts at `start`, if nothing but white space follows it.
    private static func value(_ text: Tokens, _ start: Int) -> JSONSlice? {
        var at = start
        let value = text.value(&at, depth: 0)
        return text.skipSpace(at) == text.end ? value : nil
    }
}
