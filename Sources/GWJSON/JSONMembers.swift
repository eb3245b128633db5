import GWBase

/// Members of the top-level object of a scanned text: scratch memory that is used again and again, so that a scan
/// allocates nothing.
public struct JSONMembers: ~Copyable {
    public static let capacity = 32

    private struct Entry {
        var keyStart = 0
        var keyEnd = 0
        var word: UInt64 = 0
        var value = JSONSlice(kind: .null, range: 0..<0)
    }

    // `capacity` of them; in memory of its own, because an array inside the struct is copied at each access.
    private let entries: UnsafeMutablePointer<Entry>
    private var object = JSONSlice(kind: .null, range: 0..<0)

    /// How many members were recorded.
    public private(set) var count = 0
    /// Whether the object has more members than were recorded.
    public private(set) var isTruncated = false

    public init() {
        entries = .allocate(capacity: JSONMembers.capacity)
        entries.initialize(repeating: Entry(), count: JSONMembers.capacity)
    }

    deinit { entries.deallocate() }

    /// The bytes of a key, without its quotes and still with its escapes.
    public func key(_ index: Int) -> Range<Int> {
        guard index >= 0, index < count else { return 0..<0 }
        return entries[index].keyStart..<entries[index].keyEnd
    }

    public func value(_ index: Int) -> JSONSlice {
        guard index >= 0, index < count else { return JSONSlice(kind: .null, range: 0..<0) }
        return entries[index].value
    }

    /// The value of a member.  Of several with the same name the last counts, as with `JSON.parse` of ECMAScript.
    @inline(__always)
    public func find(_ name: StaticString, in text: UnsafeRawBufferPointer) -> JSONSlice? {
        // Where this is inlined, the word is a constant.
        find(name, KeyWord(name).word, in: text)
    }

    private func find(_ name: StaticString, _ word: UInt64, in text: UnsafeRawBufferPointer) -> JSONSlice? {
        if isTruncated { return JSON.member(name, of: object, in: text) }
        var index = count
        while index > 0 {
            index &-= 1
            let known = entries[index].word
            if known == 0 {
                let key = entries[index].keyStart..<entries[index].keyEnd
                if JSON.isKey(key, name, in: text) { return entries[index].value }
            } else if known == word {
                return entries[index].value
            }
        }
        return nil
    }

    mutating func begin() {
        count = 0
        isTruncated = false
    }

    @inline(__always)
    mutating func record(key: Range<Int>, _ value: JSONSlice, in text: Tokens) {
        guard count < JSONMembers.capacity else {
            isTruncated = true
            return
        }
        entries[count] = Entry(
            keyStart: key.lowerBound, keyEnd: key.upperBound, word: KeyWord(key, in: text).word, value: value)
        count &+= 1
    }

    mutating func end(_ value: JSONSlice) { object = value }
}

/// A key as one number, so that names are compared in one step: its one to eight bytes.  0 for every other key, and for
/// one with an escape.
private struct KeyWord {
    let word: UInt64

    @inline(__always)
    init(_ key: Range<Int>, in text: Tokens) {
        let count = key.upperBound &- key.lowerBound
        guard count > 0, count <= 8 else {
            word = 0
            return
        }
        let bytes = text.eightBytes(key.lowerBound) &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
        let slash = bytes ^ 0x5c5c_5c5c_5c5c_5c5c
        let hasEscape = (slash &- 0x0101_0101_0101_0101) & ~slash & 0x8080_8080_8080_8080 != 0
        word = hasEscape ? 0 : bytes
    }

    @inline(__always)
    init(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        var bytes: UInt64 = 0
        var at = 0
        while at < count {
            let byte = name.utf8Start[at]
            // Its first byte ends up lowest of those that the key has, as in memory.
            bytes = bytes &>> 8 | UInt64(byte) &<< 56
            if byte == Tokens.backslash { bytes = 0 }
            at &+= 1
        }
        word = count <= 8 ? bytes : 0
    }
}
