import GWBase
import GWJSON

/// A text in memory of exactly its size, so that a sanitizer sees every read outside of it.
final class Text {
    let bytes: UnsafeRawBufferPointer

    init(_ content: some Sequence<UInt8>) {
        let content = Array(content)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    convenience init(_ content: String) { self.init(content.utf8) }

    deinit { bytes.deallocate() }

    var isValid: Bool { JSON.isValid(bytes) }

    func scan() -> JSONSlice? {
        var members = JSONMembers()
        return JSON.scan(bytes, &members)
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

    func text(_ value: JSONSlice?) -> String? { value.map { text($0.range) } }
}

/// The content of a JSON text that is one string.
func unescaped(_ json: String) -> [UInt8]? {
    let text = Text(json)
    return text.scan().flatMap { JSON.string($0, in: text.bytes) }
}

func integer(_ json: String) -> Int64? {
    let text = Text(json)
    return text.scan().flatMap { JSON.integer($0, in: text.bytes) }
}

/// What `body` appends to an empty buffer.
func written(_ body: (inout ByteBuffer) -> Void) -> String {
    var out = ByteBuffer()
    body(&out)
    return String(decoding: out.readable, as: UTF8.self)
}

/// A small reproducible generator (xorshift64*).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) { state = seed &* 2 &+ 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
