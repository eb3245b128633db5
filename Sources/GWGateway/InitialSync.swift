import GWBase
import GWJSON

/// A call of the initial sync.
public struct SyncCall {
    public var method: [UInt8]
    /// JSON, or empty.
    public var params: [UInt8]

    public init(method: [UInt8], params: [UInt8]) {
        self.method = method
        self.params = params
    }
}

/// Calls whose answers the host wants as one after each hello.
struct InitialSync {
    private let calls: [SyncCall]
    /// `"ok":true,"payload":...` or `"ok":false,"error":...` of each.
    private var outcomes: [[UInt8]] = []
    /// So many were made on this connection; all of them while there is none.
    private var made: Int
    private var answered = 0
    private(set) var failed: UInt32 = 0

    init(_ calls: [SyncCall]) {
        self.calls = calls
        made = calls.count
    }

    /// A connection is ready.
    mutating func begin() {
        outcomes = [[UInt8]](repeating: [], count: calls.count)
        made = 0
        answered = 0
        failed = 0
    }

    /// The next call to be made on this connection, and its place; it then counts as made.
    mutating func next() -> (place: Int, call: SyncCall)? {
        guard made < calls.count else { return nil }
        made += 1
        return (made - 1, calls[made - 1])
    }

    mutating func answered(_ place: Int, _ payload: UnsafeRawBufferPointer) {
        set(place, "\"ok\":true,\"payload\":", payload)
    }

    /// `error` is an error object as the gateway writes it.
    mutating func failed(_ place: Int, _ error: UnsafeRawBufferPointer) {
        failed += 1
        set(place, "\"ok\":false,\"error\":", error)
    }

    /// A failure of our own finding.
    mutating func failed(_ place: Int, code: StaticString, _ failure: Failure) {
        var error = ByteBuffer()
        error.appendJSONObject { object in
            object.string("code", UnsafeRawBufferPointer(start: code.utf8Start, count: code.utf8CodeUnitCount))
            object.string("message", failure.text)
        }
        failed(place, error.readable)
    }

    private mutating func set(_ place: Int, _ beginning: StaticString, _ value: UnsafeRawBufferPointer) {
        guard outcomes.indices.contains(place), outcomes[place].isEmpty else { return }
        var outcome = ByteBuffer()
        outcome.append(beginning)
        if value.isEmpty { outcome.append("null") } else { outcome.append(value) }
        outcomes[place] = Array(outcome.readable)
        answered += 1
    }

    /// All outcomes in the order of their calls, once the last one has come; it is given once.
    mutating func take() -> [UInt8]? {
        guard !calls.isEmpty, answered == calls.count, !outcomes.isEmpty else { return nil }
        var list = ByteBuffer()
        list.append(0x5b)
        for (place, outcome) in outcomes.enumerated() {
            list.append(place == 0 ? "{\"method\":" : ",{\"method\":")
            list.appendJSONString(calls[place].method)
            list.append(0x2c)
            outcome.withUnsafeBytes { list.append($0) }
            list.append(0x7d)
        }
        list.append(0x5d)
        outcomes = []
        return Array(list.readable)
    }

    /// What is not answered will not be.
    mutating func connectionEnded() {
        outcomes = []
        made = calls.count
    }
}
