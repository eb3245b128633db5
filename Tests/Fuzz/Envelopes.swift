import GWBase
import GWGateway
import GWJSON

/// Messages to the gateway machines of both ends, one a line, in the state that the first byte chooses: every frame that they answer with
/// is JSON, and all that they point to lies inside the message.
func fuzzEnvelope(_ input: UnsafeRawBufferPointer) {
    var choices = Choices(input)
    let state = choices.byte()
    var now = Instant(microseconds: 5_000_000)
    let client = ClientSession(
        settings: .init(), signer: nil,
        authentication: ClientMachine.Settings().makeAuthentication(), calls: PendingCalls(), now: now)
    var settings = ServerSession.Settings()
    if state & 8 != 0 { settings.policy.token = withExactly([0x74]) { Secret(copying: UnsafeRawBufferPointer($0)) } }
    settings.policy.protocolVersion = state & 16 == 0 ? 3 : 4
    let server = ServerSession(
        settings: settings, verifier: Verifier(), nonce: Array("n".utf8), connectionID: Array("c".utf8),
        isLoopback: state & 32 == 0, deadline: now.adding(milliseconds: settings.handshakeMilliseconds))
    prepare(client, server, steps: state & 3, now)

    var lines = choices.all().split(separator: 0x0a, maxSplits: 15)
    if lines.isEmpty { lines = [[]] }
    for line in lines {
        withExactly(line) { memory in
            let text = UnsafeRawBufferPointer(memory)
            read(text)
            feed(client, text, now)
            feed(server, text, now)
        }
        now = now.adding(milliseconds: UInt32(state) * 20)
        use(client.tick(now))
        use(server.tick(now))
    }
    use(client.end())
    require(client.callsInFlight == 0, "calls outlive their session")
    server.end()
}

/// Takes every signature of 64 bytes for good, so that what lies behind the check is reached.
private final class Verifier: ProofVerifier {
    func publicKey(_ text: [UInt8]) -> [UInt8]? { text.count == 43 ? Array(text.prefix(32)) : nil }
    func deviceID(_ publicKey: [UInt8]) -> [UInt8] { hexText(publicKey) }
    func isSignature(_ signature: [UInt8], over payload: [UInt8], by publicKey: [UInt8]) -> Bool {
        signature.count == 86
    }
    func isEqual(_ shown: [UInt8], _ secret: Secret) -> Bool { secret.withBytes { shown.elementsEqual($0) } }
}

private let wall: UInt64 = 1_767_225_600_000

private func prepare(_ client: ClientSession, _ server: ServerSession, steps: UInt8, _ now: Instant) {
    func give(_ text: String) {
        withExactly(Array(text.utf8)) {
            feed(client, UnsafeRawBufferPointer($0), now)
            feed(server, UnsafeRawBufferPointer($0), now)
        }
    }
    if steps > 0 { give(#"{"type":"event","event":"connect.challenge","payload":{"nonce":"n","ts":1767225600000}}"#) }
    if steps > 1 {
        give(
            """
            {"type":"res","id":"1","ok":true,"payload":{"type":"hello-ok","protocol":4,\
            "server":{"version":"1","connId":"c"},\
            "policy":{"maxPayload":1000,"maxBufferedBytes":5000,"tickIntervalMs":1000}}}
            """)
    }
    if steps > 2 {
        for _ in 0..<3 {
            use(client.call(expectsFinal: true, timeoutMilliseconds: 0, userData: 0, streamOffset: 0, now: now))
        }
    }
}

private func read(_ text: UnsafeRawBufferPointer) {
    var reader = EnvelopeReader()
    switch reader.read(text) {
    case .response(let response):
        requireInside([response.id, response.payload, response.error], text)
        if let id = CallID.read(response.id, in: text) {
            var written = ByteBuffer()
            CallID.write(id, into: &written)
            let content = text[response.id.range].dropFirst().dropLast()
            require(written.array.elementsEqual(content), "the id of a call came back as \(written.array)")
        }
        use(ErrorObject(response.error, in: text))
    case .event(let event):
        requireInside([event.name, event.payload], text)
    case .other:
        require(JSON.isValid(text), "what is not JSON is malformed")
    case .malformed:
        require(!JSON.isValid(text), "JSON is not malformed")
    }
    var members = JSONMembers()
    if case .request(let request) = FrameSchema.readRequest(text, &members) {
        requireInside([request.id, request.method, request.params], text)
    }
}

private func requireInside(_ values: [JSONSlice?], _ text: UnsafeRawBufferPointer) {
    for case .some(let value) in values {
        require(value.range.upperBound <= text.count, "a value outside of the text")
        require(JSON.isValid(value.bytes(in: text)), "a value that is not JSON")
    }
}

private func feed(_ client: ClientSession, _ text: UnsafeRawBufferPointer, _ now: Instant) {
    switch client.receive(text, now: now, wallMilliseconds: wall) {
    case .connected(let hello, _):
        require(hello.redacted.withUnsafeBytes { JSON.isValid($0) }, "the hello is not JSON")
    case .rejected(_, _, let error):
        requireInside([error], text)
        use(ErrorObject(error, in: text))
    case .send(let frame): require(JSON.isValid(frame.readable), "a frame is not JSON")
    case .event(let event, _): requireInside([event.name, event.payload], text)
    case .accepted(_, _, let payload): requireInside([payload], text)
    case .answered(_, _, let payload): requireInside([payload], text)
    default: break
    }
}

private func feed(_ server: ServerSession, _ text: UnsafeRawBufferPointer, _ now: Instant) {
    func requireJSON(_ frame: borrowing ByteBuffer) {
        require(frame.isEmpty || JSON.isValid(frame.readable), "a frame is not JSON: \(frame.array)")
    }
    switch server.receive(text, now: now, wallMilliseconds: wall) {
    case .admitted(_, let hello): requireJSON(hello)
    case .send(let frame): requireJSON(frame)
    case .close(let frame, _, let reason, _):
        requireJSON(frame)
        require(reason.count <= 123, "a close reason of \(reason.count) bytes")
    case .request(let request):
        requireInside([request.id, request.method, request.params], text)
        let method = UnsafeRawBufferPointer(rebasing: text[request.method.range].dropFirst().dropLast())
        let answer = BuiltinMethods(wallMilliseconds: 0).answer(
            method, request.params, in: text, scopes: [Array("operator.admin".utf8)], protocolVersion: 4,
            wallMilliseconds: 0, now: now)
        if case .run(var run) = answer { use(run.step(.never, wallMilliseconds: 0)) }
    }
}
