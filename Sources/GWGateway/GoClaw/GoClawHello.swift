import GWBase
import GWJSON

extension Hello {
    /// Reads the answer to a connect request that a GoClaw gateway has granted; nil if it names no role.
    init?(goClaw payload: JSONSlice?, in text: UnsafeRawBufferPointer) {
        guard let payload, payload.kind == .object, let role = Hello.text("role", of: payload, in: text),
            !role.isEmpty
        else { return nil }
        protocolVersion = GoClaw.protocolVersion
        connectionID = []
        serverVersion = []
        if let server = JSON.member("server", of: payload, in: text) {
            serverVersion = Hello.text("version", of: server, in: text) ?? []
        }
        self.role = role
        scopes = nil
        deviceTokens = []
        tickMilliseconds = 0
        maxPayloadBytes = GoClaw.messageBytes
        redacted = Array(payload.bytes(in: text))
        goClaw = GoClawTerms(
            userID: Hello.text("user_id", of: payload, in: text) ?? [],
            namesEdition: JSON.member("edition", of: payload, in: text) != nil)
    }

    private static func text(
        _ name: StaticString, of object: JSONSlice, in text: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        guard let value = JSON.member(name, of: object, in: text) else { return nil }
        return JSON.string(value, in: text)
    }
}

/// What only a GoClaw gateway's hello says.
public struct GoClawTerms {
    /// Whom the gateway takes the client for.
    public var userID: [UInt8]
    /// Since 15 April 2026.
    var namesEdition: Bool
}
