import GWBase

/// Ends the run with a finding.
func require(_ holds: Bool, _ rule: @autoclosure () -> String) {
    if !holds { fatalError(rule()) }
}

/// Takes choices off the front of an input; zeros when it is used up.
struct Choices {
    private(set) var rest: Slice<UnsafeRawBufferPointer>

    init(_ input: UnsafeRawBufferPointer) { rest = input[...] }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func bit() -> Bool { byte() & 1 == 1 }

    mutating func bytes(_ count: Int) -> [UInt8] {
        let taken = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return taken
    }

    mutating func all() -> [UInt8] { bytes(rest.count) }
}

/// How an input is cut into the pieces in which it arrives.
enum Cutting: CaseIterable {
    case whole
    case singleBytes
    case mixed

    /// Of a long piece that is all the same: single bytes would only take time.
    var ofFiller: Cutting { self == .whole ? .whole : .mixed }

    /// The pieces, each in memory of exactly its size, so that the sanitizer sees every access outside of it.
    func pieces(_ bytes: [UInt8], seed: UInt64, _ body: (UnsafeMutableRawBufferPointer) -> Void) {
        var random = Random(seed)
        var start = 0
        while start < bytes.count {
            let size: Int
            switch self {
            case .whole: size = bytes.count
            case .singleBytes: size = 1
            case .mixed: size = Int(random.next() & (random.next() & 1 == 0 ? 7 : bytes.count < 1024 ? 255 : 8191)) + 1
            }
            let end = min(start + size, bytes.count)
            withExactly(bytes[start..<end], body)
            start = end
        }
    }
}

func withExactly<Result>(_ bytes: some Collection<UInt8>, _ body: (UnsafeMutableRawBufferPointer) -> Result) -> Result {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { memory.deallocate() }
    memory.copyBytes(from: bytes)
    return body(memory)
}

/// What `make` gives for every cutting of the bytes, having required that it is always the same.
func sameForEveryCutting<Outcome: Equatable>(_ make: (Cutting) -> Outcome) -> Outcome {
    let whole = make(.whole)
    for cutting in Cutting.allCases where cutting != .whole {
        let other = make(cutting)
        require(other == whole, "cut \(cutting) gives\n\(other)\nwhole gives\n\(whole)")
    }
    return whole
}

/// Where results go that no rule speaks of, so that the optimiser keeps what made them.
@inline(never)
@_optimize(none)
func use<Value>(_ value: borrowing Value) where Value: ~Copyable {}

extension Failure {
    /// All of it, for comparing.
    var shown: String {
        let detail = String(decoding: detail, as: UTF8.self)
        return "\(status.code) \(code) \(actor.rawValue) \(isRetryable) \(retryAfterMilliseconds) \(text) \(detail)"
    }
}

extension ByteBuffer {
    var array: [UInt8] { Array(readable) }
}
