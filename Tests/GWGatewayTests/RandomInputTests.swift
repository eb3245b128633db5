import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

/// A trap would end the host's process, so getting through is the test.
@Suite("Random and broken messages")
struct RandomInputTests {
    /// Frames of the vectors and of our own making, to be broken.
    private func seeds() throws -> [[UInt8]] {
        var texts: [String] = []
        for list in ["cases", "tolerantReading"] {
            texts += try cases(list, of: "frames.json").map { try required("text", of: $0) }
        }
        for item in try cases("exchanges", of: "handshake.json") {
            texts += try required("steps", of: item, as: [[String: Any]].self).map { json($0["frame"] ?? "") }
        }
        for item in try cases("failures", of: "handshake.json") {
            for frame in [item["challenge"], item["clientFrame"], member("response", of: item["gateway"])] {
                if let frame { texts.append(json(frame)) }
            }
        }
        texts += [ClientEnd.challenge, ServerEnd.connect(ServerEnd.params())]
        texts.append(ServerEnd.connect(try paramsWithDevice()))
        texts.append(#"{"type":"res","id":"100000002","ok":true,"payload":{"status":"accepted"}}"#)
        texts.append(#"{"type":"req","id":"9","method":"chat.send","params":{"sessionKey":"k","message":"m"}}"#)
        return texts.map(\.bytes)
    }

    private func paramsWithDevice() throws -> [String: Any] {
        var params = ServerEnd.params(["auth": ["token": "t"]])
        params["device"] = try proof(for: params)
        return params
    }

    @Test("100,000 of them into both sessions, in each of their states")
    func both() throws {
        let seeds = try seeds()
        var random = Seeded(42)
        var answers = 0
        for _ in 0..<1000 {
            let client = client(&random)
            let server = server(&random)
            for _ in 0..<100 {
                let message = mutated(seeds[random.below(seeds.count)], &random)
                let input = Text(message)
                if random.chance(5) { client.advance(UInt32(random.below(40_000))) }
                feed(client, input)
                answers += feed(server, input)
                _ = client.tick()
                _ = server.session.tick(client.now)
            }
            _ = client.session.end()
        }
        #expect(answers > 1000)
    }

    private func feed(_ end: ClientEnd, _ input: Text) {
        switch end.session.receive(input.bytes, now: end.now, wallMilliseconds: ServerEnd.wall) {
        case .connected(let hello, _): #expect(hello.redacted.withUnsafeBytes { JSON.isValid($0) })
        case .rejected(_, _, let error): _ = ErrorObject(error, in: input.bytes)
        case .send(let frame): #expect(JSON.isValid(frame.readable))
        case .event(let event, _): #expect(event.name.range.upperBound <= input.bytes.count)
        default: break
        }
    }

    private func feed(_ end: ServerEnd, _ input: Text) -> Int {
        switch end.session.receive(input.bytes, now: end.now, wallMilliseconds: ServerEnd.wall) {
        case .admitted(_, let hello):
            #expect(JSON.isValid(hello.readable))
        case .send(let frame):
            #expect(frame.isEmpty || JSON.isValid(frame.readable))
        case .close(let frame, _, let reason, _):
            #expect(frame.isEmpty || JSON.isValid(frame.readable))
            #expect(reason.count <= 120)
        case .request(let request):
            let method = input.bytes[request.method.range]
            let answer = BuiltinMethods(wallMilliseconds: 0).answer(
                UnsafeRawBufferPointer(rebasing: method.dropFirst().dropLast()), request.params, in: input.bytes,
                scopes: ["operator.admin".bytes], protocolVersion: 4, wallMilliseconds: 0, now: end.now)
            if case .run(var run) = answer { _ = run.step(.never, wallMilliseconds: 0) }
        }
        return 1
    }

    private func client(_ random: inout Seeded) -> ClientEnd {
        let end = ClientEnd()
        let state = random.below(4)
        if state > 0 { _ = end.receive(ClientEnd.challenge) }
        if state > 1 { _ = end.answerConnect(ClientEnd.hello()) }
        if state > 2 { for _ in 0..<4 { _ = end.call(expectsFinal: true) } }
        return end
    }

    private func server(_ random: inout Seeded) -> ServerEnd {
        var settings = ServerSession.Settings()
        if random.chance(50) { settings.policy.token = secret("t") }
        settings.policy.protocolVersion = random.chance(50) ? 3 : 4
        return random.chance(50) ? ServerEnd(settings) : ServerEnd.ready(scopes: ["operator.read"])
    }

    /// A frame with some bytes changed, cut out, doubled or put in; now and then nothing but noise.
    private func mutated(_ frame: [UInt8], _ random: inout Seeded) -> [UInt8] {
        let tokens = Array(#"{}[]":,\u0000nulltrue-1e9990.5"#.utf8) + [0, 0x1f, 0x7f, 0xc3, 0xff]
        if random.chance(3) { return (0..<random.below(40)).map { _ in tokens[random.below(tokens.count)] } }
        var bytes = frame
        for _ in 0..<random.below(4) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            let end = min(bytes.count, place + 1 + random.below(12))
            switch random.below(5) {
            case 0: bytes[place] = tokens[random.below(tokens.count)]
            case 1: bytes.removeSubrange(place..<end)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: random.below(bytes.count))
            case 3: bytes.insert(tokens[random.below(tokens.count)], at: place)
            default: swapValues(&bytes, &random)
            }
        }
        if random.chance(2) { bytes.removeSubrange(random.below(bytes.count + 1)..<bytes.count) }
        return bytes
    }

    /// Puts a value of another kind in the place of one, so that the text stays JSON.
    private func swapValues(_ bytes: inout [UInt8], _ random: inout Seeded) {
        let values = ["null", "true", "-1", "1e400", "9223372036854775808", "\"\"", "[]", "{}", #"[[{"a":"b"}]]"#]
        guard let colon = bytes.indices.filter({ bytes[$0] == 0x3a }).randomElement(using: &random) else { return }
        var end = colon + 1
        while end < bytes.count, bytes[end] != 0x2c, bytes[end] != 0x7d { end += 1 }
        bytes.replaceSubrange(colon + 1..<end, with: values[random.below(values.count)].utf8)
    }
}
