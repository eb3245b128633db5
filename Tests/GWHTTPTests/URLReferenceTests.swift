import GWBase
import GWHTTP
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

@Suite("RFC 9110 section 10.2.2: where a Location leads")
struct URLReferenceTests {
    @Test(
        "RFC 3986 section 5.2: absolute and relative references",
        arguments: [
            ("ws://other.example/x", "ws://other.example/x"),
            ("WSS://other.example", "wss://other.example/"),
            ("http://other.example:8080/x?y", "ws://other.example:8080/x?y"),
            ("https://other.example:443/", "wss://other.example/"),
            ("//other.example/x", "wss://other.example/x"),
            ("/x/y?z", "wss://host.example:8443/x/y?z"),
            ("z", "wss://host.example:8443/a/z"),
            ("../z", "wss://host.example:8443/z"),
            ("../../../z", "wss://host.example:8443/z"),
            ("./", "wss://host.example:8443/a/"),
            ("?q=1", "wss://host.example:8443/a/b?q=1"),
            ("", "wss://host.example:8443/a/b?old=1"),
            ("z#part", "wss://host.example:8443/a/z"),
            ("#part", "wss://host.example:8443/a/b?old=1"),
            ("\\\\other.example/x", "wss://other.example/x"),
            ("wss://user:secret@other.example/x", "wss://other.example/x"),
        ])
    func resolved(_ location: String, _ wanted: String) throws {
        let base = try WebSocketURL.parse("wss://name:word@host.example:8443/a/b?old=1")
        #expect(text(try base.resolving(Array(location.utf8)).text) == wanted)
    }

    @Test(
        "what cannot be connected to is refused",
        arguments: ["mailto:a@b", "ftp://host/", "javascript:1", "ws://", "ws://[::1", "wss://host:99999/", "//"])
    func refused(_ location: String) throws {
        let base = try WebSocketURL.parse("ws://host.example/")
        #expect(throws: Failure.self) { try base.resolving(Array(location.utf8)) }
    }

    @Test("an IPv6 host keeps its brackets")
    func brackets() throws {
        let base = try WebSocketURL.parse("ws://[::1]:8080/a")
        #expect(text(try base.resolving(Array("/b".utf8)).text) == "ws://[::1]:8080/b")
    }

    @Test("RFC 6454 section 4: the origin is scheme, host and port")
    func sameOrigin() throws {
        let base = try WebSocketURL.parse("wss://host.example/a")
        for (other, isSame) in [
            ("wss://HOST.example:443/b", true), ("https://host.example/", true), ("ws://host.example:443/", false),
            ("wss://host.example:8443/", false), ("wss://www.host.example/", false),
        ] {
            #expect(base.hasSameOrigin(as: try WebSocketURL.parse(other)) == isSame, "\(other)")
        }
    }

    @Test("no bytes reach a trap")
    func anyBytes() throws {
        let base = try WebSocketURL.parse("ws://host.example/")
        for first in UInt8.min...UInt8.max {
            for second: UInt8 in [0, 0x23, 0x2f, 0x3a, 0x3f, 0x5c, 0x80, 0xff] {
                _ = try? base.resolving([first, second])
                _ = try? base.resolving([second, first, second])
            }
        }
    }
}

@Suite("RFC 6454 section 6.2: the Origin header")
struct OriginTests {
    @Test(
        "case and a scheme's own port make no difference, all else does",
        arguments: [
            ("https://Example.ORG", "https://example.org"), ("https://example.org:443", "https://example.org"),
            ("http://example.org:80", "http://example.org"), ("http://example.org:443", "http://example.org:443"),
            ("https://example.org:8443", "https://example.org:8443"), ("null", "null"), ("", ""),
            (":443", ":443"), ("https://:443", "https://"),
        ])
    func normalized(_ origin: String, _ wanted: String) {
        #expect(text(Origin.normalized(Array(origin.utf8))) == wanted)
    }
}

@Suite("RFC 9112 section 3: the first line")
struct FirstLineTests {
    @Test(
        "another protocol fails at the end of its first line",
        arguments: ["SSH-2.0-x\r\n", "GET /\r\n", "GET / HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n"])
    func otherProtocols(_ text: String) {
        var parser = HeadParser<RequestHead>()
        let action = Array(text.utf8).withUnsafeBytes { parser.receive($0) }
        guard case .failed = action else {
            Issue.record("not refused")
            return
        }
    }
}

@Suite("RFC 6585 section 5: limits of a head")
struct HeadLimitTests {
    private func failure(_ text: String, bytes: Int, lines: Int) -> Failure? {
        var limits = HeadLimits()
        limits.bytes = bytes
        limits.lines = lines
        var parser = HeadParser<RequestHead>(limits)
        let action = Array(text.utf8).withUnsafeBytes { parser.receive($0) }
        if case .failed(let failure) = action { return failure }
        return nil
    }

    @Test("exactly the limit passes, one byte or line more is 431")
    func limits() {
        let head = "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n"
        #expect(failure(head, bytes: head.utf8.count, lines: 2) == nil)
        #expect(failure(head, bytes: head.utf8.count - 1, lines: 2)?.code == 431)
        #expect(failure(head, bytes: head.utf8.count, lines: 1)?.code == 431)
    }
}
