import GWBase
import GWHTTP
import Testing

/// What came of parsing: the head and what was left, or the failure.
private enum Outcome<Head> {
    case head(Head, rest: [UInt8])
    case failure(Failure)
    case needMore
}

private func parse<Head: MessageHead>(_: Head.Type, _ bytes: [UInt8], cut: Int, size: Int) -> Outcome<Head> {
    var parser = HeadParser<Head>()
    var outcome = Outcome<Head>.needMore
    var fed = 0
    feed(bytes, cut: cut, size: size) { piece in
        switch parser.receive(piece) {
        case .needMore:
            fed += piece.count
            return true
        case .complete(let head, let consumed):
            outcome = .head(head, rest: Array(bytes[(fed + consumed)...]))
            return false
        case .failed(let failure):
            outcome = .failure(failure)
            return false
        }
    }
    return outcome
}

private func response(_ text: String) -> ResponseHead? {
    if case .head(let head, _) = parse(ResponseHead.self, text.bytes, cut: .max, size: 1) { return head }
    return nil
}

private func request(_ text: String) -> RequestHead? {
    if case .head(let head, _) = parse(RequestHead.self, text.bytes, cut: .max, size: 1) { return head }
    return nil
}

private func failure<Head: MessageHead>(_ type: Head.Type, _ text: String) -> Failure? {
    if case .failure(let failure) = parse(type, text.bytes, cut: .max, size: 1) { return failure }
    return nil
}

@Suite("HTTP/1.1 heads (RFC 9112)")
struct HeadParserTests {
    static let accepted =
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nConnection:  keep-alive, Upgrade\t \r\n\r\n"

    @Test("a head that is cut anywhere is read the same, and what follows is left alone")
    func cuts() {
        let bytes = HeadParserTests.accepted.bytes + [0x81, 0x01, 0x61, 0x0d, 0x0a]
        for cut in 0...bytes.count {
            for size in [1, 7, 1000] {
                guard case .head(let head, let rest) = parse(ResponseHead.self, bytes, cut: cut, size: size) else {
                    Issue.record("cut at \(cut)")
                    continue
                }
                #expect(head.status == 101)
                #expect(text(head.reason) == "Switching Protocols")
                #expect(head.fields.fields.map { text($0.name) } == ["upgrade", "Connection"])
                #expect(head.fields.fields.map { text($0.value) } == ["WebSocket", "keep-alive, Upgrade"])
                #expect(rest == [0x81, 0x01, 0x61, 0x0d, 0x0a])
            }
        }
    }

    @Test("a broken head that is cut anywhere fails the same")
    func brokenCuts() {
        let bytes = "HTTP/1.1 101 X\r\nA: b\r\n folded\r\n\r\n".bytes
        for cut in 0...bytes.count {
            guard case .failure(let failure) = parse(ResponseHead.self, bytes, cut: cut, size: 3) else {
                Issue.record("cut at \(cut)")
                continue
            }
            #expect(failure.text == "a header line is folded: \" folded\"")
        }
    }

    @Test(
        "RFC 9112 section 4: status lines that are accepted",
        arguments: [
            ("HTTP/1.1 101 Switching Protocols", 101, "Switching Protocols"), ("HTTP/1.1 101 ", 101, ""),
            ("HTTP/1.1 101", 101, ""),
            ("HTTP/1.1 404 Not  Found", 404, "Not  Found"), ("HTTP/1.2 101 OK", 101, "OK"),
            ("HTTP/1.1 503 é", 503, "é"),
            ("HTTP/1.0 503 Service Unavailable", 503, "Service Unavailable"),
        ])
    func statusLines(_ line: String, _ status: Int, _ reason: String) {
        let head = response(line + "\r\n\r\n")
        #expect(head.map { Int($0.status) } == status)
        #expect(head.map { text($0.reason) } == reason)
    }

    @Test(
        "RFC 9112 section 4, RFC 6455 section 4.1: status lines that are refused",
        arguments: [
            "HTTP/1.0 101 Switching Protocols", "HTTP/2.0 101 OK", "HTTP/2 101 OK", "HTTP/1.1  101 OK",
            "HTTP/1.1 1010 OK",
            "HTTP/1.1 10 OK", "HTTP/1.1 099 OK", "HTTP/1.1 1x1 OK", "HTTP/1.1\t101 OK", "HTTP/1.1", "HTTP/1.11 101 OK",
            "http/1.1 101 OK", "HTTP/1.x 101 OK", "HTTP/1.1 101 a\u{1}b", " HTTP/1.1 101 OK", "HTTP/1.1 +10 OK",
        ])
    func refusedStatusLines(_ line: String) {
        #expect(failure(ResponseHead.self, line + "\r\n\r\n")?.status == .upgradeInvalid)
    }

    @Test("RFC 9112 section 2.2: an empty line before the status line is refused")
    func leadingEmptyLine() {
        #expect(failure(ResponseHead.self, "\r\nHTTP/1.1 101 OK\r\n\r\n") != nil)
        #expect(failure(RequestHead.self, "\r\nGET / HTTP/1.1\r\n\r\n") != nil)
    }

    @Test(
        "RFC 9112 sections 2.2 and 5: lines that are refused",
        arguments: [
            ("A: b\r\n c\r\n", "folded"), ("A: b\r\n\tc\r\n", "folded"), ("A : b\r\n", "space before its colon"),
            ("A\t: b\r\n", "space before its colon"), ("Ab\r\n", "no colon"), (": b\r\n", "no token"),
            ("A b: c\r\n", "no token"),
            ("Ä: b\r\n", "no token"), ("A: b\n", "LF without CR"), ("A: b\rc\r\n", "CR without LF"),
            ("A: b\r\r\n", "CR without LF"),
            ("A: b\u{0}c\r\n", "control character"), ("A: \u{7f}\r\n", "control character"), ("(): b\r\n", "no token"),
        ])
    func refusedLines(_ lines: String, _ reason: String) {
        for (type, start) in [("response", "HTTP/1.1 101 OK\r\n"), ("request", "GET / HTTP/1.1\r\n")] {
            let head = start + lines + "\r\n"
            let found = type == "response" ? failure(ResponseHead.self, head) : failure(RequestHead.self, head)
            #expect(found?.status == .upgradeInvalid)
            #expect(found?.text.contains(reason) == true, "\(found?.text ?? "accepted")")
        }
    }

    @Test("RFC 9112 section 5: values are trimmed, may be empty and may have bytes above ASCII")
    func values() {
        let head = response("HTTP/1.1 101 OK\r\nA:\r\nB: \t \r\nC:x\r\nD: \té y\t \r\n\r\n")
        #expect(head?.fields.fields.map { text($0.value) } == ["", "", "x", "é y"])
    }

    @Test(
        "another protocol is refused at the first byte that cannot start HTTP/1.",
        arguments: ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2", "<html>", "\u{16}\u{3}\u{1}", "220 mail ESMTP", "HTTQ"])
    func otherProtocols(_ text: String) {
        let bytes = text.bytes
        let end = (0..<bytes.count).first { !"HTTP/1.".bytes.starts(with: bytes[...$0]) }!
        for count in 0..<end {
            guard case .needMore = parse(ResponseHead.self, Array(bytes[..<count]), cut: .max, size: 1) else {
                Issue.record("refused after \(count) bytes")
                continue
            }
        }
        guard case .failure = parse(ResponseHead.self, Array(bytes[...end]), cut: .max, size: 1) else {
            Issue.record("not refused at byte \(end)")
            return
        }
    }

    @Test("RFC 9110 section 15.2: interim responses are skipped, a bounded number of them")
    func interimResponses() {
        let interim = "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"
        let head = response(interim + HeadParserTests.accepted)
        #expect(head?.status == 101)
        #expect(head?.fields.contains("A") == false)
        let one = "HTTP/1.1 102 Processing\r\n\r\n"
        let most = String(repeating: one, count: Limits.interimResponses)
        #expect(response(most + HeadParserTests.accepted)?.status == 101)
        #expect(failure(ResponseHead.self, most + one + HeadParserTests.accepted)?.text.contains("interim") == true)
    }

    @Test("the limit of the head counts its own bytes only, and is inclusive")
    func sizeLimit() {
        let start = "HTTP/1.1 101 OK\r\nA: "
        let filler = String(repeating: "x", count: Limits.headBytes - start.utf8.count - 4)
        let frames = [UInt8](repeating: 0, count: 100_000)
        guard
            case .head(_, let rest) = parse(
                ResponseHead.self, (start + filler + "\r\n\r\n").bytes + frames, cut: .max, size: 1)
        else {
            Issue.record("a head of exactly the limit was refused")
            return
        }
        #expect(rest.count == frames.count)
        let larger = failure(ResponseHead.self, start + filler + "x\r\n\r\n")
        #expect(larger?.text.contains("\(Limits.headBytes)") == true)
        // A line without an end is refused at the limit, not held for ever.
        #expect(failure(ResponseHead.self, "HTTP/1.1 101 " + String(repeating: "x", count: Limits.headBytes)) != nil)
    }

    @Test("the limit of header lines is inclusive")
    func lineLimit() {
        let most = String(repeating: "A: b\r\n", count: Limits.headerLines)
        #expect(response("HTTP/1.1 101 OK\r\n" + most + "\r\n")?.fields.fields.count == Limits.headerLines)
        #expect(failure(ResponseHead.self, "HTTP/1.1 101 OK\r\n" + most + "A: b\r\n\r\n")?.text.contains("128") == true)
    }

    @Test("RFC 9112 section 3: request lines")
    func requestLines() {
        let head = request("GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(head.map { text($0.method) } == "GET")
        #expect(head.map { text($0.target) } == "/a?b=c")
        #expect(head?.fields.single("host") == .value("h".bytes))
        for line in [
            "GET / HTTP/1.0", "GET / HTTP/2.0", "PRI * HTTP/2.0", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ",
            "GET / x HTTP/1.1",
            "G(T / HTTP/1.1", "GET /\u{1} HTTP/1.1", "GET /é HTTP/1.1", " GET / HTTP/1.1", "GET", "\u{16}\u{3}\u{1}",
        ] {
            #expect(failure(RequestHead.self, line + "\r\n\r\n")?.status == .upgradeInvalid, "\(line)")
        }
    }

    @Test("one request after the other on one connection")
    func pipeline() {
        var parser = HeadParser<RequestHead>()
        var targets: [String] = []
        var rest = "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nA: b\r\n\r\n".bytes
        while !rest.isEmpty {
            let action = rest.withUnsafeBytes { parser.receive($0) }
            guard case .complete(let head, let consumed) = action else { break }
            targets.append(text(head.target))
            rest.removeFirst(consumed)
        }
        #expect(targets == ["/1", "/2"])
        #expect(parser.isEmpty)
    }

    @Test("after a failure the parser stays failed")
    func staysFailed() {
        var parser = HeadParser<ResponseHead>()
        for _ in 0..<2 {
            guard
                case .failed = HeadParserTests.accepted.bytes.withUnsafeBytes({ bytes in
                    "x".bytes.withUnsafeBytes { _ = parser.receive($0) }
                    return parser.receive(bytes)
                })
            else {
                Issue.record("went on")
                return
            }
        }
    }

    @Test("an error shows the line printable and short, and nothing behind a colon or question mark")
    func errorTexts() {
        let shown = failure(ResponseHead.self, "HTTP/1.1 101 OK\r\nSet-Cookie : secret\r\n\r\n")?.text
        #expect(shown == "a header line has a space before its colon: \"Set-Cookie ...\"")
        #expect(failure(RequestHead.self, "GET /?token=secret HTTP/1.0\r\n\r\n")?.text.contains("secret") == false)
        let long = failure(
            ResponseHead.self, "HTTP/1.1 101 OK\r\n" + String(repeating: "\u{1b}", count: 500) + "\r\n\r\n")
        #expect(long?.text.contains("\u{1b}") == false)
        #expect((long?.text.utf8.count ?? 999) < 150)
    }
}

@Suite("HTTP/1.1 heads written")
struct HeadPrintTests {
    /// What `write` printed, nil if it was refused as it should be.
    private func printed(_ write: (inout ByteBuffer) throws -> Void) -> String? {
        var out = ByteBuffer()
        do {
            try write(&out)
            return text(out.readable)
        } catch {
            return out.isEmpty && (error as? Failure)?.status == .argument
                ? nil : "wrong status, or something was written"
        }
    }

    @Test("a request and a response as they go out, and read again")
    func print() {
        var fields = HeaderFields()
        fields.append("Host", "h:1".bytes)
        fields.append("Upgrade", "websocket")
        let requestText = printed { try RequestHead(method: "GET", target: "/x".bytes, fields: fields).print(&$0) }
        #expect(requestText == "GET /x HTTP/1.1\r\nHost: h:1\r\nUpgrade: websocket\r\n\r\n")
        #expect(request(requestText ?? "").map { text($0.target) } == "/x")
        let responseText = printed {
            try ResponseHead(status: 426, reason: "Upgrade Required", fields: fields).print(&$0)
        }
        #expect(responseText == "HTTP/1.1 426 Upgrade Required\r\nHost: h:1\r\nUpgrade: websocket\r\n\r\n")
        #expect(response(responseText ?? "")?.status == 426)
    }

    @Test("CR, LF, NUL and other bytes that break out of their place are refused, and nothing is written")
    func injection() {
        for value in ["a\r\nb", "a\nb", "a\rb", "a\u{0}b"] {
            var fields = HeaderFields()
            fields.append("A", value.bytes)
            #expect(printed { try RequestHead(method: "GET", target: "/".bytes, fields: fields).print(&$0) } == nil)
            #expect(printed { try ResponseHead(status: 200, reason: "OK", fields: fields).print(&$0) } == nil)
        }
        for name in ["", "a b", "a:", "a\r\n", "é"] {
            var fields = HeaderFields()
            fields.append(name.bytes, [])
            #expect(printed { try RequestHead(method: "GET", target: "/".bytes, fields: fields).print(&$0) } == nil)
        }
        for target in ["", "/ x", "/\r\nA: b", "/é"] {
            #expect(printed { try RequestHead(method: "GET", target: target.bytes).print(&$0) } == nil)
        }
        #expect(printed { try ResponseHead(status: 99, reason: "OK").print(&$0) } == nil)
        #expect(printed { try ResponseHead(status: 200, reason: "a\r\nb").print(&$0) } == nil)
    }

    @Test("the error for a bad header names it without its value")
    func secretValues() {
        var fields = HeaderFields()
        fields.append("Authorization", "Bearer secret\n".bytes)
        var out = ByteBuffer()
        do throws(Failure) {
            try RequestHead(method: "GET", target: "/".bytes, fields: fields).print(&out)
        } catch {
            #expect(error.text.contains("Authorization"))
            #expect(!error.text.contains("secret"))
        }
    }
}
