import GWBase
import GWHTTP
import Testing

@testable import GWRoute

@Suite("RFC 9110 section 9.3.6: CONNECT")
struct HTTPConnectTests {
    @Test(
        "the request names host and port, as target and as Host",
        arguments: [
            ("wss://gateway.example", "gateway.example:443"), ("ws://gateway.example:81/x?y", "gateway.example:81"),
            ("wss://[::1]:8443", "[::1]:8443"), ("wss://10.0.0.1", "10.0.0.1:443"),
        ])
    func request(target: String, authority: String) throws {
        var tunnel = try tunnel("http://proxy:3128", to: target)
        let sent = try beginning(&tunnel)
        #expect(String(decoding: sent, as: UTF8.self) == "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\r\n")
    }

    @Test("credentials go to the proxy in their own header")
    func authorization() throws {
        var tunnel = try tunnel("http://proxy", to: "wss://a", authorization: "Basic dTpw")
        let sent = try beginning(&tunnel)
        #expect(String(decoding: sent, as: UTF8.self).contains("\r\nProxy-Authorization: Basic dTpw\r\n"))
    }

    @Test("any 2xx opens the tunnel, whatever it says of a body, and what follows is the tunnel's", arguments: 1...90)
    func success(size: Int) throws {
        var tunnel = try tunnel("http://proxy", to: "wss://a")
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\nrest".bytes
        let run = TunnelRun(&tunnel, answers: [answer], size: size)
        #expect(run.isOpen)
        #expect(run.rest == "rest".bytes)
    }

    @Test("a refusal carries status, headers and body, cut anywhere", arguments: 1...70)
    func refusal(size: Int) throws {
        var tunnel = try tunnel("http://proxy:3128", to: "wss://a")
        let answer = "HTTP/1.1 403 Forbidden\r\nX-A: b\r\nContent-Length: 4\r\n\r\nnope".bytes
        let failure = try #require(TunnelRun(&tunnel, answers: [answer], size: size).failure)
        #expect(failure.status == .proxyRefused)
        #expect(failure.code == 403)
        #expect(failure.text == "the proxy proxy:3128 answered 403 Forbidden to CONNECT a:443")
        let detail = #"{"status":403,"headers":[["X-A","b"],["Content-Length","4"]],"body":"nope"}"#
        #expect(String(decoding: failure.detail, as: UTF8.self) == detail)
        #expect(!failure.isRetryable)
    }

    @Test("407 asks a person for credentials", arguments: ["", "Basic dTpw"])
    func unauthorized(authorization: String) throws {
        var tunnel = try tunnel("http://proxy", to: "wss://a", authorization: authorization)
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n".bytes
        let failure = try #require(TunnelRun(&tunnel, answers: [answer]).failure)
        #expect(failure.actor == .user)
        #expect(failure.text.contains(authorization.isEmpty ? "it wants user" : "it refuses user"))
        #expect(!failure.text.contains("dTpw"))
    }

    @Test("a proxy that speaks something else, or nothing, is named")
    func nonsense() throws {
        var first = try tunnel("http://proxy", to: "wss://a")
        #expect(TunnelRun(&first, answers: ["SSH-2.0\r\n".bytes]).failure?.status == .proxy)
        var second = try tunnel("http://proxy", to: "wss://a")
        let end = second.endOfStream()
        #expect(end.status == .proxy)
        #expect(end.isRetryable)
    }
}
