import GWBase
import GWHTTP

/// A tunnel through an HTTP proxy (RFC 9110 section 9.3.6).
public struct HTTPConnect {
    private enum State {
        case head(HeadParser<ResponseHead>)
        case refusal(ResponseHead, RefusedBody)
        case done
    }

    private let target: TunnelTarget
    private let authorization: [UInt8]
    private let proxy: String
    private var state = State.head(HeadParser())

    init(_ target: TunnelTarget, authorization: [UInt8], proxy: String) {
        self.target = target
        self.authorization = authorization
        self.proxy = proxy
    }

    func begin(into output: inout ByteBuffer) throws(Failure) {
        var fields = HeaderFields()
        fields.append("Host", target.authority)
        if !authorization.isEmpty { fields.append("Proxy-Authorization", authorization) }
        try RequestHead(method: "CONNECT", target: target.authority, fields: fields).print(&output)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> TunnelAction {
        switch state {
        case .done:
            return .needMore
        case .refusal(let head, var body):
            let isComplete = body.receive(bytes) == .complete
            state = .refusal(head, body)
            return isComplete ? .failed(refusal(head, body)) : .needMore
        case .head(var parser):
            let action = parser.receive(bytes)
            state = .head(parser)
            switch action {
            case .needMore:
                return .needMore
            case .failed(let failure):
                state = .done
                return .failed(
                    Failure(.proxy, .network, "the proxy \(proxy) does not answer as HTTP does: \(failure.text)"))
            case .complete(let head, let consumed):
                // Whatever a success says of a body does not count (section 9.3.6).
                if (200...299).contains(head.status) {
                    state = .done
                    return .open(consumed: consumed)
                }
                state = .refusal(head, RefusedBody(head))
                return receive(UnsafeRawBufferPointer(rebasing: bytes[consumed...]))
            }
        }
    }

    mutating func endOfStream() -> Failure {
        guard case .refusal(let head, var body) = state else {
            return .proxyEnded(proxy)
        }
        body.endOfStream()
        return refusal(head, body)
    }

    private func refusal(_ head: ResponseHead, _ body: RefusedBody) -> Failure {
        let asked = String(printable: target.authority, limit: 300)
        var text = "the proxy \(proxy) answered \(head.status)"
        if !head.reason.isEmpty { text += " " + String(printable: head.reason, limit: 80) }
        text += " to CONNECT \(asked)"
        if head.status == 407 {
            text += authorization.isEmpty ? ": it wants user and password" : ": it refuses user and password"
        }
        let actor: Actor =
            switch head.status {
            case 407: .user
            case 502, 504: .operator
            default: .network
            }
        var failure = Failure(
            .proxyRefused, actor, text, isRetryable: [408, 429, 500, 502, 503, 504].contains(head.status),
            code: UInt32(head.status))
        failure.detail = RefusalDetail.json(head, body.bytes)
        return failure
    }
}

extension Failure {
    static func proxyEnded(_ proxy: String) -> Failure {
        Failure(
            .proxy, .network, "the proxy \(proxy) ended the connection before the tunnel stood", isRetryable: true)
    }
}
