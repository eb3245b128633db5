import GWBase
import GWHTTP
import Testing

@testable import GWRoute

func failure<Result>(_ body: () throws(Failure) -> Result) -> Failure? {
    do throws(Failure) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

func url(_ text: String) throws -> WebSocketURL { try WebSocketURL.parse(text) }

func tunnel(_ proxy: String, to target: String, authorization: String = "") throws -> ProxyTunnel {
    let target = try url(target)
    return try ProxyTunnel(
        ProxyURL(proxy.bytes), to: TunnelTarget(target.host, port: target.port), authorization: authorization.bytes)
}

func beginning(_ tunnel: inout ProxyTunnel) throws -> [UInt8] {
    var output = ByteBuffer()
    try tunnel.begin(into: &output)
    return Array(output.readable)
}

/// What a tunnel sent, and how it ended, after answers that come in pieces of `size` bytes.
struct TunnelRun {
    var sent: [[UInt8]] = []
    var isOpen = false
    var rest: [UInt8] = []
    var failure: Failure?

    init(_ tunnel: inout ProxyTunnel, answers: [[UInt8]], size: Int = .max) {
        for answer in answers {
            var left = answer[...]
            while !left.isEmpty, failure == nil, !isOpen {
                let piece = Array(left.prefix(size))
                left = left.dropFirst(piece.count)
                let action = piece.withUnsafeBytes { tunnel.receive($0) }
                switch action {
                case .needMore: break
                case .send(let bytes): sent.append(bytes)
                case .open(let consumed):
                    isOpen = true
                    rest = Array(piece[consumed...]) + left
                case .failed(let failure): self.failure = failure
                }
            }
        }
    }
}
