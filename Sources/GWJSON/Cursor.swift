/// Walks over the direct content of one object or array, and holds it to the grammar.
struct Cursor {
    enum Step {
        /// The key is empty in an array.
        case value(key: Range<Int>, JSONSlice)
        /// The closing bracket stands in front of this offset.
        case end(Int)
        case malformed
    }

    private let text: Tokens
    private let isObject: Bool
    private let depth: Int
    private var at: Int
    private var isFirst = true

    /// For what stands behind the bracket at `opening`, around which `depth` objects and arrays are open.
    @inline(__always)
    init(_ text: Tokens, opening: Int, isObject: Bool, depth: Int = 0) {
        self.text = text
        self.isObject = isObject
        self.depth = depth &+ 1
        at = opening &+ 1
    }

    /// For an object or array of a text that was checked; of any other text the walk ends early.
    @inline(__always)
    init?(inside container: JSONSlice, in text: UnsafeRawBufferPointer) {
        let range = container.range.clamped(to: 0..<text.count)
        guard let base = text.baseAddress, !range.isEmpty else { return nil }
        self.init(Tokens(base, range.upperBound), opening: range.lowerBound, isObject: container.kind == .object)
    }

    @inline(__always)
    mutating func next() -> Step {
        let byte = text.next(&at)
        if byte == (isObject ? Tokens.closeBrace : Tokens.closeBracket) { return .end(at &+ 1) }
        if isFirst {
            isFirst = false
        } else {
            guard byte == Tokens.comma else { return .malformed }
            at &+= 1
        }
        var key = 0..<0
        if isObject {
            guard let name = text.key(&at) else { return .malformed }
            key = name
        }
        guard let value = text.value(&at, depth: depth) else { return .malformed }
        return .value(key: key, value)
    }
}
