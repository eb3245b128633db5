import GWBase

@testable import GWWebSocket

/// Frame headers one after the other: a verdict comes at the first byte that allows it and no later byte changes it, only what is there is
/// read, and a header that passes is the one that the encoder writes for it.
func fuzzFrames(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let flags = choices.byte()
    let role: Role = flags & 1 == 0 ? .client : .server
    let limit = flags & 2 == 0 ? 1 << 20 : 300
    let decoder = FrameDecoder(role: role, isDeflateAgreed: flags & 4 != 0)
    var settings = WebSocketSettings()
    settings.maxMessageBytes = UInt32(limit)
    settings.maxFragments = 4
    if flags & 8 != 0 { settings.maxFrameBytes = 200 }
    var message = MessageAssembler(settings)
    var fragments = 0
    var declared = 0
    var rest = choices.all()[...]

    while let header = firstVerdict(decoder, rest, message) {
        require(header.size <= rest.count, "a header of \(header.size) bytes in \(rest.count)")
        require(encoded(header, role, first: rest[rest.startIndex]) == Array(rest.prefix(header.size)), "\(header)")
        rest = rest.dropFirst(header.size)
        if header.isControl {
            require(header.isFinal && header.length <= 125 && !header.isCompressed, "\(header)")
        } else {
            require((header.opcode == 0) == message.isOpen, "\(header)")
            fragments = message.isOpen ? fragments + 1 : 1
            declared = (message.isOpen ? declared : 0) + header.length
            message.begin(header)
            require(header.length <= settings.maxFrameBytes, "\(header)")
            require(fragments <= 4, "\(fragments) fragments")
            require(declared <= (message.isCompressed ? limit + limit / 4 + 1024 : limit), "\(declared) bytes")
            if header.isFinal { use(message.end(nil)) }
        }
        rest = rest.dropFirst(header.length)
    }
}

/// The header at the beginning of the bytes; nil if they break a rule or end before.
private func firstVerdict(
    _ decoder: FrameDecoder, _ bytes: ArraySlice<UInt8>, _ message: borrowing MessageAssembler
) -> FrameHeader? {
    var verdict: (isHeader: Bool, code: UInt32)?
    var header: FrameHeader?
    for count in 0...min(bytes.count, FrameSize.largestHeader + 1) {
        // One byte of memory at least, so that there is an address.
        let result = withExactly(count == 0 ? [0] : bytes.prefix(count)) { memory in
            memory.baseAddress.map { decoder.decode($0, count, message) } ?? .incomplete
        }
        switch result {
        case .incomplete:
            require(verdict == nil, "a verdict was taken back at \(count) bytes")
        case .header(let found):
            require(verdict?.isHeader ?? true, "a violation became \(found)")
            require(header != nil || found.size == count, "\(found) at \(count) bytes")
            verdict = (true, 0)
            header = found
        case .violation(let violation):
            let code = UInt32(violation.closeCode)
            require(violation.failure.code == code, "\(violation)")
            require(verdict.map { !$0.isHeader && $0.code == code } ?? true, "became \(violation)")
            verdict = (false, code)
        }
    }
    return header
}

private func encoded(_ header: FrameHeader, _ receiver: Role, first: UInt8) -> [UInt8] {
    let pool = RandomPool { memory in
        for offset in stride(from: 0, to: memory.count - 3, by: 4) {
            memory.storeBytes(of: header.key, toByteOffset: offset, as: UInt32.self)
        }
    }
    let encoder = FrameEncoder(role: receiver == .client ? .server : .client, random: pool)
    let size = encoder.headerSize(header.length)
    return withExactly([UInt8](repeating: 0, count: size)) { memory in
        if let target = memory.baseAddress { encoder.writeHeader(first, header.length, to: target) }
        return Array(memory)
    }
}
