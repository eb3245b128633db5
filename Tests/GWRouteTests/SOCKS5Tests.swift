import GWBase
import GWHTTP
import Testing

@testable import GWRoute

@Suite("RFC 1928: SOCKS 5")
struct SOCKS5Tests {
    private let success: [UInt8] = [5, 0, 0, 1, 127, 0, 0, 1, 0, 80]

    @Test("section 3: user and password are offered only where there are some")
    func methods() throws {
        var plain = try tunnel("socks5h://proxy", to: "wss://a")
        #expect(try beginning(&plain) == [5, 1, 0])
        var known = try tunnel("socks5h://u:p@proxy", to: "wss://a")
        #expect(try beginning(&known) == [5, 2, 0, 2])
    }

    @Test(
        "section 4: the request in each form of address",
        arguments: [
            ("wss://a.b", [3, 3, 0x61, 0x2e, 0x62, 1, 187]), ("ws://1.2.3.4", [1, 1, 2, 3, 4, 0, 80]),
            ("wss://[::1]", [4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 187]),
        ] as [(String, [UInt8])])
    func request(target: String, address: [UInt8]) throws {
        var tunnel = try tunnel("socks5h://proxy", to: target)
        let run = TunnelRun(&tunnel, answers: [[5, 0], success])
        #expect(run.sent == [[5, 1, 0] + address])
        #expect(run.isOpen)
    }

    @Test("RFC 1929: user and password, cut anywhere", arguments: 1...12)
    func password(size: Int) throws {
        var tunnel = try tunnel("socks5h://us:pass%20w@proxy", to: "ws://1.2.3.4")
        let run = TunnelRun(&tunnel, answers: [[5, 2], [1, 0], success + [9, 9]], size: size)
        #expect(run.sent == [[1, 2] + "us".bytes + [6] + "pass w".bytes, [5, 1, 0, 1, 1, 2, 3, 4, 0, 80]])
        #expect(run.isOpen)
        #expect(run.rest == [9, 9])
    }

    @Test("RFC 1929: refused credentials are a person's affair, and are not shown")
    func refusedPassword() throws {
        var tunnel = try tunnel("socks5://u:secret@proxy", to: "ws://1.2.3.4")
        let failure = try #require(TunnelRun(&tunnel, answers: [[5, 2], [1, 1]]).failure)
        #expect(failure.status == .proxyRefused)
        #expect(failure.actor == .user)
        #expect(!failure.text.contains("secret"))
    }

    @Test("section 3: a proxy that takes none of the methods", arguments: [0xff, 1, 2] as [UInt8])
    func noMethod(method: UInt8) throws {
        var tunnel = try tunnel("socks5://proxy", to: "ws://1.2.3.4")
        #expect(TunnelRun(&tunnel, answers: [[5, method]]).failure?.status == .proxyRefused)
    }

    @Test("section 6: every reply but 0 is a refusal with its reason", arguments: 1...9 as ClosedRange<UInt8>)
    func refusals(code: UInt8) throws {
        var tunnel = try tunnel("socks5h://proxy:1080", to: "wss://a")
        let failure = try #require(TunnelRun(&tunnel, answers: [[5, 0], [5, code, 0, 3, 1, 0x61, 0, 0]]).failure)
        #expect(failure.status == .proxyRefused)
        #expect(failure.code == UInt32(code))
        #expect(failure.text.hasPrefix("the proxy proxy:1080 could not connect to a:443: "))
    }

    @Test(
        "answers that are not SOCKS 5",
        arguments: [
            [[4, 0]], [[5, 0, 5]], [[5, 0], [4, 0, 0, 1, 0]], [[5, 0], [5, 0, 0, 9, 0]],
        ] as [[[UInt8]]])
    func nonsense(answers: [[UInt8]]) throws {
        var tunnel = try tunnel("socks5://proxy", to: "ws://1.2.3.4")
        #expect(TunnelRun(&tunnel, answers: answers).failure?.status == .proxy)
    }

    @Test("what does not fit the lengths of one byte is refused before anything is sent")
    func lengths() throws {
        let long = String(repeating: "a", count: 256)
        #expect(throws: Failure.self) { try tunnel("socks5h://proxy", to: "wss://\(long)") }
        #expect(throws: Failure.self) { try tunnel("socks5h://\(long)@proxy", to: "wss://a") }
    }
}
