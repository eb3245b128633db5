import GWBase

/// Header fields in their order (RFC 9110 section 5).  Names are compared without case.
public struct HeaderFields: Sendable {
    public struct Field: Sendable {
        public var name: [UInt8]
        public var value: [UInt8]
    }

    /// What a header that may stand only once says.
    public enum Single: Equatable, Sendable {
        case missing
        case value([UInt8])
        case repeated
    }

    public private(set) var fields: [Field] = []

    public init() {}

    public mutating func append(_ name: [UInt8], _ value: [UInt8]) { fields.append(Field(name: name, value: value)) }

    public mutating func append(_ name: StaticString, _ value: [UInt8]) { append(HTTPText.bytes(name), value) }

    public mutating func append(_ name: StaticString, _ value: StaticString) { append(name, HTTPText.bytes(value)) }

    /// Takes every field with that name out.
    public mutating func remove(_ name: StaticString) {
        fields.removeAll { HTTPText.isEqual($0.name[...], name) }
    }

    public func contains(_ name: StaticString) -> Bool {
        fields.contains { HTTPText.isEqual($0.name[...], name) }
    }

    /// The value of each line with that name.
    public func values(_ name: StaticString) -> [[UInt8]] {
        var values: [[UInt8]] = []
        for field in fields where HTTPText.isEqual(field.name[...], name) { values.append(field.value) }
        return values
    }

    /// The value of a header that may stand only once.
    public func single(_ name: StaticString) -> Single {
        let values = values(name)
        guard let first = values.first else { return .missing }
        return values.count == 1 ? .value(first) : .repeated
    }

    /// The members of a list header over all its lines (RFC 9110 section 5.6.1): cut at commas outside of quoted strings, trimmed,
    /// empty members left out.  Nil: a quoted string has no end.
    public func list(_ name: StaticString) -> [[UInt8]]? {
        var members: [[UInt8]] = []
        for value in values(name) {
            guard let pieces = HTTPText.split(value[...], at: 0x2c) else { return nil }
            for piece in pieces where !piece.isEmpty { members.append(Array(piece)) }
        }
        return members
    }

    /// Whether a list header has a member, compared without case: `Connection: keep-alive, Upgrade` has `upgrade`.
    public func listContains(_ name: StaticString, _ member: StaticString) -> Bool {
        list(name)?.contains { HTTPText.isEqual($0[...], member) } ?? false
    }

    /// The first field that may not be sent: its name is no token, or its value could end the line.
    var firstUnsendable: Field? {
        fields.first { !HTTPText.isToken($0.name[...]) || !HTTPText.isFieldValue($0.value[...]) }
    }

    /// Appends each field as a line.
    func print(_ out: inout ByteBuffer) {
        for field in fields {
            out.append(field.name)
            out.append(": ")
            out.append(field.value)
            out.append("\r\n")
        }
    }
}

/// The small grammar of RFC 9110 sections 5.5 and 5.6.
public enum HTTPText {
    /// One or more token characters (section 5.6.2).
    public static func isToken(_ text: ArraySlice<UInt8>) -> Bool { !text.isEmpty && text.allSatisfy(isTokenByte) }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }

    /// Whether a field value has no control character but tabs (section 5.5).
    public static func isFieldValue(_ text: ArraySlice<UInt8>) -> Bool {
        text.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x09 }
    }

    /// Without spaces and tabs at its ends.
    public static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop { $0 == 0x20 || $0 == 0x09 }
        while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
        return text
    }

    /// The trimmed pieces between separators outside of quoted strings (section 5.6.4).  Nil: a quoted string has no end.
    public static func split(_ text: ArraySlice<UInt8>, at separator: UInt8) -> [ArraySlice<UInt8>]? {
        var pieces: [ArraySlice<UInt8>] = []
        var start = text.startIndex
        var index = start
        var isQuoted = false
        while index < text.endIndex {
            let byte = text[index]
            if isQuoted, byte == 0x5c {
                index += 1
            } else if byte == 0x22 {
                isQuoted.toggle()
            } else if byte == separator, !isQuoted {
                pieces.append(trimmed(text[start..<index]))
                start = index + 1
            }
            index += 1
        }
        guard !isQuoted else { return nil }
        pieces.append(trimmed(text[start...]))
        return pieces
    }

    /// The content of a quoted string, or the text itself if it is not quoted.  Nil: neither a token nor a quoted string.
    public static func unquoted(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.first == 0x22 else { return isToken(text) ? Array(text) : nil }
        guard text.count >= 2, text.last == 0x22 else { return nil }
        var result: [UInt8] = []
        var isEscaped = false
        for byte in text.dropFirst().dropLast() {
            if !isEscaped, byte == 0x5c {
                isEscaped = true
                continue
            }
            guard isEscaped || byte != 0x22 else { return nil }
            isEscaped = false
            result.append(byte)
        }
        return isEscaped ? nil : result
    }

    /// Compares without case.
    public static func isEqual(_ text: ArraySlice<UInt8>, _ other: StaticString) -> Bool {
        guard text.count == other.utf8CodeUnitCount else { return false }
        var index = 0
        for byte in text {
            guard byte.asciiLowercased == other.utf8Start[index].asciiLowercased else { return false }
            index += 1
        }
        return true
    }

    static func bytes(_ text: StaticString) -> [UInt8] {
        Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
