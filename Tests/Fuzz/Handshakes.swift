import GWBase
import GWDeflate
import GWHTTP
import GWJSON
import GWWebSocket

private let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
private let accept = Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)

private func client(
    _ deflate: DeflateSettings?, _ subprotocols: [[UInt8]], _ limits: HeadLimits = HeadLimits()
) -> ClientHandshake {
    do throws(Failure) {
        return try ClientHandshake(
            host: Array("localhost".utf8), target: Array("/".utf8), fields: HeaderFields(), key: key, accept: accept,
            deflate: deflate, subprotocols: subprotocols, limits: limits)
    } catch {
        fatalError(error.text)
    }
}

private struct RequestOutcome: Equatable {
    var verdict = "more"
    var consumed = 0
}

private func judge(_ bytes: [UInt8], _ limits: HeadLimits) -> (RequestOutcome, ServerHandshake) {
    var handshake = ServerHandshake(limits: limits)
    let outcome = sameForEveryCutting { cutting in
        handshake = ServerHandshake(limits: limits)
        var outcome = RequestOutcome()
        cutting.pieces(bytes, seed: UInt64(bytes.count)) { piece in
            guard outcome.verdict == "more" else { return }
            switch handshake.receive(UnsafeRawBufferPointer(piece)) {
            case .needMore: outcome.consumed += piece.count
            case .request(let consumed):
                outcome.consumed += consumed
                outcome.verdict = "request"
            case .refused(let failure):
                outcome = RequestOutcome(verdict: failure.shown, consumed: 0)
                requireRefusal(handshake, failure)
            }
        }
        return outcome
    }
    return (outcome, handshake)
}

/// Smaller limits change nothing but that a head above them is refused as such (RFC 6585 section 5).
private func requireLimits(_ bytes: [UInt8], _ outcome: RequestOutcome) {
    let limits = smallLimits
    let (limited, handshake) = judge(bytes, limits)
    if limited.verdict == "request" { require(limited.consumed <= limits.bytes, "a head of \(limited.consumed) bytes") }
    if limited.verdict == "more" { require(bytes.count <= limits.bytes, "\(bytes.count) bytes, and no verdict") }
    let isTooLarge = limited.verdict.contains(" 431 ")
    require(isTooLarge || limited == outcome, "\(limited.verdict) is not \(outcome.verdict)")
    use(handshake)
}

private var smallLimits: HeadLimits {
    var limits = HeadLimits()
    limits.bytes = 256
    limits.lines = 7
    return limits
}

/// Requests to a server: the same verdict however they are cut, and an answer that a client understands.
func fuzzRequest(_ input: UnsafeRawBufferPointer) {
    let bytes = Array(input)
    let (outcome, handshake) = judge(bytes, HeadLimits())
    requireLimits(bytes, outcome)
    guard outcome.verdict == "request" else { return }
    require(bytes.prefix(outcome.consumed).suffix(4) == [13, 10, 13, 10], "a head ends with an empty line")
    require(outcome.consumed <= Limits.headBytes, "a head of \(outcome.consumed) bytes")
    require(handshake.key.count == 24, "a key of \(handshake.key.count) characters")

    let chosen = handshake.subprotocols.first
    var answer = ByteBuffer()
    let agreed = handshake.accept(
        acceptValue: accept, deflate: DeflateSettings(), subprotocol: chosen, into: &answer)
    require(agreed.subprotocol == chosen, "the subprotocol was offered")
    // A client that offered as much as possible; what the server agreed to must be an answer to it.
    var client = client(DeflateSettings(), chosen.map { [$0] } ?? [])
    guard case .open(let consumed, let understood) = client.receive(answer.readable) else {
        fatalError("not understood: \(String(decoding: answer.readable, as: UTF8.self))")
    }
    require(consumed == answer.count && understood == agreed, "\(understood) is not \(agreed)")
}

/// A refusal is a whole answer with the status that it was given.
private func requireRefusal(_ handshake: ServerHandshake, _ failure: Failure) {
    var answer = ByteBuffer()
    handshake.refuse(failure, into: &answer)
    var parser = HeadParser<ResponseHead>()
    guard case .complete(let head, let consumed) = parser.receive(answer.readable) else { fatalError(failure.text) }
    require(head.status == UInt16(failure.code) && head.status >= 400, "status \(head.status)")
    var body = RefusedBody(head)
    _ = body.receive(UnsafeRawBufferPointer(rebasing: answer.readable[consumed...]))
    require(body.isWhole, "the body is not whole")
}

/// Answers to a client: the same verdict however they are cut; what it says of a refusal is JSON.
func fuzzResponse(_ input: UnsafeRawBufferPointer) {
    struct Outcome: Equatable {
        var verdict = "more"
        var consumed = 0
        var agreement: Agreement?
    }
    var choices = Choices(input)
    let flags = choices.byte()
    let deflate = flags & 1 == 0 ? nil : DeflateSettings()
    let subprotocols = flags & 2 == 0 ? [] : [Array("chat".utf8), Array("superchat".utf8)]
    let limits = flags & 16 == 0 ? HeadLimits() : smallLimits
    let bytes = choices.all()
    let outcome = sameForEveryCutting { cutting in
        var handshake = client(deflate, subprotocols, limits)
        handshake.requiresSubprotocol = flags & 4 != 0
        var outcome = Outcome()
        func end(_ failure: Failure) {
            require(failure.text.utf8.count < 1000, "a text of \(failure.text.utf8.count) bytes")
            require(failure.detail.isEmpty || failure.detail.withUnsafeBytes { JSON.isValid($0) }, "detail is not JSON")
            outcome.verdict = failure.shown
        }
        cutting.pieces(bytes, seed: UInt64(bytes.count)) { piece in
            guard outcome.verdict == "more" else { return }
            switch handshake.receive(UnsafeRawBufferPointer(piece)) {
            case .needMore: outcome.consumed += piece.count
            case .open(let consumed, let agreement):
                outcome = Outcome(verdict: "open", consumed: outcome.consumed + consumed, agreement: agreement)
            case .failed(let failure):
                outcome.consumed = 0
                end(failure)
            }
        }
        if outcome.verdict == "more" { end(flags & 8 == 0 ? handshake.endOfStream() : handshake.timeLimit()) }
        return outcome
    }
    guard let agreement = outcome.agreement else { return }
    require(bytes.prefix(outcome.consumed).suffix(4) == [13, 10, 13, 10], "a head ends with an empty line")
    require(interim(bytes) || outcome.consumed <= limits.bytes, "a head of \(outcome.consumed) bytes")
    require(agreement.deflate == nil || deflate != nil, "deflate was not offered")
    require(agreement.subprotocol.map(subprotocols.contains) ?? true, "the subprotocol was not offered")
}

/// There may be heads before the one that counts (RFC 9110 section 15.2).
private func interim(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: "HTTP/1.1 1".utf8) && !bytes.starts(with: "HTTP/1.1 101".utf8)
}
