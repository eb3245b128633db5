import GWBase
import GWDeflate

@testable import GWWebSocket

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
        // By hand: what the standard library makes of a range takes most of the time of these tests.
        [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
            let letters = UInt64(alphabet) + 1
            while filled < count {
                memory.initializeElement(at: filled, to: UInt8(truncatingIfNeeded: next() % letters))
                filled += 1
            }
        }
    }
}

/// A pool whose masking keys are all 37 fa 21 3d, as in RFC 6455 section 5.7.
func fixedPool() -> RandomPool {
    RandomPool { memory in
        let key: UInt32 = 0x3d21_fa37
        for offset in stride(from: 0, to: memory.count, by: 4) {
            memory.storeBytes(of: key.littleEndian, toByteOffset: offset, as: UInt32.self)
        }
    }
}

func seededPool(_ seed: UInt64) -> RandomPool {
    var random = Random(seed)
    return RandomPool { memory in
        memory.copyBytes(from: random.bytes(memory.count))
    }
}

/// A frame, written without the code under test.  `length` overrides the length field's form.
func frame(
    _ first: UInt8, _ payload: [UInt8] = [], key: [UInt8]? = nil, length form: Int? = nil, declared: UInt64? = nil
) -> [UInt8] {
    let count = declared ?? UInt64(payload.count)
    let form = form ?? (count < 126 ? 7 : count < 65536 ? 16 : 64)
    let mask: UInt8 = key == nil ? 0 : 0x80
    var bytes = [first]
    switch form {
    case 7: bytes.append(UInt8(count) | mask)
    case 16: bytes += [126 | mask, UInt8(count >> 8), UInt8(count & 255)]
    default: bytes += [127 | mask] + (0..<8).map { UInt8(truncatingIfNeeded: count >> (56 - 8 * $0)) }
    }
    bytes += key ?? []
    bytes += payload.enumerated().map { $1 ^ (key?[$0 & 3] ?? 0) }
    return bytes
}

/// What a connection gave, in a form that can be compared.
enum Event: Equatable {
    case text([UInt8])
    case binary([UInt8])
    case textPart([UInt8])
    case binaryPart([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case closed(CloseSummary)
    case failed(Status, UInt32)

    static func text(_ string: String) -> Event { .text(Array(string.utf8)) }
}

/// A connection with a transport around it that does as the runtime does: one window an input, the carried bytes in front, large payloads
/// received directly.
final class Peer {
    let connection: WebSocketConnection
    let arena = Arena(chunkSize: 65_536)
    var now = Instant(microseconds: 1_000_000)
    var events: [Event] = []
    var usesDirectRoom = true
    /// A connection that its peer has broken fails when the test says so, not at once.
    var isHeld = false
    private(set) var directBytes = 0

    init(
        _ role: Role, settings: WebSocketSettings = WebSocketSettings(), deflate: DeflateParameters? = nil,
        random: RandomPool? = nil
    ) {
        connection = WebSocketConnection(
            role: role, settings: settings, deflate: deflate, random: random ?? fixedPool(), now: now)
    }

    func receive(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if usesDirectRoom, let room = connection.directRoom() {
                let count = min(room.count, rest.count)
                room.copyBytes(from: rest.prefix(count))
                rest = rest.dropFirst(count)
                directBytes += count
                record(connection.directReceived(count, arena, now))
                arena.reset()
                continue
            }
            let window = arena.reserve(connection.carried.count + rest.count)
            let carried = connection.takeCarried(to: window.baseAddress!)
            let count = min(window.count - carried, rest.count)
            UnsafeMutableRawBufferPointer(rebasing: window[carried...]).copyBytes(from: rest.prefix(count))
            rest = rest.dropFirst(count)
            arena.commit(carried + count)
            let filled = UnsafeMutableRawBufferPointer(rebasing: window[..<(carried + count)])
            var offset = 0
            while offset < filled.count { record(connection.next(filled, &offset, arena, now)) }
            arena.reset()
        }
        if !isHeld, connection.broken != nil { record(connection.tick(now)) }
    }

    func record(_ input: WebSocketConnection.Input) {
        switch input {
        case .needMore: break
        case .message(.text, let bytes): events.append(.text(Array(bytes)))
        case .message(.binary, let bytes): events.append(.binary(Array(bytes)))
        case .part(.text, let bytes): events.append(.textPart(Array(bytes)))
        case .part(.binary, let bytes): events.append(.binaryPart(Array(bytes)))
        case .ping(let bytes): events.append(.ping(Array(bytes)))
        case .pong(let bytes): events.append(.pong(Array(bytes)))
        case .closed(let summary): events.append(.closed(summary))
        case .failed(let failure): events.append(.failed(failure.status, failure.code))
        }
    }

    func send(_ kind: MessageKind, _ bytes: [UInt8], compress: Bool = false) -> Failure? {
        bytes.withUnsafeBytes { connection.send(kind, $0, compress: compress) }
    }

    /// Takes what is to be sent.
    func drain(_ count: Int = .max) -> [UInt8] {
        let bytes = Array(connection.output.readable.prefix(count))
        connection.output.consume(bytes.count)
        return bytes
    }

    var output: [UInt8] { connection.output.array }
}

/// The outcome of one input.
struct Outcome: Equatable {
    var events: [Event]
    var output: [UInt8]
}

func outcome(_ pieces: [[UInt8]], _ make: () -> Peer) -> Outcome {
    let peer = make()
    for piece in pieces { peer.receive(piece) }
    return Outcome(events: peer.events, output: peer.output)
}

/// The outcome of an input, having checked that it is the same for every cut into two and for single bytes.
func outcomeOfEveryCut(_ bytes: [UInt8], _ make: () -> Peer) -> Outcome? {
    let whole = outcome([bytes], make)
    if outcome(bytes.map { [$0] }, make) != whole { return nil }
    for cut in bytes.indices.dropFirst() {
        if outcome([Array(bytes[..<cut]), Array(bytes[cut...])], make) != whole { return nil }
    }
    return whole
}

let deflated = DeflateParameters()
