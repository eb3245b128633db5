import GWBase
import GWDeflate
import GWHTTP

/// The server's side of the opening handshake (RFC 6455 section 4.2): judges the request, writes the answer.
///
/// Between `request` and `accept` the host may look at the head (path, Origin, credentials) and refuse with any status.
public struct ServerHandshake {
    private var parser: HeadParser<RequestHead>
    private var failure: Failure?

    /// The request, once `receive` gave `request`.
    public private(set) var head: RequestHead?
    /// The request where it was complete, but none that can be accepted.
    public private(set) var refusedHead: RequestHead?
    /// Its `Sec-WebSocket-Key`, 24 characters of base64.
    public private(set) var key: [UInt8] = []
    /// The subprotocols offered, distinct, in the client's order of preference.
    public private(set) var subprotocols: [[UInt8]] = []
    /// The extensions offered.
    public private(set) var extensions: [Extension] = []

    /// `limits`: of the request's head.
    public init(limits: HeadLimits = HeadLimits()) { parser = HeadParser(limits) }

    public enum Action {
        case needMore
        /// A valid request; what follows the `consumed` bytes is frames, if anything.
        case request(consumed: Int)
        /// Not a request that can be accepted.  `refuse` writes the answer with the HTTP status in the failure's code.
        case refused(Failure)
    }

    /// Takes the next bytes of the request.
    public mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Action {
        if let failure { return .refused(failure) }
        guard head == nil else { return .request(consumed: 0) }
        switch parser.receive(bytes) {
        case .needMore:
            return .needMore
        case .failed(var failure):
            if failure.code == 0 { failure.code = 400 }
            self.failure = failure
            return .refused(failure)
        case .complete(let request, let consumed):
            do throws(Failure) {
                try judge(request)
                head = request
                return .request(consumed: consumed)
            } catch {
                failure = error
                refusedHead = request
                return .refused(error)
            }
        }
    }

    /// Section 4.2.1.
    private mutating func judge(_ request: RequestHead) throws(Failure) {
        let fields = request.fields
        guard HTTPText.isEqual(request.method[...], "GET"), request.method.first == UInt8(ascii: "G") else {
            throw invalid(405, "the method is not GET")
        }
        let target = request.target
        let isAbsolute = target.starts(with: "http://".utf8) || target.starts(with: "https://".utf8)
        guard isAbsolute || target.first == UInt8(ascii: "/") else {
            throw invalid(400, "the request target is not a path")
        }
        guard case .value(let host) = fields.single("Host"), !host.isEmpty else {
            throw invalid(400, "not exactly one Host header")
        }
        if fields.contains("Transfer-Encoding") { throw invalid(400, "the request has a body") }
        switch fields.single("Content-Length") {
        case .missing: break
        case .value(let length) where length == [UInt8(ascii: "0")]: break
        default: throw invalid(400, "the request has a body")
        }
        guard fields.listContains("Upgrade", "websocket"), fields.listContains("Connection", "upgrade") else {
            throw invalid(426, "the request asks for no upgrade to WebSocket")
        }
        switch fields.single("Sec-WebSocket-Version") {
        case .value(let version) where version == Array("13".utf8): break
        case .repeated: throw invalid(400, "Sec-WebSocket-Version stands there twice")
        default: throw invalid(426, "Sec-WebSocket-Version is not 13")
        }
        guard case .value(let key) = fields.single("Sec-WebSocket-Key"), ServerHandshake.isKey(key) else {
            throw invalid(400, "Sec-WebSocket-Key is not the base64 of 16 bytes")
        }
        self.key = key
        if fields.contains("Sec-WebSocket-Protocol") {
            guard let names = fields.list("Sec-WebSocket-Protocol"), !names.isEmpty else {
                throw invalid(400, "Sec-WebSocket-Protocol is empty")
            }
            do throws(Failure) { try ClientHandshake.check(subprotocols: names) } catch {
                throw invalid(400, error.text)
            }
            subprotocols = names
        }
        if fields.contains("Sec-WebSocket-Extensions") {
            let text = Array(fields.values("Sec-WebSocket-Extensions").joined(separator: [0x2c]))
            guard let list = ExtensionList.parse(text) else {
                throw invalid(400, "Sec-WebSocket-Extensions is not readable")
            }
            extensions = list
        }
    }

    /// 22 characters of base64 and two of padding.
    private static func isKey(_ text: [UInt8]) -> Bool {
        guard text.count == 24, text.suffix(2) == [UInt8(ascii: "="), UInt8(ascii: "=")] else { return false }
        return text.prefix(22).allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "+"), UInt8(ascii: "/"): true
            default: false
            }
        }
    }

    private func invalid(_ status: UInt32, _ text: String) -> Failure {
        Failure(.upgradeInvalid, .none, text, code: status)
    }

    // MARK: Answers

    /// Writes 101 and says what it agrees on.  `acceptValue` answers the key (section 4.2.2 step 5.4).  `subprotocol` is left out
    /// if the client did not offer it; deflate is agreed if both sides want it.
    public func accept(
        acceptValue: [UInt8], deflate: DeflateSettings?, subprotocol: [UInt8]?, into output: inout ByteBuffer
    ) -> Agreement {
        var agreement = Agreement()
        var fields = HeaderFields()
        fields.append("Upgrade", "websocket")
        fields.append("Connection", "Upgrade")
        fields.append("Sec-WebSocket-Accept", acceptValue)
        if let subprotocol, subprotocols.contains(subprotocol) {
            agreement.subprotocol = subprotocol
            fields.append("Sec-WebSocket-Protocol", subprotocol)
        }
        if let deflate {
            var answer = ByteBuffer()
            agreement.deflate = DeflateOffer.choose(from: extensions, deflate, answer: &answer)
            if !answer.isEmpty { fields.append("Sec-WebSocket-Extensions", Array(answer.readable)) }
        }
        write(ResponseHead(status: 101, reason: "Switching Protocols", fields: fields), &output)
        return agreement
    }

    /// Writes the answer to a request that was refused, here or by the host; the connection is closed after it.  The status is the
    /// failure's code; the body is its text.
    public func refuse(_ failure: Failure, into output: inout ByteBuffer) {
        refuse(UInt16(truncatingIfNeeded: failure.code), failure.text, into: &output)
    }

    /// The same with a status of the host's own; what is no status above 101 becomes 400.
    public func refuse(_ wished: UInt16, _ text: String, into output: inout ByteBuffer) {
        let status = wished >= 200 && wished <= 599 ? wished : 400
        var fields = HeaderFields()
        if status == 426 {
            fields.append("Upgrade", "websocket")
            fields.append("Sec-WebSocket-Version", "13")
        }
        if status == 405 { fields.append("Allow", "GET") }
        // Upgrade must be listed as hop-by-hop wherever it is sent (RFC 9110 section 7.8).
        fields.append("Connection", status == 426 ? "Upgrade, close" : "close")
        let body = Array(text.utf8) + [0x0a]
        fields.append("Content-Type", "text/plain; charset=utf-8")
        fields.append("Content-Length", decimalText(UInt64(body.count)))
        write(ResponseHead(status: status, reason: ServerHandshake.reason(status), fields: fields), &output)
        output.append(body)
    }

    /// Answers a plain request in place of refusing it; the connection is closed after it.
    public func answer(_ status: UInt16, json: [UInt8], into output: inout ByteBuffer) {
        var fields = HeaderFields()
        fields.append("Connection", "close")
        fields.append("Content-Type", "application/json")
        fields.append("Content-Length", decimalText(UInt64(json.count)))
        write(ResponseHead(status: status, reason: ServerHandshake.reason(status), fields: fields), &output)
        output.append(json)
    }

    /// Cannot fail but for an `acceptValue` that is no header value; then nothing is written.
    private func write(_ head: ResponseHead, _ output: inout ByteBuffer) {
        do throws(Failure) { try head.print(&output) } catch {}
    }

    private static func reason(_ status: UInt16) -> StaticString {
        switch status {
        case 200: "OK"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 503: "Service Unavailable"
        default: "Refused"
        }
    }
}
