import GWBase

@testable import GWDeflate

/// Offers and answers of extensions: whatever is offered, the server's choice keeps to it, and what one end writes the other reads.
func fuzzExtensions(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let client = settings(&choices)
    let server = settings(&choices)

    var offer = ByteBuffer()
    DeflateOffer.write(client, into: &offer)
    agree(offer.array, server, client)

    // An offer of anybody's, and an answer of anybody's.
    let text = choices.all()
    guard let list = withExactly(text, { ExtensionList.parse(Array($0)) }) else { return }
    require(!list.isEmpty, "an empty list")
    agree(text, server, nil)
    do throws(Failure) {
        let agreed = try DeflateOffer.check(answer: list, client)
        require(list.count == 1, "two extensions were agreed")
        require(agreed.serverMaxWindowBits <= client.clamped.serverMaxWindowBits || !list[0].names("server_max_"), "")
        require(8...15 ~= agreed.serverMaxWindowBits && 8...15 ~= agreed.clientMaxWindowBits, "\(agreed)")
    } catch {
        use(error)
    }
}

private func agree(_ offer: [UInt8], _ server: DeflateSettings, _ client: DeflateSettings?) {
    guard let offers = ExtensionList.parse(offer) else { fatalError("unreadable: \(offer)") }
    var answer = ByteBuffer()
    guard let agreed = DeflateOffer.choose(from: offers, server, answer: &answer) else {
        require(client == nil && answer.isEmpty, "an offer of ours was declined")
        return
    }
    guard let list = ExtensionList.parse(answer.array) else { fatalError("unreadable: \(answer.array)") }
    do throws(Failure) {
        let understood = try DeflateOffer.check(answer: list, client ?? DeflateSettings())
        require(understood == agreed, "\(understood) is not \(agreed)")
    } catch {
        fatalError(error.text)
    }
}

extension Extension {
    fileprivate func names(_ start: String) -> Bool { parameters.contains { $0.name.starts(with: start.utf8) } }
}

private func settings(_ choices: inout Choices) -> DeflateSettings {
    var settings = DeflateSettings()
    let flags = choices.byte()
    settings.serverNoContextTakeover = flags & 1 != 0
    settings.clientNoContextTakeover = flags & 2 != 0
    settings.level = Int32(flags >> 2 & 15)
    settings.memoryLevel = Int32(flags >> 6) * 3
    let bits = choices.byte()
    settings.serverMaxWindowBits = bits & 15
    settings.clientMaxWindowBits = bits >> 4
    return settings
}

/// Messages of anybody's deflater: the same bytes and verdicts however input is cut and room is given, and never a byte outside of the room.
func fuzzInflate(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let flags = choices.byte()
    let rounds = Int(flags >> 4 & 3) + 1
    let sizes = (1..<max(rounds, 2)).map { _ in Int(choices.byte()) }
    let messages = (0..<rounds).map { $0 < rounds - 1 ? choices.bytes(sizes[$0]) : choices.all() }
    let forgets = flags & 8 != 0
    let releases = flags & 128 != 0

    let whole = sameForEveryCutting { cutting in
        inflated(messages, Inflator(windowBits: 15, noContextTakeover: forgets), cutting, releases: releases)
    }
    // What refers further back than a smaller window may be refused, but never gives other bytes.
    for cutting in Cutting.allCases {
        let inflator = Inflator(windowBits: 8 + (flags & 7), noContextTakeover: forgets)
        let some = inflated(messages, inflator, cutting, releases: releases)
        require(whole.begins(like: some), "window \(8 + (flags & 7)), cut \(cutting) gives\n\(some)\nfrom\n\(whole)")
    }
}

private struct Inflated: Equatable {
    var messages: [[UInt8]] = []
    var isGood = true

    func begins(like other: Inflated) -> Bool {
        if other.isGood { return self == other }
        guard let last = other.messages.last, other.messages.count <= messages.count else { return false }
        return messages.starts(with: other.messages.dropLast())
            && messages[other.messages.count - 1].starts(with: last)
    }
}

/// Inflates up to the first message that is bad or larger than `greatestInflated`.
private func inflated(_ messages: [[UInt8]], _ inflator: Inflator, _ cutting: Cutting, releases: Bool) -> Inflated {
    var result = Inflated()
    for message in messages where result.isGood {
        var held: [UInt8] = []
        cutting.pieces(message, seed: UInt64(message.count)) { piece in
            guard result.isGood, held.count < greatestInflated else { return }
            let room = cutting == .whole ? 4096 : 61
            result.isGood = inflate(piece, inflator, room: room, greatestInflated, &held)
        }
        if held.count >= greatestInflated {
            result.isGood = false
            held = Array(held.prefix(greatestInflated))
        }
        result.messages.append(held)
        if result.isGood { result.isGood = inflator.finishMessage() }
        if inflator.isDroppable, releases { inflator.release() }
    }
    return result
}

private let greatestInflated = 1 << 16

/// Inflates a piece behind `held` until it is used up, the limit is reached or it turns out bad, which gives false.
private func inflate(
    _ piece: UnsafeMutableRawBufferPointer, _ inflator: Inflator, room: Int, _ limit: Int, _ held: inout [UInt8]
) -> Bool {
    var input = UnsafeRawBufferPointer(piece)
    while held.count < limit {
        let before = input.count
        var produced = 0
        let outcome = withExactly([UInt8](repeating: 0, count: room)) { memory in
            guard let target = memory.baseAddress else { return Inflator.Outcome.invalid }
            let outcome = inflator.inflate(&input, into: target, room: room, produced: &produced)
            require(produced <= room, "\(produced) bytes in a room of \(room)")
            held += memory.prefix(produced)
            return outcome
        }
        switch outcome {
        case .inputTaken:
            require(input.isEmpty, "\(input.count) bytes were not taken")
            return true
        case .outputFull:
            require(produced > 0 || input.count < before, "no progress")
        case .invalid:
            return false
        }
    }
    return true
}

/// Messages of ours: whatever the settings and the pieces, the other end inflates what was deflated.
func fuzzDeflate(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let settings = settings(&choices)
    let flags = choices.byte()
    let bits = 9 + (flags & 7) % 7
    let forgets = flags & 8 != 0
    let deflator = Deflator(settings, windowBits: bits, noContextTakeover: forgets)
    let inflator = Inflator(windowBits: bits, noContextTakeover: forgets && flags & 16 != 0)

    while !choices.rest.isEmpty {
        var output = ByteBuffer()
        var message: [UInt8] = []
        let control = choices.byte()
        for _ in 0..<control & 3 {
            let size = Int(choices.byte())
            let piece = choices.bytes(size) + [UInt8](repeating: control, count: control & 4 == 0 ? 0 : size * 16)
            message += piece
            withExactly(piece) {
                require(deflator.deflate(UnsafeRawBufferPointer($0), into: &output), "zlib failed")
            }
            if control & 8 != 0 { require(deflator.flush(into: &output), "zlib failed") }
        }
        if control & 0xf0 == 0xf0 {
            deflator.abandonMessage()
            continue
        }
        require(deflator.finishMessage(into: &output), "zlib failed")
        if control & 0xf0 == 0xe0 { deflator.release() }
        var held: [UInt8] = []
        withExactly(output.array) {
            require(inflate($0, inflator, room: 1000, 1 << 20, &held), "does not inflate")
        }
        require(inflator.finishMessage(), "is cut off")
        require(held == message, "\(held) is not \(message)")
    }
}
