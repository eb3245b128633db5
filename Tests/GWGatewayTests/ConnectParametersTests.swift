import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("The client's connect request (openclaw-gateway 3.3, 5.1)")
struct ConnectParametersTests {
    private static let hostile = "a\"b\\c\n\u{0}✓"

    private func sent(_ connect: ConnectParameters, signer: (any DeviceSigner)? = nil) -> [String: Any] {
        var settings = ClientSession.Settings()
        settings.connect = connect
        guard case .send(let frame) = ClientEnd(settings, signer: signer).receive(ClientEnd.challenge) else {
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
        connect.credentials = Credentials(token: hostile, password: hostile)
        let params = sent(connect, signer: TestSigner(seed: Array(0..<32)))
        for name in ["version", "displayName", "platform", "deviceFamily", "instanceId"] {
            #expect(member(name, of: params["client"]) == Self.hostile, "\(name)")
        }
        for name in ["role", "locale", "userAgent"] { #expect(params[name] as? String == Self.hostile, "\(name)") }
        #expect(params["scopes"] as? [String] == [Self.hostile, Self.hostile])
        #expect(params["caps"] as? [String] == [Self.hostile])
        #expect(member("token", of: params["auth"]) == Self.hostile)
        #expect(member("password", of: params["auth"]) == Self.hostile)
    }

    @Test("token and password as in the vectors; other credentials are not chosen here")
    func credentials() throws {
        for item in try cases("cases", of: "connect-auth.json") {
            let options: [String: Any] = try required("options", of: item)
            guard Set(options.keys).isSubset(of: ["token", "password", "trustedEndpoint"]) else { continue }
            let name: String = try required("name", of: item)
            let wanted: [String: Any] = try required("v2026_9_2", of: item)
            func option(_ name: String) -> [UInt8] { (options[name] as? String ?? "").bytes }
            var connect = ConnectParameters()
            connect.clientVersion = "1".bytes
            connect.credentials = Credentials(token: option("token"), password: option("password"))
            let signer = TestSigner(seed: Array(0..<32))
            let params = sent(connect, signer: signer)
            #expect(canonical(params["auth"] ?? NSNull()) == canonical(wanted["auth"]), "\(name)")

            // What was signed shows in that it can be verified.
            let message = Text(json(params))
            var request = try ConnectRequest(message.scan(), in: message.bytes)
            request.token = member("signatureToken", of: wanted, as: String.self)?.bytes
            let device = try #require(request.device)
            let version = Admission.signedVersion(request, device, device.nonce, signer.key.publicKey, TestVerifier())
            #expect(version == .v3, "\(name)")
        }
    }

    @Test("blank credentials are absent, and white space around them is not part of them (5.1)")
    func trimming() {
        var connect = ConnectParameters()
        connect.credentials = Credentials(token: " \t".bytes, password: "\u{a0}p w\n".bytes)
        #expect(canonical(sent(connect)["auth"]) == #"{"password":"p w"}"#)
    }
}
