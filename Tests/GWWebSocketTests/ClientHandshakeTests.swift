import GWBase
import GWDeflate
import GWHTTP
import Testing

@testable import GWWebSocket

private let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
private let acceptValue = Array("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".utf8)

private let good = """
    HTTP/1.1 101 Switching Protocols
    Upgrade: websocket
    Connection: Upgrade
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=

    """

/// Lines ended as on the wire.
private func wire(_ text: String) -> [UInt8] {
    Array(text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n").utf8)
}

/// A good answer with these lines more, or with one in place of another.
private func answer(_ lines: String..., replacing old: String? = nil) -> String {
    if let old {
        let kept = good.split(separator: "\n", omittingEmptySubsequences: false).flatMap { line in
            line.hasPrefix(old) ? lines.map { Substring($0) } : [line]
        }
        return kept.joined(separator: "\n") + "\n"
    }
    return good + lines.map { $0 + "\n" }.joined() + "\n"
}

private func handshake(
    deflate: DeflateSettings? = nil, subprotocols: [String] = [], fields: [(String, String)] = []
) -> ClientHandshake? {
    var all = HeaderFields()
    for (name, value) in fields { all.append(Array(name.utf8), Array(value.utf8)) }
    return try? ClientHandshake(
        host: Array("example.org:8080".utf8), target: Array("/chat?x=1".utf8), fields: all, key: key,
        accept: acceptValue,
        deflate: deflate, subprotocols: subprotocols.map { Array($0.utf8) })
}

private enum Result: Equatable {
    case needMore
    case open(Agreement, rest: [UInt8])
    case failed(Status, UInt32)
}

private func feed(_ handshake: ClientHandshake, _ pieces: [[UInt8]]) -> Result {
    var handshake = handshake
    for (index, piece) in pieces.enumerated() {
        switch piece.withUnsafeBytes({ handshake.receive($0) }) {
        case .needMore: continue
        case .open(let consumed, let agreement):
            return .open(agreement, rest: Array(piece[consumed...]) + pieces[(index + 1)...].joined())
        case .failed(let failure): return .failed(failure.status, failure.code)
        }
    }
    return .needMore
}

/// The result for an answer, the same for every cut into two and for single bytes.
private func result(
    _ answer: String, rest: [UInt8] = [], deflate: DeflateSettings? = nil, subprotocols: [String] = []
) -> Result? {
    guard let handshake = handshake(deflate: deflate, subprotocols: subprotocols) else { return nil }
    let bytes = wire(answer) + rest
    let whole = feed(handshake, [bytes])
    if feed(handshake, bytes.map { [$0] }) != whole { return nil }
    // Long ones are not cut everywhere.
    for cut in stride(from: 0, to: bytes.count, by: bytes.count / 1000 + 1)
    where feed(handshake, [Array(bytes[..<cut]), Array(bytes[cut...])]) != whole { return nil }
    return whole
}

private let opened = Result.open(Agreement(), rest: [])
private let refused = Result.failed(.upgradeInvalid, 0)

@Suite("RFC 6455 section 4.1: the client's request")
struct ClientRequestTests {
    private func request(_ handshake: ClientHandshake?) -> String? {
        var output = ByteBuffer()
        handshake?.request(into: &output)
        return String(decoding: output.array, as: UTF8.self)
    }

    @Test("the lines")
    func lines() {
        #expect(
            request(handshake())
                == String(
                    decoding: wire(
                        """
                        GET /chat?x=1 HTTP/1.1
                        Host: example.org:8080
                        Upgrade: websocket
                        Connection: Upgrade
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==
                        Sec-WebSocket-Version: 13


                        """), as: UTF8.self))
        let full = handshake(
            deflate: DeflateSettings(), subprotocols: ["chat", "v2.json"], fields: [("Origin", "https://a")])
        #expect(
            request(full)?.hasSuffix(
                "Sec-WebSocket-Protocol: chat, v2.json\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits\r\nOrigin: https://a\r\n\r\n"
            ) == true)
    }

    @Test("what the handshake sends itself, and what could break out of a line, is refused")
    func fields() {
        for name in [
            "Host", "upgrade", "CONNECTION", "Sec-WebSocket-Key", "sec-websocket-foo", "Content-Length",
            "Transfer-Encoding", "TE", "Expect", "Trailer", "a b", "", "a:",
        ] {
            #expect(handshake(fields: [(name, "x")]) == nil, "\(name)")
        }
        for value in ["a\r\nb", "a\nb", "a\rb", "a\u{0}b", "a\u{7f}"] {
            #expect(handshake(fields: [("X", value)]) == nil)
        }
        #expect(handshake(fields: [("X", "a\tb é")]) != nil)
        #expect(handshake(fields: [("X", String(repeating: "a", count: 17_000))]) == nil)
    }

    @Test("subprotocols are distinct tokens")
    func subprotocols() {
        for list in [["a", "a"], [""], ["a b"], ["a,b"], ["é"]] { #expect(handshake(subprotocols: list) == nil) }
        #expect(handshake(subprotocols: ["a", "A"]) != nil)
    }

    @Test("a target or host that could break out of its line")
    func target() {
        for (host, target) in [("a", "/ b"), ("a", "/\r\nX: y"), ("a\r\nX: y", "/"), ("a", "")] {
            let made = try? ClientHandshake(
                host: Array(host.utf8), target: Array(target.utf8), fields: HeaderFields(), key: key,
                accept: acceptValue,
                deflate: nil, subprotocols: [])
            #expect(made == nil)
        }
    }
}

private let acceptedAnswers: [String] = [
    good + "\n",
    answer("upgrade: WebSocket", replacing: "Upgrade"),
    answer("CONNECTION: upgrade", replacing: "Connection"),
    answer("Connection: keep-alive, Upgrade", replacing: "Connection"),
    answer("Connection: keep-alive", "Connection: Upgrade", replacing: "Connection"),
    answer("Sec-WebSocket-Accept: \t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t", replacing: "Sec-WebSocket-Accept"),
    answer("HTTP/1.1 101 ", replacing: "HTTP"),
    answer("HTTP/1.1 101", replacing: "HTTP"),
    "HTTP/1.1 100 Continue\n\n" + good + "\n",
    "HTTP/1.1 103 Early Hints\nLink: x\n\n" + good + "\n",
    answer("Content-Length: 5"),
    answer("Transfer-Encoding: chunked"),
    answer("X: " + String(repeating: "a", count: 9000)),
]

private let refusedAnswerList: [String] = [
    answer("X: y", replacing: "Upgrade"),
    answer("Upgrade: h2c", replacing: "Upgrade"),
    answer("Upgrade: websocket, h2c", replacing: "Upgrade"),
    answer("Upgrade: websocket", "Upgrade: websocket", replacing: "Upgrade"),
    answer("X: y", replacing: "Connection"),
    answer("Connection: close", replacing: "Connection"),
    answer("X: y", replacing: "Sec-WebSocket-Accept"),
    answer("Sec-WebSocket-Accept: x3pPLMBiTxaQ9kYGzzhZRbK+xOo=", replacing: "Sec-WebSocket-Accept"),
    answer("Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", replacing: "Sec-WebSocket-Accept"),
    answer(
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", replacing: "Sec-WebSocket-Accept"),
    answer("HTTP/1.0 101 Switching Protocols", replacing: "HTTP"),
    answer("HTTP/2.0 101 Switching Protocols", replacing: "HTTP"),
    answer("X: a\n b"),
    answer("X : a"),
    answer("no colon"),
    "\n" + good + "\n",
    String(repeating: "HTTP/1.1 100 Continue\n\n", count: 9) + good + "\n",
    answer("X: " + String(repeating: "a", count: 17_000)),
    good + String(repeating: "X: a\n", count: 200) + "\n",
    answer("Sec-WebSocket-Protocol: a"),
    answer("Sec-WebSocket-Extensions: permessage-deflate"),
    answer("Sec-WebSocket-Extensions:"),
    "SSH-2.0-OpenSSH\n\n",
]

@Suite("RFC 6455 section 4.1: the client's check of the answer")
struct ClientAnswerTests {
    @Test(
        "accepted: the table of tolerances", arguments: acceptedAnswers)
    func accepted(_ answer: String) { #expect(result(answer) == opened) }

    @Test(
        "refused: the table of tolerances", arguments: refusedAnswerList)
    func refusedAnswers(_ answer: String) { #expect(result(answer) == refused) }

    @Test("line ends of LF alone are refused")
    func bareLineFeed() {
        #expect(feed(handshake()!, [Array((good + "\n").utf8)]) == refused)
    }

    @Test("another protocol is recognised at its first byte")
    func firstByte() { #expect(feed(handshake()!, [Array("S".utf8)]) == refused) }

    @Test("frames in the same segment stay for the connection")
    func leftover() {
        #expect(result(good + "\n", rest: hex("810548656c6c6f")) == .open(Agreement(), rest: hex("810548656c6c6f")))
        // The limit of the head does not count them.
        let many = [UInt8](repeating: 0x81, count: 20_000)
        #expect(feed(handshake()!, [wire(good + "\n") + many]) == .open(Agreement(), rest: many))
    }

    @Test("step 6: the subprotocol is one of those offered, exactly")
    func subprotocols() {
        let offered = ["chat", "v2"]
        #expect(result(good + "\n", subprotocols: offered) == opened)
        #expect(
            result(answer("Sec-WebSocket-Protocol: v2"), subprotocols: offered)
                == .open(Agreement(deflate: nil, subprotocol: Array("v2".utf8)), rest: []))
        for line in ["V2", "v3", "chat, v2", ""] {
            #expect(result(answer("Sec-WebSocket-Protocol: " + line), subprotocols: offered) == refused)
        }
        #expect(
            result(answer("Sec-WebSocket-Protocol: v2", "Sec-WebSocket-Protocol: v2"), subprotocols: offered) == refused
        )
        var strict = handshake(subprotocols: offered)!
        strict.requiresSubprotocol = true
        #expect(feed(strict, [wire(good + "\n")]) == refused)
    }

    @Test("step 5: extensions")
    func extensions() {
        let settings = DeflateSettings()
        #expect(result(good + "\n", deflate: settings) == opened)
        #expect(
            result(answer("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10"), deflate: settings)
                == .open(Agreement(deflate: DeflateParameters(serverMaxWindowBits: 10), subprotocol: nil), rest: []))
        for line in [
            "", "foo", "permessage-deflate, permessage-deflate", "permessage-deflate; foo", "permessage-deflate;",
            "permessage-deflate; server_max_window_bits=16",
        ] {
            #expect(result(answer("Sec-WebSocket-Extensions: " + line), deflate: settings) == refused)
        }
        #expect(
            result(
                answer("Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Extensions: permessage-deflate"),
                deflate: settings) == refused)
    }

    @Test("after the end nothing changes any more")
    func afterwards() {
        var handshake = handshake()!
        for _ in 0..<2 {
            let action = wire("SSH\n").withUnsafeBytes { handshake.receive($0) }
            guard case .failed = action else {
                Issue.record("not failed")
                return
            }
        }
        #expect(handshake.endOfStream().status == .upgradeInvalid)
        #expect(handshake.timeLimit().status == .upgradeInvalid)
    }

    @Test("no answer")
    func noAnswer() {
        var ended = handshake()!
        _ = Array("HTTP/1.1 1".utf8).withUnsafeBytes { ended.receive($0) }
        #expect(ended.endOfStream().status == .lost && ended.endOfStream().isRetryable)
        var late = handshake()!
        #expect(late.timeLimit().status == .upgradeTimeout)
        #expect(!late.isReadingRefusal)
    }
}

@Suite("Answers other than 101")
struct RefusalTests {
    private func failure(_ answer: String) -> Failure? {
        var handshake = handshake()!
        if case .failed(let failure) = wire(answer).withUnsafeBytes({ handshake.receive($0) }) { return failure }
        return nil
    }

    @Test("status, fields and body")
    func whole() {
        let answer = "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"\nContent-Length: 7\n\na\"\\\n\té"
        #expect(result(answer) == .failed(.upgradeRefused, 401))
        let failure = failure(
            "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic realm=\"x\"\nContent-Length: 5\n\na\"\\\té")
        #expect(
            failure.map { String(decoding: $0.detail, as: UTF8.self) }
                == #"{"status":401,"headers":[["WWW-Authenticate","Basic realm=\"x\""],["Content-Length","5"]],"body":"a\"\\\u0009"#
                + "\u{fffd}\"}")
        #expect(failure?.actor == .user && failure?.isRetryable == false)
    }

    @Test("the status comes even if the body does not")
    func unfinishedBody() {
        for isLate in [false, true] {
            var handshake = handshake()!
            let action = wire("HTTP/1.1 403 Forbidden\nContent-Length: 100\n\nshort").withUnsafeBytes {
                handshake.receive($0)
            }
            guard case .needMore = action else {
                Issue.record("the body was not waited for")
                return
            }
            #expect(handshake.isReadingRefusal)
            let failure = isLate ? handshake.timeLimit() : handshake.endOfStream()
            #expect(failure.status == .upgradeRefused && failure.code == 403)
            #expect(String(decoding: failure.detail, as: UTF8.self).hasSuffix("\"body\":\"short\"}"))
        }
    }

    @Test("a long body is cut at the limit")
    func longBody() {
        let failure = failure("HTTP/1.1 404 Not Found\n\n" + String(repeating: "x", count: 70_000))
        #expect(failure?.code == 404)
        #expect(failure.map { $0.detail.count < 66_000 && $0.detail.count > 65_536 } == true)
    }

    @Test("chunks")
    func chunked() {
        let failure = failure("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n")
        #expect(failure.map { String(decoding: $0.detail, as: UTF8.self).hasSuffix("\"body\":\"abc\"}") } == true)
    }

    @Test(
        "whether and when to try again, and who has to act",
        arguments: [
            (200, false, Actor.program), (301, false, .program), (400, false, .program), (401, false, .user),
            (403, false, .user),
            (404, false, .program), (407, false, .user), (410, false, .program), (426, false, .program),
            (429, true, .operator),
            (500, false, .operator), (502, true, .operator), (503, true, .operator), (504, true, .operator),
        ])
    func retry(_ status: Int, _ isRetryable: Bool, _ actor: Actor) {
        let failure = failure("HTTP/1.1 \(status) X\nRetry-After: 17\nContent-Length: 0\n\n")
        #expect(failure?.status == .upgradeRefused && failure?.code == UInt32(status))
        #expect(failure?.isRetryable == isRetryable && failure?.actor == actor)
        #expect(failure?.retryAfterMilliseconds == (isRetryable ? 17_000 : 0))
    }

    @Test("a Retry-After that is no plain number, or a huge one")
    func retryAfter() {
        for (value, expected) in [
            ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-1", 0), ("", 0), ("99999999999999999999999", 0),
            ("18446744073709551615", 4_000_000_000),
        ] {
            #expect(
                failure("HTTP/1.1 503 X\nRetry-After: \(value)\nContent-Length: 0\n\n")?.retryAfterMilliseconds
                    == UInt32(expected))
        }
    }
}
