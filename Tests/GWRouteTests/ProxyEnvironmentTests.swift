import GWBase
import GWHTTP
import Testing

@testable import GWRoute

@Suite("proxies from the environment")
struct ProxyEnvironmentTests {
    @Test(
        "a proxy URL: schemes, default ports, credentials decoded",
        arguments: [
            ("http://p", 80), ("https://p", 443), ("socks5://p", 1080), ("socks5h://p", 1080), ("p:3128", 3128),
            ("http://u:p@p:8080/", 8080),
        ] as [(String, UInt16)])
    func urls(text: String, port: UInt16) throws {
        let proxy = try ProxyURL(text.bytes)
        #expect(proxy.host == .name("p".bytes))
        #expect(proxy.port == port)
    }

    @Test("credentials of a proxy URL are percent-decoded and stay out of messages")
    func credentials() throws {
        let proxy = try ProxyURL("http://us%40er:pa%3ass@p".bytes)
        #expect(proxy.user == "us@er".bytes)
        #expect(proxy.password == "pa:ss".bytes)
        #expect(proxy.hostText == "p:80")
    }

    @Test(
        "what is no proxy URL is refused",
        arguments: ["ftp://p", "socks4://p", "http://", "http://p:0", "http://p:99999"])
    func refused(text: String) {
        #expect(failure { () throws(Failure) in try ProxyURL(text.bytes) }?.status == .url)
    }

    @Test("wss takes https_proxy, ws http_proxy, both all_proxy where they have none")
    func choice() throws {
        var environment = ProxyEnvironment()
        #expect(try environment.proxy(for: url("wss://a")) == nil)
        environment.all = "socks5://all".bytes
        #expect(try environment.proxy(for: url("ws://a"))?.hostText == "all:1080")
        environment.secure = "http://secure:1".bytes
        environment.plain = "http://plain:2".bytes
        #expect(try environment.proxy(for: url("wss://a"))?.hostText == "secure:1")
        #expect(try environment.proxy(for: url("ws://a"))?.hostText == "plain:2")
    }

    @Test(
        "no_proxy: names and what ends in them, addresses, networks, ports",
        arguments: [
            ("*", "wss://a", true), ("a", "wss://a", true), ("a", "wss://b.a", true), (".a", "wss://a", true),
            ("*.a", "wss://x.a", true), ("a", "wss://ba", false), ("A.Example", "wss://a.example.", true),
            ("x, a ,y", "wss://a", true), ("a:444", "wss://a", false), ("a:443", "wss://a", true),
            ("10.0.0.1", "wss://10.0.0.1", true), ("10.0.0.0/8", "wss://10.9.9.9", true),
            ("10.0.0.0/8", "wss://11.0.0.0", false), ("0.0.0.0/0", "wss://1.1.1.1", true),
            ("10.0.0.0/x", "wss://10.0.0.0", false), ("10.0.0.0/99", "wss://10.0.0.0", false),
            ("::1", "wss://[::1]", true), ("[::1]:443", "wss://[::1]", true), ("[::1]:1", "wss://[::1]", false),
            ("fd00::/8", "wss://[fd12::1]", true), ("fd00::/65", "wss://[fd00:0:0:0:8000::1]", false),
            ("::/0", "wss://[::1]", true), ("a/8", "wss://a", false), ("", "wss://a", false), ("..", "wss://a", false),
        ])
    func exceptions(list: String, target: String, isExcepted: Bool) throws {
        var environment = ProxyEnvironment()
        environment.all = "http://p".bytes
        environment.none = list.bytes
        #expect(try (environment.proxy(for: url(target)) == nil) == isExcepted)
    }

    @Test("a variable that cannot be read is an error, not a direct connection")
    func unreadable() throws {
        var environment = ProxyEnvironment()
        environment.secure = "gopher://p".bytes
        let target = try url("wss://a")
        #expect(failure { () throws(Failure) in try environment.proxy(for: target) }?.status == .url)
    }
}
