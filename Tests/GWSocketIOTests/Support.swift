import Foundation
import GWBase
import GWSocketIO
import GWTLS
import Testing

// MARK: - Texts

/// Bytes in memory of exactly their size, so that a sanitizer sees every read outside of it.
final class Memory {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ content: some Collection<UInt8>) {
        bytes = .allocate(byteCount: content.count, alignment: 1)
        bytes.copyBytes(from: content)
    }

    convenience init(_ content: String) { self.init(Array(content.utf8)) }

    deinit { bytes.deallocate() }

    var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func text(_ buffer: borrowing ByteBuffer) -> String { String(decoding: buffer.readable, as: UTF8.self) }

func bytes(hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// One spelling of a JSON value, for comparison.
func canonical(_ value: Any?) -> String {
    guard let value else { return "absent" }
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
    return (try? JSONSerialization.data(withJSONObject: value, options: options)).map { text($0) } ?? "not JSON"
}

func parsed(_ json: some Sequence<UInt8>) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(json), options: [.fragmentsAllowed])
}

// MARK: - Vectors

func vectors(_ list: String, of file: String) throws -> [[String: Any]] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: tests.appendingPathComponent("Vectors/socketio/\(file)"))
    let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    return try #require(object[list] as? [[String: Any]])
}

// MARK: - Randomness

/// A small reproducible generator (xorshift64*).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = (seed &+ 1) &* 0x9e37_79b9_7f4a_7c15 | 1
        for _ in 0..<4 { _ = next() }
    }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % max(limit, 1) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

func seededPool(_ seed: UInt64) -> RandomPool {
    var random = Seeded(seed)
    return RandomPool { memory in
        for index in memory.indices { memory[index] = UInt8(truncatingIfNeeded: random.next() >> 40) }
    }
}
