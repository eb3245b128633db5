import GWBase
import GWDeflate
import GWWebSocket
import Glibc

// Reads streams of frames from the standard input and prints the engine's verdict on each as a line of JSON.
//
// Before each stream stand 14 bytes, numbers in network order: role (0 client, 1 server), deflate (0 none, 1 with context takeover, 2 without),
// greatest message (4), greatest piece in which the stream arrives (4), length of the stream (4).

/// The next bytes of the standard input; nil at its end.
func input(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var held = 0
    while held < count {
        let more = bytes.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress.map { $0 + held }, count - held) }
        guard more > 0 else { return nil }
        held += more
    }
    return bytes
}

func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

struct Verdict {
    var messages: [String] = []
    var pings: [String] = []
    var end = "open"
    var code = 0
    var reason = ""

    mutating func record(_ input: WebSocketConnection.Input) {
        switch input {
        case .needMore, .pong, .part: break
        case .message(let kind, let bytes):
            messages.append("[\"\(kind)\",\"\(String(decoding: hexText(Array(bytes)), as: UTF8.self))\"]")
        case .ping(let bytes): pings.append("\"\(String(decoding: hexText(Array(bytes)), as: UTF8.self))\"")
        case .closed(let summary):
            end = "closed"
            code = Int(summary.code)
        case .failed(let failure):
            end = "failed"
            code = Int(failure.code)
            reason = failure.text
        }
    }

    var json: String {
        """
        {"messages":[\(messages.joined(separator: ","))],"pings":[\(pings.joined(separator: ","))],\
        "end":"\(end)","code":\(code),"reason":"\(reason)"}
        """
    }
}

func verdict(_ header: [UInt8], _ stream: [UInt8]) -> Verdict {
    var settings = WebSocketSettings()
    settings.maxMessageBytes = UInt32(number(header[2..<6]))
    settings.reportsControlFrames = true
    let forgets = header[1] == 2
    let now = Instant(microseconds: 0)
    let connection = WebSocketConnection(
        role: header[0] == 0 ? .client : .server, settings: settings,
        deflate: header[1] == 0
            ? nil : DeflateParameters(serverNoContextTakeover: forgets, clientNoContextTakeover: forgets),
        random: RandomPool { $0.initializeMemory(as: UInt8.self, repeating: 0) }, now: now)
    let arena = Arena()
    var verdict = Verdict()
    var rest = stream[...]
    while !rest.isEmpty {
        let piece = rest.prefix(max(number(header[6..<10]), 1))
        rest = rest.dropFirst(piece.count)
        let window = arena.reserve(connection.carried.count + piece.count)
        guard let base = window.baseAddress else { break }
        let carried = connection.takeCarried(to: base)
        UnsafeMutableRawBufferPointer(rebasing: window[carried...]).copyBytes(from: piece)
        let filled = UnsafeMutableRawBufferPointer(rebasing: window[..<(carried + piece.count)])
        arena.commit(filled.count)
        var offset = 0
        while offset < filled.count { verdict.record(connection.next(filled, &offset, arena, now)) }
        arena.reset()
    }
    // What is wrong fails the connection with the next tick.
    if connection.deadline <= now { verdict.record(connection.tick(now)) }
    return verdict
}

while let header = input(14), let stream = input(number(header[10..<14])) {
    print(verdict(header, stream).json)
}
