import GWBase

/// Members of the top-level object of a scanned text: scratch memory that is used again and again, so that a scan
/// allocates nothing.
public struct JSONMembers: ~Copyable {
    public static let capacity = 32

    private struct Entry {
        var keyStart = 0
        var keyEnd = 0
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
    public func find(_ name: StaticString, in text: UnsafeRawBufferPointer) -> JSONSlice? {
        if isTruncated { return JSON.member(name, of: object, in: text) }
        guard let base = text.baseAddress else { return nil }
        // The first byte alone tells most names apart, unless it is an escape; and escapes make a key longer.
        let initial = name.utf8CodeUnitCount > 0 ? name.utf8Start.pointee : 0
        var index = count
        while index > 0 {
            index &-= 1
            let start = entries[index].keyStart
            let end = entries[index].keyEnd
            guard end &- start >= name.utf8CodeUnitCount, end <= text.count else { continue }
            if start < end {
                let first = base.load(fromByteOffset: start, as: UInt8.self)
                guard first == initial || first == Tokens.backslash else { continue }
            }
            if Tokens(base, end).unescapedEquals(start, name) { return value(index) }
        }
        return nil
    }

    mutating func begin() {
        count = 0
        isTruncated = false
    }

    @inline(__always)
    mutating func record(key: Range<Int>, _ value: JSONSlice) {
        guard count < JSONMembers.capacity else {
            isTruncated = true
            return
        }
        entries[count] = Entry(keyStart: key.lowerBound, keyEnd: key.upperBound, value: value)
        count &+= 1
    }

    mutating func end(_ value: JSONSlice) { object = value }
}
