import Foundation
import GWBase
import GWHTTP
import Testing

@Suite("Plaintext policy and trusted endpoints")
struct NetworkPolicyTests {
    @Test("hosts of the vector")
    func hosts() throws {
        let cases = try #require(try vector("openclaw/network-policy.json")["hosts"] as? [[String: Any]])
        #expect(cases.count >= 60)
        for item in cases {
            let host = try #require(item["host"] as? String).bytes
            #expect(NetworkPolicy.isLoopbackHost(host) == item["isLoopbackHost"] as? Bool, "\(text(host))")
            #expect(
                NetworkPolicy.isPrivateOrLoopbackHost(host) == item["isPrivateOrLoopbackHost"] as? Bool, "\(text(host))"
            )
            #expect(
                NetworkPolicy.isTrustedPlaintextHost(host) == item["trustedPlaintextHost"] as? Bool, "\(text(host))")
        }
    }

    @Test("URLs of the vector")
    func urls() throws {
        let cases = try #require(try vector("openclaw/network-policy.json")["urls"] as? [[String: Any]])
        #expect(cases.count >= 60)
        let policies: [(String, PlaintextPolicy)] = [
            ("springDefault", .loopback), ("springWithEnv", .gatewayPrivateAndNames),
            ("currentDefault", .privateNetwork), ("currentWithEnv", .privateNetworkAndNames),
        ]
        for item in cases {
            let text = try #require(item["url"] as? String)
            let parsed = try? WebSocketURL.parseToJudge(text.bytes)
            let wanted = item["parsed"] as? [String: String]
            let schemes: [String: WebSocketURL.Scheme] = ["ws:": .ws, "wss:": .wss, "http:": .http, "https:": .https]
            if let scheme = schemes[wanted?["protocol"] ?? ""] {
                #expect(parsed?.scheme == scheme, "\(text)")
                #expect(parsed.map { GWHTTPTests.text($0.host.bracketed) } == wanted?["hostname"], "\(text)")
            } else {
                #expect(parsed == nil, "\(text)")
            }
            let allowed = try #require(item["allowed"] as? [String: Bool])
            for (name, policy) in policies {
                #expect(parsed.map { policy.allows($0) } ?? false == allowed[name], "\(text) \(name)")
            }
            let trusted = try #require(item["trustedForStoredTokenRetry"] as? [String: Bool])
            for (name, hasPin) in [("withoutPin", false), ("withPin", true)] {
                #expect(NetworkPolicy.isTrustedEndpoint(text.bytes, hasPin: hasPin) == trusted[name], "\(text) \(name)")
                if let parsed {
                    #expect(NetworkPolicy.isTrustedEndpoint(parsed, hasPin: hasPin) == trusted[name], "\(text) \(name)")
                }
            }
        }
    }

    @Test(
        "the edges of each private block",
        arguments: [
            ("9.255.255.255", false), ("172.15.255.255", false), ("172.32.0.0", false), ("192.167.255.255", false),
            ("192.168.0.0", true),
            ("192.168.255.255", true), ("169.253.255.255", false), ("100.63.255.255", false), ("100.128.0.0", false),
            ("fe7f:ffff::", false), ("fe80::", true), ("fbff:ffff::", false), ("fc00::", true), ("fdff:ffff::1", true),
            ("fe00::", false),
            ("::ffff:192.168.1.1", true), ("::ffff:8.8.8.8", false), ("::fffe:10.0.0.1", false), ("fe80::1%eth0", true),
            ("fe80::1%", false),
            ("2001:db8::1", false), ("10.0.0", false), ("010.0.0.1", false), ("[10.0.0.1]", true), ("fec0::1", true),
            ("feff::1", true),
        ])
    func blocks(_ host: String, _ isPrivate: Bool) {
        #expect(NetworkPolicy.isPrivateOrLoopbackHost(host.bytes) == isPrivate)
    }

    @Test(
        "addresses that gateways count as private",
        arguments: [
            ("100::1", true), ("100:0:0:1::1", false), ("2001:2::1", true), ("2001:20::1", true),
            ("2001:2f:ffff::1", true),
            ("2001:db8::1", true), ("2001:1ff::1", true), ("2001:200::1", false), ("2001::1", false),
            ("2001:10::1", false),
            ("2001:3::1", false), ("2001:4:112::1", false), ("::", false), ("ff02::1", false),
            ("64:ff9b::a00:1", false),
            ("::ffff:10.0.0.1", true), ("fd00::1", true),
        ])
    func gatewayBlocks(_ host: String, _ isPrivate: Bool) throws {
        let parsed = try WebSocketURL.parse("ws://[" + host + "]")
        #expect(PlaintextPolicy.gatewayPrivateAndNames.allows(parsed) == isPrivate)
    }

    @Test("TLS is allowed everywhere, and so is everything where the host says so")
    func withoutLimit() throws {
        #expect(PlaintextPolicy.loopback.allows(try WebSocketURL.parse("wss://8.8.8.8")))
        #expect(PlaintextPolicy.any.allows(try WebSocketURL.parse("ws://8.8.8.8")))
        #expect(!PlaintextPolicy.privateNetworkAndNames.allows(try WebSocketURL.parse("http://8.8.8.8")))
    }
}
