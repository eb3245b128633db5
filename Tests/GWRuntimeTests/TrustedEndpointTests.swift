import Testing

@testable import GWRuntime

extension RuntimeTests {
    @Suite("Where the stored device token may be tried (openclaw-gateway 5.2)")
    struct TrustedEndpointTests {
        private func isTrusted(_ change: (inout RouteSettings) throws -> Void = { _ in }) throws -> Bool {
            var target = DialSettings.Target()
            target.url = Array("ws://127.0.0.1:18789".utf8)
            var settings = try DialSettings(target)
            try change(&settings.route)
            return settings.isTrustedEndpoint
        }

        @Test("a loopback URL is this machine only as long as the route does not lead elsewhere")
        func routes() throws {
            #expect(try isTrusted())
            #expect(try isTrusted { $0.way = .unix(path: Array("/run/gateway".utf8)) })
            #expect(try !isTrusted { $0.way = .proxy(try .init(Array("http://proxy.example:3128".utf8), caFile: nil)) })
            #expect(try !isTrusted { $0.way = .environment })
            #expect(try !isTrusted { $0.way = .descriptor(3) })
            var elsewhere = DialSettings.Target()
            elsewhere.url = Array("ws://127.0.0.1:18789".utf8)
            let url = try DialSettings(elsewhere).url
            #expect(try !isTrusted { try $0.resolve(url, to: [Array("192.0.2.1".utf8)]) })
        }
    }
}
