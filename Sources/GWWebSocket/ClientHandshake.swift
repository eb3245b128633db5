import GWBase
import GWDeflate
import GWHTTP

/// What the opening handshake agreed on.
public struct Agreement: Equatable, Sendable {
    public var deflate: DeflateParameters?
    public var subprotocol: [UInt8]?
}

/// The client's side of the opening handshake (RFC 6455 section 4.1): writes the request, judges the answer.
///
/// Key and accept value are computed before, because this layer has no random source and no SHA-1.
public struct ClientHandshake {
    private enum State {
        case head(HeadParser<ResponseHead>)
        /// A status other than 101; its body is read as far as it helps.
        case refusal(ResponseHead, RefusedBody)
        case done
    }

    private let requestHead: RequestHead
    private let acceptValue: [UInt8]
    private let deflate: DeflateSettings?
    private let subprotocols: [[UInt8]]
    private var state: State
    private var failure: Failure?

    /// Refuse an answer without a subprotocol although some were offered, as browsers do.
    public var requiresSubprotocol = false

    /// The answer, once it was read.
    public private(set) var responseHead: ResponseHead?

    /// - `host`: the value of the Host header; `target`: path and query.
    /// - `fields`: further fields, none of which may be one that the handshake itself sends.
    /// - `key`: base64 of 16 fresh random bytes; `accept`: what the server must answer to it (section 4.2.2 step 5.4).
    /// - `deflate`: what to offer, nil for nothing; `subprotocols`: distinct tokens in the order of preference.
    /// - `limits`: of the answer's head.
    public init(
        host: [UInt8], target: [UInt8], fields: HeaderFields, key: [UInt8], accept: [UInt8],
        deflate: DeflateSettings?, subprotocols: [[UInt8]], limits: HeadLimits = HeadLimits()
    ) throws(Failure) {
        state = .head(HeadParser(limits))
        try ClientHandshake.check(fields)
        try ClientHandshake.check(subprotocols: subprotocols)
        var all = HeaderFields()
        all.append("Host", host)
        all.append("Upgrade", "websocket")
        all.append("Connection", "Upgrade")
        all.append("Sec-WebSocket-Key", key)
        all.append("Sec-WebSocket-Version", "13")
        if !subprotocols.isEmpty {
            all.append("Sec-WebSocket-Protocol", Array(subprotocols.joined(separator: [0x2c, 0x20])))
        }
        if let deflate {
            var offer = ByteBuffer()
            DeflateOffer.write(deflate, into: &offer)
            all.append("Sec-WebSocket-Extensions", Array(offer.readable))
        }
        for field in fields.fields { all.append(field.name, field.value) }
        requestHead = RequestHead(method: "GET", target: target, fields: all)
        acceptValue = accept
        self.deflate = deflate
        self.subprotocols = subprotocols
        // Written once to see that it can be: then `request` always can.
        var trial = ByteBuffer()
        try requestHead.print(&trial)
        guard trial.count <= Limits.headBytes else {
            throw Failure(.argument, .program, "request head of \(trial.count) bytes, limit \(Limits.headBytes)")
        }
    }

    /// Whether the fields may be added to a request: none is one of the handshake's own or frames a body.
    public static func check(_ fields: HeaderFields) throws(Failure) {
        for field in fields.fields {
            let name = field.name[...]
            let isReserved =
                HTTPText.isEqual(name.prefix(14), "sec-websocket-") || HTTPText.isEqual(name, "host")
                || HTTPText.isEqual(name, "upgrade") || HTTPText.isEqual(name, "connection")
                || HTTPText.isEqual(name, "content-length") || HTTPText.isEqual(name, "transfer-encoding")
                || HTTPText.isEqual(name, "te") || HTTPText.isEqual(name, "trailer")
                || HTTPText.isEqual(name, "expect")
            if isReserved {
                throw Failure(
                    .argument, .program, "header \(String(printable: field.name, limit: 80)) is the handshake's own")
            }
            guard HTTPText.isToken(name), HTTPText.isFieldValue(field.value[...]) else {
                throw Failure(
                    .argument, .program,
                    "header \(String(printable: field.name, limit: 80)) is no token or has a control character")
            }
        }
    }

    /// Whether these are distinct tokens (section 4.1, request item 10).
    public static func check(subprotocols: [[UInt8]]) throws(Failure) {
        for (index, name) in subprotocols.enumerated() {
            let text = String(printable: name, limit: 80)
            guard HTTPText.isToken(name[...]) else {
                throw Failure(.argument, .program, "subprotocol \"\(text)\" is no token")
            }
            guard !subprotocols[..<index].contains(name) else {
                throw Failure(.argument, .program, "subprotocol \"\(text)\" stands there twice")
            }
        }
    }

    /// Appends the request.
    public func request(into output: inout ByteBuffer) {
        do throws(Failure) { try requestHead.print(&output) } catch {}
    }

    public enum Action {
        case needMore
        /// The connection is open; what follows the `consumed` bytes is frames.
        case open(consumed: Int, Agreement)
        case failed(Failure)
    }

    /// Takes the next bytes of the answer.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Action {
        if let failure { return .failed(failure) }
        switch state {
        case .done:
            return .needMore
        case .refusal(let head, var body):
            let isComplete = body.receive(bytes) == .complete
            state = .refusal(head, body)
            return isComplete ? fail(refusal(head, body)) : .needMore
        case .head(var parser):
            let action = parser.receive(bytes)
            state = .head(parser)
            switch action {
            case .needMore: return .needMore
            case .failed(var failure):
                // The status that a server would answer with is no answer of this one's.
                failure.code = 0
                return fail(failure)
            case .complete(let head, let consumed):
                responseHead = head
                guard head.status == 101 else {
                    state = .refusal(head, RefusedBody(head))
                    return receive(UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
                }
                do throws(Failure) {
                    let agreement = try judge(head)
                    state = .done
                    return .open(consumed: consumed, agreement)
                } catch {
                    return fail(error)
                }
            }
        }
    }

    /// A status other than 101 has come, and only its body is missing: a reason to wait for no more than
    /// `Limits.refusedBodyMilliseconds`.
    public var isReadingRefusal: Bool {
        if case .refusal = state { return true }
        return false
    }

    /// The server ended the connection before it was open.
    public mutating func endOfStream() -> Failure {
        if let failure { return failure }
        let ended: Failure
        if case .refusal(let head, var body) = state {
            body.endOfStream()
            ended = refusal(head, body)
        } else {
            ended = Failure(
                .lost, .network, "the connection ended before the upgrade was answered", isRetryable: true)
        }
        failure = ended
        return ended
    }

    /// The time for the handshake, or for the body of a refusal, is over.
    public mutating func timeLimit() -> Failure {
        if isReadingRefusal { return endOfStream() }
        let late =
            failure
            ?? Failure(
                .upgradeTimeout, .network, "the upgrade was not answered within its time limit", isRetryable: true)
        failure = late
        return late
    }

    private mutating func fail(_ reason: Failure) -> Action {
        failure = reason
        return .failed(reason)
    }

    // MARK: 101

    /// Section 4.1, "the client MUST validate the server's response".
    private func judge(_ head: ResponseHead) throws(Failure) -> Agreement {
        guard case .value(let upgrade) = head.fields.single("Upgrade"), HTTPText.isEqual(upgrade[...], "websocket")
        else { throw invalid("Upgrade is not \"websocket\"") }
        guard head.fields.listContains("Connection", "upgrade") else { throw invalid("Connection has no \"upgrade\"") }
        guard case .value(let accept) = head.fields.single("Sec-WebSocket-Accept"), accept == acceptValue else {
            throw invalid("Sec-WebSocket-Accept does not answer the key")
        }
        var agreement = Agreement()
        agreement.subprotocol = try judgeSubprotocol(head)
        if head.fields.contains("Sec-WebSocket-Extensions") {
            guard let deflate else { throw invalid("Sec-WebSocket-Extensions, but nothing was offered") }
            let text = Array(head.fields.values("Sec-WebSocket-Extensions").joined(separator: [0x2c]))
            guard let list = ExtensionList.parse(text) else {
                throw invalid("Sec-WebSocket-Extensions is not readable")
            }
            agreement.deflate = try DeflateOffer.check(answer: list, deflate)
        }
        return agreement
    }

    private func judgeSubprotocol(_ head: ResponseHead) throws(Failure) -> [UInt8]? {
        switch head.fields.single("Sec-WebSocket-Protocol") {
        case .missing:
            if requiresSubprotocol, !subprotocols.isEmpty { throw invalid("none of the subprotocols was chosen") }
            return nil
        case .repeated:
            throw invalid("Sec-WebSocket-Protocol stands there twice")
        case .value(let name):
            // Compared byte for byte.
            guard subprotocols.contains(name) else {
                throw invalid("subprotocol \"\(String(printable: name, limit: 80))\" was not offered")
            }
            return name
        }
    }

    private func invalid(_ text: String) -> Failure {
        Failure(.upgradeInvalid, .operator, "invalid answer to the upgrade: " + text)
    }

    // MARK: Other statuses

    private func refusal(_ head: ResponseHead, _ body: RefusedBody) -> Failure {
        var text = "the server answered \(head.status)"
        if !head.reason.isEmpty { text += " " + String(printable: head.reason, limit: 80) }
        text += " in place of 101"
        let isRetryable = [408, 429, 502, 503, 504].contains(head.status)
        let actor: Actor
        switch head.status {
        case 401, 403, 407: actor = .user
        case 408, 429, 500...599: actor = .operator
        default: actor = .program
        }
        var failure = Failure(.upgradeRefused, actor, text, isRetryable: isRetryable, code: UInt32(head.status))
        failure.detail = RefusalDetail.json(head, body.bytes)
        // A date cannot be compared with anything here: this layer knows no calendar.
        if isRetryable, case .value(let value) = head.fields.single("Retry-After"),
            let seconds = decimalNumber(value)
        {
            failure.retryAfterMilliseconds = UInt32(truncatingIfNeeded: min(seconds, 4_000_000) * 1000)
        }
        return failure
    }
}
