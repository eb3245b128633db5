import GWBase
import GWHTTP
import Testing

@Suite("WebSocket URLs (RFC 6455 section 3, WHATWG URL)")
struct WebSocketURLTests {
    @Test(
        "scheme, port and Host header",
        arguments: [
            ("ws://h", 80, "h"), ("wss://h", 443, "h"), ("http://h", 80, "h"), ("https://h", 443, "h"),
            ("ws://h:80", 80, "h"), ("wss://h:443", 443, "h"), ("wss://h:80", 80, "h:80"), ("ws://h:443", 443, "h:443"),
            ("ws://h:18789/x", 18789, "h:18789"), ("ws://h:", 80, "h"), ("ws://h:00080", 80, "h"),
            ("ws://h:65535", 65535, "h:65535"), ("ws://[::1]:8080", 8080, "[::1]:8080"), ("wss://[::1]", 443, "[::1]"),
            ("ws://[::1]:", 80, "[::1]"), ("WSS://EXAMPLE.org", 443, "example.org"),
        ])
    func authority(_ text: String, _ port: Int, _ hostHeader: String) {
        #expect(url(text).map { Int($0.port) } == port)
        #expect(url(text).map { GWHTTPTests.text($0.hostHeader) } == hostHeader)
    }

    @Test("http counts as ws and https as wss, and how it was written stays known")
    func spelling() {
        #expect(url("http://h")?.scheme == .http)
        #expect(url("http://h")?.isSecure == false)
        #expect(url("https://h")?.scheme == .https)
        #expect(url("https://h")?.isSecure == true)
        #expect(url("Wss://h")?.scheme == .wss)
        #expect(url("ws://h")?.scheme == .ws)
    }

    @Test(
        "hosts as every WHATWG parser reads them",
        arguments: [
            ("127.1", "127.0.0.1"), ("127.0x0.1", "127.0.0.1"), ("0x", "0.0.0.0"), ("0x.0x.0", "0.0.0.0"),
            ("256", "0.0.1.0"),
            ("4294967295", "255.255.255.255"), ("1.2.65535", "1.2.255.255"), ("0x7F000001", "127.0.0.1"),
            ("0.0x100", "0.0.1.0"), ("1.", "0.0.0.1"), ("1.2.3.4.", "1.2.3.4"), ("0x1.", "0.0.0.1"),
            ("%31%32%37.1", "127.0.0.1"), ("１２７。０。０。１", "127.0.0.1"), ("０ｘ７ｆ.1", "127.0.0.1"),
            ("%EF%BC%91", "0.0.0.1"), ("127.0.0.1..", "127.0.0.1.."), ("..", ".."), (".", "."), ("a..b", "a..b"),
            ("foo.0xg", "foo.0xg"), ("%41bc", "abc"), ("a_b", "a_b"), ("a`b", "a`b"), ("a{b}", "a{b}"),
            ("a!b$c&d'e(f)g*h+i,j;k=l~m", "a!b$c&d'e(f)g*h+i,j;k=l~m"), ("a\"b", "a\"b"), ("a．b｡c", "a.b.c"),
            ("ＬＯＣＡＬＨＯＳＴ", "localhost"), ("xn--e1afmkfd", "xn--e1afmkfd"), ("localhost%2e", "localhost."),
            ("[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"), ("[1:2:3:4:5:6:7::]", "1:2:3:4:5:6:7:0"), ("[::]", "::"),
            ("[::1.2.3.4]", "::102:304"), ("[1:2:3:4:5:6:1.2.3.4]", "1:2:3:4:5:6:102:304"), ("[1::]", "1::"),
            ("[1:0:0:2:0:0:0:3]", "1:0:0:2::3"), ("[1:0:0:2:0:0:3:4]", "1::2:0:0:3:4"), ("[::ABCD]", "::abcd"),
            ("[0:1:0:1:0:1:0:1]", "0:1:0:1:0:1:0:1"), ("[0:0:0:0:0:0:0:1]", "::1"), ("[0010:0::00f0]", "10::f0"),
        ])
    func hosts(_ host: String, _ canonical: String) {
        #expect(url("ws://" + host).map { text($0.host.text) } == canonical)
        #expect(url("ws://u:p@" + host + ":1/x?y").map { text($0.host.text) } == canonical)
    }

    @Test(
        "what no WHATWG parser takes for a host is refused",
        arguments: [
            "", "1.2.3.4.5", "1.2.3.08", "foo.08", "foo.0x", "4294967296", "1.65536.1", "1.2.65536", "256.1.1.1", ".1",
            "1..2",
            "09", "a%00b", "a%zz", "a%", "a b", "a<b", "a>b", "a|b", "a^b", "a%2fb", "a%40b", "a%3a80", "a%5bx", "a%23",
            "a%7f", "a\u{7f}", "％４１", "a％2e", "a　b", "[", "[]", "[::1", "[:1]", "[1:]", "[1::2::3]", "[:::]", "[::1]x",
            "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4::5:6:7:8]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::1.2.3]",
            "[::01.2.3.4]", "[::256.2.3.4]", "[::1.2.3.4:5]", "[00001::]", "[::g]", "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[::１]", "a]b", "99999999999999999999999999999999",
        ])
    func refusedHosts(_ host: String) {
        #expect(refusal("ws://" + host + "/") != nil)
    }

    @Test("an international name is refused with the form that is asked for")
    func internationalNames() {
        #expect(refusal("ws://münchen.example")?.contains("xn--") == true)
        #expect(refusal("ws://a%ffb")?.contains("xn--") == true)
    }

    @Test(
        "ports that are no number or too large are refused",
        arguments: ["65536", "8x", "-1", "80:90", "１", "0", "4294967376"])
    func refusedPorts(_ port: String) {
        #expect(refusal("ws://h:" + port)?.contains("port") == true)
    }

    @Test(
        "schemes other than the four, and texts without one, are refused",
        arguments: [
            "", " ", "h", "//h", "127.0.0.1:18789", "localhost:18789", "ftp://h", "unix:/x", "1ws://h", "-://h",
            "ws ://h",
            "ws", ":", "wsss://h", "ws+x://h", "ws:", "ws://", "ws:///", "ws://?x", "ws://@", "ws://u:p@", "ws://:80",
            "ws://u@:80",
        ])
    func refusedSchemes(_ text: String) {
        #expect(refusal(text) != nil)
    }

    @Test(
        "slashes and backslashes before the host, spaces around and line ends inside are passed over",
        arguments: [
            "ws:h", "ws:/h", "ws:///h", "ws:\\\\h", "ws:\\/h", " ws://h ", "\u{0}ws://h\u{1f}", "w\ts://\nh\r",
            "ws:////h",
        ])
    func tolerance(_ text: String) {
        #expect(url(text).map { GWHTTPTests.text($0.host.text) } == "h")
    }

    @Test("the host is what stands behind the last @ and before the first slash, backslash or question mark")
    func userInfo() {
        let parsed = url("ws://us%65r:p%40s:s@a@h/b@c?d@e")
        #expect(parsed.map { text($0.user) } == "user")
        #expect(parsed.map { text($0.password) } == "p@s:s@a")
        #expect(parsed.map { text($0.host.text) } == "h")
        #expect(url("ws://u@h").map { text($0.password) } == "")
        #expect(url("ws://:@h").map { text($0.user) } == "")
        #expect(url("ws://example.com\\@h").map { text($0.host.text) } == "example.com")
        #expect(url("ws://example.com?@h").map { text($0.host.text) } == "example.com")
    }

    @Test(
        "the request target is path and query, as a browser would send them",
        arguments: [
            ("ws://h", "/"), ("ws://h/", "/"), ("ws://h?x=1", "/?x=1"), ("ws://h/?", "/"),
            ("ws://h/a b?c d", "/a%20b?c%20d"),
            ("ws://h/ü?ü", "/%C3%BC?%C3%BC"), ("ws://h/%zz", "/%zz"), ("ws://h/../a/./b/%2e%2E/c", "/a/c"),
            ("ws://h/a/..", "/"),
            ("ws://h/a/b/.", "/a/b/"), ("ws://h/a//b", "/a//b"), ("ws://h/a\\b?\\", "/a/b?\\"),
            ("ws://h/\"<>`{}|^", "/%22%3C%3E%60%7B%7D|^"), ("ws://h/?\"<>'`{}|^", "/?%22%3C%3E%27`{}|^"),
            ("ws://h/?a=/../b?c", "/?a=/../b?c"), ("ws://h/\u{7f}", "/%7F"), ("ws://h/...", "/..."),
        ])
    func target(_ text: String, _ target: String) {
        #expect(url(text).map { GWHTTPTests.text($0.target) } == target)
    }

    @Test(
        "RFC 6455 section 3: a fragment is refused, and cut off where a URL is only judged",
        arguments: ["#", "/#f", "?x#f"])
    func fragment(_ end: String) throws {
        #expect(refusal("ws://h" + end)?.contains("fragment") == true)
        let judged = try WebSocketURL.parseToJudge(("ws://h" + end).bytes)
        #expect(judged.hasFragment)
        #expect(!text(judged.target).contains("f"))
    }

    @Test("an error text never shows the user info")
    func secrets() {
        for text in [
            "ws://u:secret@h:99999", "ws://u:secret@a b", "ftp://u:secret@h", "ws://u:secret@[::1", "ws://u:secret@h#f",
        ] {
            #expect(refusal(text)?.contains("secret") == false)
        }
    }

    @Test("no bytes reach a trap")
    func anyBytes() {
        var state: UInt64 = 1
        func random(_ limit: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % limit)
        }
        let pieces = [
            "ws:", "//", "[", "]", ":", ".", "@", "%", "%31", "0x", "1", "255", "::", "/", "\\", "?", "#", "a",
            "\u{ff11}", " ",
        ]
        for _ in 0..<20_000 {
            var bytes = random(2) == 0 ? "ws://".bytes : []
            for _ in 0..<random(12) {
                if random(8) == 0 {
                    bytes.append(UInt8(random(256)))
                } else {
                    bytes += pieces[random(UInt64(pieces.count))].bytes
                }
            }
            if let parsed = try? WebSocketURL.parse(bytes) {
                #expect(parsed.target.first == 0x2f)
                #expect(!parsed.host.text.isEmpty)
                // What was read is read again as the same, so that nothing is hidden in it.
                let again = try? WebSocketURL.parse("ws://".bytes + parsed.host.bracketed)
                #expect(again?.host == parsed.host)
            }
            _ = NetworkPolicy.isTrustedEndpoint(bytes, hasPin: true)
            _ = NetworkPolicy.isTrustedPlaintextHost(bytes)
        }
    }
}
