public enum JSONKind: UInt8, Sendable {
    case null
    case `false`
    case `true`
    case number
    case string
    case array
    case object
}

/// Where a value stands inside a text.  A string's range includes its quotes.
public struct JSONSlice: Equatable, Sendable {
    public var kind: JSONKind
    public var range: Range<Int>

    public init(kind: JSONKind, range: Range<Int>) {
        self.kind = kind
        self.range = range
    }

    public var isObject: Bool { kind == .object }
    public var isArray: Bool { kind == .array }
    public var isString: Bool { kind == .string }

    /// The bytes of the value as they stand in the text.
    public func bytes(in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[range.clamped(to: 0..<text.count)])
    }
}

/// Functions that read JSON where it lies (RFC 8259), without building a tree.
///
/// `scan` and `isValid` check a whole text; all others expect a text that was checked, and stay inside it whatever it is.
public enum JSON {}
