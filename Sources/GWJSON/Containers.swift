import GWBase

extension Tokens {
    /// Moves behind a key and its colon, and gives the key without its quotes.
    @inline(__always)
    func key(_ at: inout Int) -> Range<Int>? {
        guard skip(Tokens.quote, &at), let behind = endOfString(at) else { return nil }
        let key = Range(uncheckedBounds: (at, behind &- 1))
        at = behind
        return skip(Tokens.colon, &at) ? key : nil
    }

    /// Moves behind a value, around which `depth` objects and arrays are open.
    @inline(__always)
    func value(_ at: inout Int, depth: Int) -> JSONSlice? {
        let first = next(&at)
        let isContainer = first | 0x20 == Tokens.openBrace
        guard let behind = isContainer ? endOfContainer(at, depth: depth) : endOfScalar(first, at) else { return nil }
        defer { at = behind }
        return JSONSlice(kind: JSONKind(first), range: Range(uncheckedBounds: (at, behind)))
    }

    /// The offset behind the object or array that opens at `opening`, around which `depth` are open.
    func endOfContainer(_ opening: Int, depth: Int) -> Int? {
        var open = OpenContainers(depth)
        var at = opening
        // Each turn reads one value, in an object with its key in front.
        while true {
            if open.isObject { guard key(&at) != nil else { return nil } }
            let first = next(&at)
            if first | 0x20 == Tokens.openBrace {
                guard open.push(isObject: first == Tokens.openBrace) else { return nil }
                at &+= 1
                guard next(&at) == open.closing else { continue }
                open.pop()
                at &+= 1
            } else {
                guard let behind = endOfScalar(first, at) else { return nil }
                at = behind
            }

            // What has ended may be the last in its container, and that the last in its own.
            while true {
                if open.depth == depth { return at }
                if skip(Tokens.comma, &at) { break }
                guard byte(at) == open.closing else { return nil }
                open.pop()
                at &+= 1
            }
        }
    }
}

/// The objects and arrays that are open at one place of a text, one bit each.
private struct OpenContainers {
    private static let capacity = 256

    private(set) var depth: Int
    // Bit 0 stands for the innermost one; whole words of those around it are put aside.
    private var bits: UInt64 = 0
    private var outer = InlineArray<4, UInt64>(repeating: 0)

    /// `depth` are open already, about which nothing will be asked.
    @inline(__always)
    init(_ depth: Int) { self.depth = depth }

    /// Whether the innermost one is an object.
    @inline(__always)
    var isObject: Bool { bits & 1 != 0 }

    /// What ends the innermost one.
    @inline(__always)
    var closing: UInt8 { isObject ? Tokens.closeBrace : Tokens.closeBracket }

    /// False if that would be too deep.
    @inline(__always)
    mutating func push(isObject: Bool) -> Bool {
        guard depth < min(Limits.jsonDepth, OpenContainers.capacity) else { return false }
        if depth & 63 == 0 { outer[depth &>> 6 & 3] = bits }
        bits = bits &<< 1 | (isObject ? 1 : 0)
        depth &+= 1
        return true
    }

    @inline(__always)
    mutating func pop() {
        depth &-= 1
        bits = depth & 63 == 0 ? outer[depth &>> 6 & 3] : bits &>> 1
    }
}
