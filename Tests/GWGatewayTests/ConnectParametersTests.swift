import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("The client's connect request (openclaw-gateway 3.3, 5.1)")
struct ConnectParametersTests {
    private static let hostile = "a\"b\\c\n\u{0}✓"

    private func sent(
        _ connect: ConnectParameters, _ credentials: Credentials = Credentials(), signer: (any DeviceSigner)? = nil
    ) -> [String: Any] {
        var settings = ClientSession.Settings()
        settings.connect = connect
        let end = ClientEnd(settings, credentials: credentials, signer: signer)
        guard case .send(let frame) = end.receive(ClientEnd.challenge) else {
            return [:]
        }
        return object(frame)["params"] as? [String: Any] ?? [:]
    }

    @Test("what is absent is left out: the request fits the oldest schema and our own")
    func closed() throws {
        var connect = ConnectParameters()
        connect.clientVersion = "1".bytes
        let params = sent(connect)
        #expect(Set(params.keys) == ["minProtocol", "maxProtocol", "client", "caps", "role", "scopes"])
        #expect(Set((params["client"] as? [String: Any] ?? [:]).keys) == ["id", "version", "platform", "mode"])
        let message = Text(json(params))
        _ = try ConnectRequest(message.scan(), in: message.bytes)
    }

    @Test("every text is escaped")
    func escaping() {
        var connect = ConnectParameters()
        let hostile = Self.hostile.bytes
        connect.clientVersion = hostile
        connect.displayName = hostile
        connect.platform = hostile
        connect.deviceFamily = hostile
        connect.instanceID = hostile
        connect.role = hostile
        connect.scopes = [hostile, hostile]
        connect.caps = [hostile]
        connect.locale = hostile
        connect.userAgent = hostile
        let credentials = Credentials(
            token: hostile, deviceToken: hostile, password: hostile, approvalRuntimeToken: hostile,
            agentIdentityToken: hostile)
        let params = sent(connect, credentials, signer: TestSigner(seed: Array(0..<32)))
        for name in ["version", "displayName", "platform", "deviceFamily", "instanceId"] {
            #expect(member(name, of: params["client"]) == Self.hostile, "\(name)")
        }
        for name in ["role", "locale", "userAgent"] { #expect(params[name] as? String == Self.hostile, "\(name)") }
        #expect(params["scopes"] as? [String] == [Self.hostile, Self.hostile])
        #expect(params["caps"] as? [String] == [Self.hostile])
        let names = ["token", "deviceToken", "password", "approvalRuntimeToken", "agentRuntimeIdentityToken"]
        for name in names { #expect(member(name, of: params["auth"]) == Self.hostile, "\(name)") }
    }

    @Test("blank credentials are absent, and white space around them is not part of them (5.1)")
    func trimming() {
        let credentials = Credentials(token: " \t".bytes, password: "\u{a0}p w\n".bytes)
        #expect(canonical(sent(ConnectParameters(), credentials)["auth"]) == #"{"password":"p w"}"#)
    }
}
