public enum JSONKind: UInt8, Sendable {
    case null
    case `false`
    case `true`
    case number
    case string
    case array
    case object

    /// Of the value that starts with this byte.
    @inline(__always)
    init(_ first: UInt8) {
        switch first {
        case Tokens.quote: self = .string
        case Tokens.openBrace: self = .object
        case Tokens.openBracket: self = .array
        case 0x74: self = .true
        case 0x66: self = .false
        case 0x6e: self = .null
        default: self = .number
        }
    }
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
