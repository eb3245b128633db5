import GWBase

@testable import GWDeflate

/// Bytes from hex digits; blanks are ignored.
func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text.utf8 {
        guard let value = digit.hexDigitValue else { continue }
        if let first = high {
            bytes.append(first << 4 | value)
            high = nil
        } else {
            high = value
        }
    }
    return bytes
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension ByteBuffer {
    var array: [UInt8] { Array(readable) }
}

/// Seeded, for data that a failing test can repeat.
struct Random: RandomNumberGenerator {
    var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func bytes(_ count: Int, alphabet: UInt8 = 255) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...alphabet, using: &self) }
    }
}

enum InflateResult: Equatable {
    case message([UInt8])
    case invalid
    case cutOff
}

extension Inflator {
    /// A whole message, given in pieces of `piece` bytes into rooms of `room` bytes.
    func message(_ payload: [UInt8], piece: Int = .max, room: Int = 4096) -> InflateResult {
        var result: [UInt8] = []
        var start = 0
        repeat {
            let end = min(payload.count, start + min(piece, payload.count))
            let outcome = Array(payload[start..<end]).withUnsafeBytes { bytes -> Outcome in
                var input = bytes
                while true {
                    var produced = 0
                    var memory = [UInt8](repeating: 0, count: room)
                    let outcome = memory.withUnsafeMutableBytes {
                        inflate(&input, into: $0.baseAddress!, room: room, produced: &produced)
                    }
                    result += memory[..<produced]
                    if outcome != .outputFull { return outcome }
                }
            }
            if outcome == .invalid { return .invalid }
            start = end
        } while start < payload.count
        return finishMessage() ? .message(result) : .cutOff
    }

    func message(_ payload: String) -> InflateResult { message(hex(payload)) }
}

extension Deflator {
    func message(_ bytes: [UInt8], piece: Int = .max) -> [UInt8]? {
        var output = ByteBuffer()
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + min(piece, bytes.count))
            let isGood = Array(bytes[start..<end]).withUnsafeBytes { deflate($0, into: &output) }
            if !isGood { return nil }
            start = end
        }
        return finishMessage(into: &output) ? output.array : nil
    }
}
