import Foundation
import GWBase
import Testing

@Suite("Numbers that the headers promise")
struct StatusTests {
    private static let statuses: [(String, Status)] = [
        ("OK", .ok), ("QUEUED", .queued), ("TIMEOUT", .timeout), ("ERR_ARGUMENT", .argument),
        ("ERR_STRUCT_SIZE", .structSize),
        ("ERR_FLAGS", .flags), ("ERR_GONE", .gone), ("ERR_BUSY", .busy), ("ERR_STATE", .state), ("ERR_FORKED", .forked),
        ("ERR_URL", .url), ("ERR_PLAINTEXT", .plaintext), ("ERR_PIN_TEXT", .pinText), ("ERR_JSON_TEXT", .jsonText),
        ("ERR_IDENTITY", .identity), ("ERR_CERTIFICATE", .certificate), ("ERR_UNSUPPORTED", .unsupported),
        ("ERR_SYSTEM", .system), ("ERR_RESOLVE", .resolve), ("ERR_CONNECT", .connect),
        ("ERR_CONNECT_TIMEOUT", .connectTimeout), ("ERR_LISTEN", .listen), ("ERR_LOST", .lost),
        ("ERR_PROXY", .proxy), ("ERR_PROXY_REFUSED", .proxyRefused), ("ERR_PROXY_TIMEOUT", .proxyTimeout),
        ("ERR_TLS", .tls),
        ("ERR_TLS_PIN", .tlsPin), ("ERR_TLS_CHAIN", .tlsChain), ("ERR_TLS_NAME", .tlsName),
        ("ERR_TLS_EXPIRED", .tlsExpired),
        ("ERR_TLS_ALPN", .tlsALPN), ("ERR_TLS_TIMEOUT", .tlsTimeout), ("ERR_TLS_REFUSED", .tlsRefused),
        ("ERR_UPGRADE_REFUSED", .upgradeRefused),
        ("ERR_UPGRADE_INVALID", .upgradeInvalid), ("ERR_UPGRADE_TIMEOUT", .upgradeTimeout),
        ("ERR_PROTOCOL", .protocolError),
        ("ERR_UTF8", .utf8), ("ERR_TOO_BIG", .tooBig), ("ERR_DEFLATE", .deflate), ("ERR_CLOSED", .closed),
        ("ERR_PONG_TIMEOUT", .pongTimeout), ("ERR_CHALLENGE_TIMEOUT", .challengeTimeout), ("ERR_CHALLENGE", .challenge),
        ("ERR_CONNECT_REJECTED", .connectRejected), ("ERR_PROTOCOL_RANGE", .protocolRange),
        ("ERR_HELLO_TIMEOUT", .helloTimeout), ("ERR_HELLO", .hello), ("ERR_TICK_TIMEOUT", .tickTimeout),
        ("ERR_REJECTED", .rejected), ("ERR_NOT_SENT", .notSent), ("ERR_OUTCOME_UNKNOWN", .outcomeUnknown),
        ("ERR_CALL_TIMEOUT", .callTimeout), ("ERR_JSON", .json), ("ERR_FRAME", .frame), ("ERR_UNKNOWN_ID", .unknownID),
        ("ERR_CANCELLED", .cancelled), ("ERR_CREDENTIALS", .credentials), ("ERR_SIO_OPEN", .sioOpen),
        ("ERR_SIO_PARSE", .sioParse), ("ERR_SIO_PING_TIMEOUT", .sioPingTimeout), ("ERR_SIO_REFUSED", .sioRefused),
        ("ERR_SIO_DISCONNECTED", .sioDisconnected), ("ERR_LIMIT", .limit), ("ERR_FULL", .full),
        ("ERR_INTERNAL", .internal),
    ]

    private static let actors: [(String, Actor)] = [
        ("NONE", .none), ("PROGRAM", .program), ("USER", .user), ("OPERATOR", .operator), ("NETWORK", .network),
    ]

    private func constants(_ pattern: Regex<(Substring, Substring, Substring)>) throws -> [String: Int32] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let header = tests.deletingLastPathComponent().appendingPathComponent("include/gatewire/base.h")
        let text = try String(contentsOf: header, encoding: .utf8)
        return Dictionary(uniqueKeysWithValues: text.matches(of: pattern).map { (String($0.1), Int32($0.2) ?? .min) })
    }

    @Test("each status of base.h is the one of the same name here, and none is missing")
    func statuses() throws {
        let header = try constants(#/\bGW_((?:OK|QUEUED|TIMEOUT|ERR_\w+)) = (-?\d+)/#)
        let ours = Dictionary(uniqueKeysWithValues: StatusTests.statuses.map { ($0.0, $0.1.code) })
        #expect(header == ours)
    }

    @Test("each actor of base.h is the one of the same name here")
    func actors() throws {
        let header = try constants(#/\bGW_ACTOR_(\w+) = (\d+)/#)
        let ours = Dictionary(uniqueKeysWithValues: StatusTests.actors.map { ($0.0, Int32($0.1.rawValue)) })
        #expect(header == ours)
    }
}
