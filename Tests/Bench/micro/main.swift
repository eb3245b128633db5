import Allocations
import CSystem
import CZlib
import GWBase
import GWDeflate
import GWWebSocket

// The machines alone, without sockets: processor time of one thread, the best of several rounds.

private let mebibyte = 1 << 20

private func seconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Seconds that one call takes.
private func measure(_ body: () -> Void) -> Double {
    body()
    var best = Double.infinity
    for _ in 0..<5 {
        var calls = 0
        let began = seconds()
        var used = 0.0
        while used < 0.05 {
            for _ in 0..<4 { body() }
            calls += 4
            used = seconds() - began
        }
        best = min(best, used / Double(calls))
    }
    return best
}

/// One decimal is enough.
private func text(_ number: Double) -> String {
    let tenths = Int(number * 10 + 0.5)
    return "\(tenths / 10).\(tenths % 10)"
}

private func row(_ what: String, _ figure: String, _ limit: String = "") { print("| \(what) | \(figure) | \(limit) |") }

private func gigabytes(_ bytes: Int, _ time: Double) -> String { text(Double(bytes) / time / 1e9) + " GB/s" }

private func fixedPool() -> RandomPool {
    RandomPool { memory in
        for index in memory.indices { memory[index] = UInt8(truncatingIfNeeded: index &* 7 &+ 1) }
    }
}

private func connection(_ role: Role, _ deflate: DeflateParameters? = nil) -> WebSocketConnection {
    WebSocketConnection(
        role: role, settings: WebSocketSettings(), deflate: deflate, random: fixedPool(), now: Instant(microseconds: 1))
}

/// Masked frames of 64 bytes, decoded in place as a server does, a thousand from one window.  The key is 0, so that the window can be
/// decoded again; it is applied as every other.
private func decode(_ opcode: UInt8, _ name: String) {
    let count = 1000
    let size = 6 + 64
    let window = UnsafeMutableRawBufferPointer.allocate(byteCount: count * size, alignment: 64)
    for index in 0..<count {
        window[index * size] = 0x80 | opcode
        window[index * size + 1] = 0x80 | 64
        for offset in 2..<6 { window[index * size + offset] = 0 }
        for offset in 6..<size { window[index * size + offset] = 0x61 }
    }
    let server = connection(.server)
    let arena = Arena()
    let now = Instant(microseconds: 2)
    var messages = 0
    func once() {
        var offset = 0
        while case .message = server.next(window, &offset, arena, now) { messages += 1 }
    }
    once()
    let before = allocation_count()
    once()
    let allocations = allocation_count() - before
    let time = measure(once)
    let nanoseconds = text(time / Double(count) * 1e9)
    row("unmask and decode 64 bytes of \(name)", "\(nanoseconds) ns", "\(allocations) allocations in \(count)")
    window.deallocate()
}

private func mask() {
    let source = UnsafeMutableRawBufferPointer.allocate(byteCount: mebibyte, alignment: 64)
    let target = UnsafeMutableRawBufferPointer.allocate(byteCount: mebibyte, alignment: 64)
    for index in source.indices { source[index] = UInt8(truncatingIfNeeded: index) }
    let client = connection(.client)
    let masking = measure {
        _ = client.send(.binary, UnsafeRawBufferPointer(source), compress: false)
        client.output.clear()
    }
    let copying = measure { target.copyMemory(from: UnsafeRawBufferPointer(source)) }
    row("frame and mask 1 MiB", gigabytes(mebibyte, masking), "memcpy \(gigabytes(mebibyte, copying))")
}

private func utf8() {
    let samples: [(String, String)] = [
        ("ASCII", "the quick brown fox "), ("Cyrillic", "жук"), ("Chinese", "日本語"), ("emoji", "🚀"),
        ("ASCII with 2 % Chinese", "forty-seven letters of plain text stand here... 日"),
    ]
    for (name, sample) in samples {
        let unit = sample.bytes
        var bytes: [UInt8] = []
        while bytes.count + unit.count <= mebibyte { bytes += unit }
        bytes.withUnsafeBytes { bytes in
            let time = measure {
                var validator = UTF8Validator()
                if !validator.check(bytes) { print("not UTF-8") }
            }
            row("check UTF-8, 1 MiB of \(name)", gigabytes(bytes.count, time))
        }
    }
}

/// Something like the messages of a gateway.
private func sample(_ size: Int, _ seed: Int) -> [UInt8] {
    var text: [UInt8] = []
    var number = seed &* 2_654_435_761 &+ 1
    let words = ["session", "agent", "delta", "final", "presence", "status", "approved", "queue", "channel", "history"]
    while text.count < size {
        number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let word = words[Int(truncatingIfNeeded: UInt64(bitPattern: Int64(number)) >> 33) % words.count]
        text += "{\"event\":\"\(word)\",\"seq\":\(number >> 44 & 0xffff),\"text\":\"\(word) \(number & 0xff)\"},".bytes
    }
    return Array(text.prefix(size))
}

/// The connection's streams beside zlib called directly with the same settings (level 6, memLevel 8, window 15, history kept).
private func deflate(_ size: Int) {
    var settings = DeflateSettings()
    settings.serverNoContextTakeover = false
    settings.clientNoContextTakeover = false
    let messages = (0..<64).map { sample(size, $0) }
    let deflator = Deflator(settings, windowBits: 15, noContextTakeover: false)
    var output = ByteBuffer()
    var next = 0
    let ours = measure {
        output.clear()
        messages[next].withUnsafeBytes { _ = deflator.deflate($0, into: &output) }
        _ = deflator.finishMessage(into: &output)
        next = (next + 1) % messages.count
    }
    var stream = z_stream()
    gw_deflate_init(&stream, 6, -15, 8)
    let room = UnsafeMutablePointer<UInt8>.allocate(capacity: size * 2 + 1024)
    let direct = measure {
        messages[next].withUnsafeBytes { bytes in
            stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.avail_in = UInt32(bytes.count)
            stream.next_out = room
            stream.avail_out = UInt32(size * 2 + 1024)
            CZlib.deflate(&stream, Z_SYNC_FLUSH)
        }
        next = (next + 1) % messages.count
    }
    row("deflate \(size) bytes", text(ours * 1e6) + " us", "zlib alone \(text(direct * 1e6)) us")
    inflate(messages, size, room)
}

private func inflate(_ messages: [[UInt8]], _ size: Int, _ room: UnsafeMutablePointer<UInt8>) {
    let deflator = Deflator(DeflateSettings(), windowBits: 15, noContextTakeover: true)
    let compressed = messages.map { message -> [UInt8] in
        var output = ByteBuffer()
        message.withUnsafeBytes { _ = deflator.deflate($0, into: &output) }
        _ = deflator.finishMessage(into: &output)
        return Array(output.readable)
    }
    let inflator = Inflator(windowBits: 15, noContextTakeover: false)
    var next = 0
    let ours = measure {
        compressed[next].withUnsafeBytes { bytes in
            var input = bytes
            var produced = 0
            _ = inflator.inflate(&input, into: UnsafeMutableRawPointer(room), room: size * 2, produced: &produced)
        }
        if !inflator.finishMessage() { print("not whole") }
        next = (next + 1) % compressed.count
    }
    var stream = z_stream()
    gw_inflate_init(&stream, -15)
    let whole = compressed.map { $0 + [0, 0, 0xff, 0xff] }
    let direct = measure {
        whole[next].withUnsafeBytes { bytes in
            stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.avail_in = UInt32(bytes.count)
            stream.next_out = room
            stream.avail_out = UInt32(size * 2)
            CZlib.inflate(&stream, Z_SYNC_FLUSH)
        }
        next = (next + 1) % whole.count
    }
    row("inflate \(size) bytes", text(ours * 1e6) + " us", "zlib alone \(text(direct * 1e6)) us")
}

print("| the machines alone | figure | beside |")
print("| --- | --- | --- |")
decode(0x2, "binary")
decode(0x1, "text")
mask()
utf8()
deflate(1024)
deflate(65536)
