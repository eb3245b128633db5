import GWBase

extension JSON {
    /// The value of a member; of several with the same name the last.
    public static func member(
        _ name: StaticString, of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> JSONSlice? {
        var found: JSONSlice?
        forEachMember(of: object, in: text) { key, value in
            if isKey(key, name, in: text) { found = value }
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
        guard object.kind == .object, var cursor = Cursor(inside: object, in: text) else { return }
        while case .value(let key, let value) = cursor.next() { body(key, value) }
    }

    public static func forEachElement(
        of array: JSONSlice, in text: UnsafeRawBufferPointer, _ body: (JSONSlice) -> Void
    ) {
        guard array.kind == .array, var cursor = Cursor(inside: array, in: text) else { return }
        while case .value(_, let value) = cursor.next() { body(value) }
    }

    public static func firstElement(of array: JSONSlice, in text: UnsafeRawBufferPointer) -> JSONSlice? {
        guard array.kind == .array, var cursor = Cursor(inside: array, in: text),
            case .value(_, let value) = cursor.next()
        else { return nil }
        return value
    }

    /// Whether every member of an object has one of these names: the test for a closed shape.  False for what is no
    /// object.
    public static func hasOnlyMembers(
        _ names: [StaticString], of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> Bool {
        guard object.kind == .object, var cursor = Cursor(inside: object, in: text) else { return false }
        while case .value(let key, _) = cursor.next() {
            var isKnown = false
            for name in names where isKey(key, name, in: text) {
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
