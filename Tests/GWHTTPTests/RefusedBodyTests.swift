import GWBase
import GWHTTP
import Testing

@Suite("Body of an answer other than 101 (RFC 9112 section 6)")
struct RefusedBodyTests {
    private struct Result: Equatable {
        var body: String
        var isWhole: Bool
        var isTruncated = false
    }

    /// Reads a body in every way in which it can be cut and expects the same of each.
    private func read(
        _ status: UInt16, _ fields: [(String, String)], _ bytes: [UInt8], isEnded: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> Result? {
        var first: Result??
        for (cut, size) in [(Int.max, 1), (1, 1), (0, 2), (3, 5), (bytes.count / 2, 1000)] {
            var head = ResponseHead(status: status, reason: "x")
            for (name, value) in fields { head.fields.append(name.bytes, value.bytes) }
            var body = RefusedBody(head)
            feed(bytes, cut: cut, size: size) { body.receive($0) == .needMore }
            if isEnded { body.endOfStream() }
            let text = text(body.bytes)
            let result =
                body.isComplete ? Result(body: text, isWhole: body.isWhole, isTruncated: body.isTruncated) : nil
            if let first { #expect(first == result, sourceLocation: sourceLocation) } else { first = .some(result) }
        }
        return first ?? nil
    }

    private let chunked = [("Transfer-Encoding", "chunked")]

    @Test("section 6.3: a length is read to its end and no further")
    func contentLength() {
        #expect(read(401, [("Content-Length", "5")], "hello, more".bytes) == Result(body: "hello", isWhole: true))
        #expect(read(401, [("Content-Length", "0")], "more".bytes) == Result(body: "", isWhole: true))
        #expect(read(401, [("content-length", "5, 5")], "hello".bytes) == Result(body: "hello", isWhole: true))
        #expect(read(401, [("Content-Length", "5"), ("Content-Length", "5")], "hello".bytes)?.isWhole == true)
        #expect(read(401, [("Content-Length", "100")], "hello".bytes) == nil)
        #expect(
            read(401, [("Content-Length", "100")], "hello".bytes, isEnded: true)
                == Result(body: "hello", isWhole: false))
    }

    @Test(
        "section 6.3: a length that is none ends the reading at once",
        arguments: ["5, 6", "-1", "+5", "5x", "0x5", "", "5 5", "99999999999999999999999"])
    func badLength(_ length: String) {
        #expect(read(401, [("Content-Length", length)], "hello".bytes) == Result(body: "", isWhole: false))
    }

    @Test("section 6.3: without a length the body ends with the stream")
    func untilEnd() {
        #expect(read(200, [], "<html>".bytes) == nil)
        #expect(read(200, [], "<html>".bytes, isEnded: true) == Result(body: "<html>", isWhole: true))
        #expect(read(200, [("Transfer-Encoding", "chunked, gzip")], "x".bytes, isEnded: true)?.body == "x")
    }

    @Test("section 7.1: chunks, with extensions and trailers left out")
    func chunks() {
        let body = "5\r\nhello\r\n2;a=\"b\"\r\n, \r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nmore".bytes
        #expect(read(503, chunked, body) == Result(body: "hello, 0123456789", isWhole: true))
        #expect(read(503, chunked, "0\r\n\r\n".bytes) == Result(body: "", isWhole: true))
        #expect(read(503, chunked, "5\r\nhel".bytes, isEnded: true) == Result(body: "hel", isWhole: false))
        #expect(read(503, chunked, "5\r\nhello\r\n0\r\n".bytes) == nil)
    }

    @Test("section 6.1: chunks win over a length")
    func chunksAndLength() {
        let fields = chunked + [("Content-Length", "3")]
        #expect(read(503, fields, "5\r\nhello\r\n0\r\n\r\n".bytes) == Result(body: "hello", isWhole: true))
    }

    @Test(
        "section 7.1: what is no chunk ends the reading and keeps what was read",
        arguments: ["x\r\n", "\r\n", "-1\r\n", "5 \r\nhello", ";a\r\n", "ok", String(repeating: "1;", count: 1000)])
    func badChunks(_ text: String) {
        let result = read(503, chunked, ("2\r\nab\r\n" + text).bytes, isEnded: true)
        #expect(result?.isWhole == false)
        #expect(result?.body.hasPrefix("ab") == true)
    }

    @Test("a body above the limit is cut there", arguments: [0, 1, 2])
    func limit(_ framing: Int) {
        let size = Limits.refusedBodyBytes
        let data = [UInt8](repeating: 0x61, count: size)
        for extra in [0, 1, 5000] {
            let content = data + [UInt8](repeating: 0x62, count: extra)
            let result =
                switch framing {
                case 0: read(500, [("Content-Length", "\(content.count)")], content)
                case 1: read(500, [], content, isEnded: true)
                default:
                    read(
                        500, chunked,
                        (String(content.count, radix: 16) + "\r\n").bytes + content + "\r\n0\r\n\r\n".bytes)
                }
            #expect(result?.body.utf8.count == size)
            #expect(result?.isTruncated == (extra > 0))
            #expect(result?.isWhole == (extra == 0))
        }
    }

    @Test("a chunk size that fits no number is only large")
    func hugeChunk() {
        let head = String(repeating: "f", count: 100) + "\r\n"
        let result = read(500, chunked, head.bytes + [UInt8](repeating: 0x61, count: Limits.refusedBodyBytes + 1))
        #expect(result?.isTruncated == true)
    }

    @Test("section 6.3: 204 and 304 have no body", arguments: [UInt16(204), 304])
    func noBody(_ status: UInt16) {
        #expect(read(status, [("Content-Length", "5")], "hello".bytes) == Result(body: "", isWhole: true))
    }
}
