import GWBase
import GWDeflate
import GWHTTP
import Testing

@testable import GWWebSocket

private let acceptValue = Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)

private func wire(_ text: String) -> [UInt8] {
    Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
}

private let lines = [
    "GET /chat HTTP/1.1", "Host: example.org", "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
]

/// A good request with the line that begins like `old` replaced (or left out), and further lines.
private func request(_ old: String = "-", _ new: String? = nil, _ more: String...) -> String {
    let kept = lines.compactMap { $0.hasPrefix(old) ? new : $0 }
    return (kept + more).joined(separator: "\n") + "\n\n"
}

/// The HTTP status that a request is refused with, 0 if it is accepted; the same for every cut.
private func status(_ request: String) -> UInt32? {
    let bytes = wire(request)
    func one(_ pieces: [[UInt8]]) -> UInt32? {
        var handshake = ServerHandshake()
        for piece in pieces {
            switch piece.withUnsafeBytes({ handshake.receive($0) }) {
            case .needMore: continue
            case .request(let consumed): return consumed == piece.count ? 0 : nil
            case .refused(let failure): return failure.code
            }
        }
        return nil
    }
    let whole = one([bytes])
    for cut in bytes.indices.dropFirst() where one([Array(bytes[..<cut]), Array(bytes[cut...])]) != whole { return nil }
    return whole
}

private func accepted(_ request: String) -> ServerHandshake? {
    var handshake = ServerHandshake()
    guard case .request = wire(request).withUnsafeBytes({ handshake.receive($0) }) else { return nil }
    return handshake
}

private let refusedRequests: [(String, UInt32)] = [
    (request("GET", "POST /chat HTTP/1.1"), 405), (request("GET", "get /chat HTTP/1.1"), 405),
    (request("GET", "GET /chat HTTP/1.0"), 400), (request("GET", "GET * HTTP/1.1"), 400),
    (request("GET", "GET /chat"), 400), (request("Host"), 400), (request("Host", "Host:"), 400),
    (request("-", nil, "Host: other"), 400), (request("Upgrade"), 426),
    (request("Upgrade", "Upgrade: h2c"), 426),
    (request("Connection"), 426), (request("Connection", "Connection: keep-alive"), 426),
    (request("Sec-WebSocket-Version"), 426),
    (request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426),
    (request("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13, 8"), 426),
    (request("-", nil, "Sec-WebSocket-Version: 13"), 400), (request("Sec-WebSocket-Key"), 400),
    (request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ="), 400),
    (request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ!=="), 400),
    (request("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA"), 400),
    (request("-", nil, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
    (request("-", nil, "Sec-WebSocket-Protocol: a, a"), 400),
    (request("-", nil, "Sec-WebSocket-Protocol:"), 400),
    (request("-", nil, "Sec-WebSocket-Protocol: a b"), 400),
    (request("-", nil, "Sec-WebSocket-Extensions: a;"), 400),
    (request("-", nil, "Sec-WebSocket-Extensions:"), 400), (request("-", nil, "Content-Length: 5"), 400),
    (request("-", nil, "Transfer-Encoding: chunked"), 400), (request("-", nil, "X : y"), 400),
    (request("-", nil, " folded"), 400), ("\n" + request(), 400),
]

@Suite("RFC 6455 section 4.2.1: the server's check of the request")
struct ServerRequestTests {
    @Test(
        "accepted",
        arguments: [
            request(), request("GET", "GET http://example.org/ HTTP/1.1"), request("Upgrade", "upgrade: WebSocket"),
            request("Upgrade", "Upgrade: foo, websocket"), request("Connection", "Connection: keep-alive, upgrade"),
            request("-", nil, "Origin: https://example.org", "Content-Length: 0", "Cookie: a=b"),
            request("-", nil, "Sec-WebSocket-Protocol: a, b", "Sec-WebSocket-Protocol: c"),
            request("-", nil, "Sec-WebSocket-Extensions: foo; x=1, permessage-deflate"),
        ])
    func acceptedRequests(_ request: String) { #expect(status(request) == 0) }

    @Test(
        "refused, and with which status", arguments: refusedRequests)
    func refused(_ request: String, _ expected: UInt32) { #expect(status(request) == expected) }

    @Test("what the host reads")
    func contents() {
        let handshake = accepted(
            request("-", nil, "Sec-WebSocket-Protocol: b, a", "Sec-WebSocket-Extensions: permessage-deflate"))
        #expect(handshake?.key == Array("dGhlIHNhbXBsZSBub25jZQ==".utf8))
        #expect(handshake?.subprotocols == [Array("b".utf8), Array("a".utf8)])
        #expect(handshake?.extensions.count == 1)
        #expect(handshake?.head?.target == Array("/chat".utf8))
    }

    @Test("bytes behind the head are not its own")
    func leftover() {
        var handshake = ServerHandshake()
        let head = wire(request())
        guard case .request(let consumed) = (head + [0x81]).withUnsafeBytes({ handshake.receive($0) }) else {
            Issue.record("not accepted")
            return
        }
        #expect(consumed == head.count)
    }
}

@Suite("RFC 6455 section 4.2.2: the server's answer")
struct ServerAnswerTests {
    private func text(_ write: (inout ByteBuffer) -> Void) -> String {
        var output = ByteBuffer()
        write(&output)
        return String(decoding: output.array, as: UTF8.self)
    }

    @Test("101")
    func accept() {
        let handshake = accepted(request())!
        let answer = text { output in
            let agreement = handshake.accept(
                acceptValue: acceptValue, deflate: DeflateSettings(), subprotocol: Array("a".utf8), into: &output)
            #expect(agreement == Agreement())
        }
        #expect(
            answer
                == "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
        )
    }

    @Test("subprotocol and compression are agreed only if they were offered")
    func agreement() {
        let handshake = accepted(
            request(
                "-", nil, "Sec-WebSocket-Protocol: a, b",
                "Sec-WebSocket-Extensions: foo, permessage-deflate; client_max_window_bits"))!
        let answer = text { output in
            let agreement = handshake.accept(
                acceptValue: acceptValue, deflate: DeflateSettings(), subprotocol: Array("b".utf8), into: &output)
            #expect(agreement.subprotocol == Array("b".utf8))
            #expect(
                agreement.deflate == DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true))
        }
        #expect(
            answer.hasSuffix(
                "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n\r\n"
            ))
        let plain = text { output in
            let agreement = handshake.accept(acceptValue: acceptValue, deflate: nil, subprotocol: nil, into: &output)
            #expect(agreement == Agreement())
        }
        #expect(!plain.contains("Extensions") && !plain.contains("Protocol: "))
    }

    @Test("section 4.4: 426 says which version; 405 which method; every refusal has a length and closes")
    func refusals() {
        var handshake = ServerHandshake()
        guard
            case .refused(let failure) = wire(request("Sec-WebSocket-Version")).withUnsafeBytes({
                handshake.receive($0)
            })
        else {
            Issue.record("not refused")
            return
        }
        let answer = text { handshake.refuse(failure, into: &$0) }
        #expect(
            answer
                == "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 32\r\n\r\nSec-WebSocket-Version is not 13\n"
        )
        #expect(text { handshake.refuse(405, "no", into: &$0) }.contains("\r\nAllow: GET\r\n"))
        #expect(
            text { handshake.refuse(403, "origin", into: &$0) }.hasPrefix(
                "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n"))
        #expect(text { handshake.refuse(101, "never", into: &$0) }.hasPrefix("HTTP/1.1 400 "))
    }

    @Test("both sides understand each other, over every setting")
    func joined() throws {
        var random = Random(1)
        for _ in 0..<200 {
            var wishes: [DeflateSettings?] = []
            for _ in 0..<2 {
                var settings = DeflateSettings()
                settings.serverNoContextTakeover = Bool.random(using: &random)
                settings.clientNoContextTakeover = Bool.random(using: &random)
                settings.serverMaxWindowBits = UInt8.random(in: 8...15, using: &random)
                settings.clientMaxWindowBits = UInt8.random(in: 8...15, using: &random)
                wishes.append(Int.random(in: 0...4, using: &random) == 0 ? nil : settings)
            }
            var client = try ClientHandshake(
                host: [0x61], target: [0x2f], fields: HeaderFields(), key: Array("dGhlIHNhbXBsZSBub25jZQ==".utf8),
                accept: acceptValue, deflate: wishes[0], subprotocols: [[0x61], [0x62]])
            var server = ServerHandshake()
            var wire = ByteBuffer()
            client.request(into: &wire)
            guard case .request = server.receive(wire.readable) else {
                Issue.record("not accepted")
                return
            }
            wire.clear()
            let agreed = server.accept(acceptValue: acceptValue, deflate: wishes[1], subprotocol: [0x62], into: &wire)
            guard case .open(let consumed, let agreement) = client.receive(wire.readable) else {
                Issue.record("not opened")
                return
            }
            #expect(agreement == agreed && consumed == wire.array.count)
            #expect((agreed.deflate != nil) == (wishes[0] != nil && wishes[1] != nil))
            if let deflate = agreed.deflate {
                #expect(deflate.serverMaxWindowBits <= max(wishes[0]!.serverMaxWindowBits, 9))
                #expect(deflate.serverNoContextTakeover || !wishes[0]!.serverNoContextTakeover)
            }
        }
    }
}
