import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Which credentials are presented (openclaw-gateway 5.1)")
struct CredentialChoiceTests {
    /// What a client with these options sends, and the token in its proof.
    private func sent(_ options: [String: Any]) throws -> (params: [String: Any], signer: TestSigner) {
        func option(_ name: String) -> [UInt8] { (options[name] as? String ?? "").bytes }
        let stored = member("storedToken", of: options, as: String.self).map {
            DeviceToken(
                role: "operator".bytes, token: $0.bytes,
                scopes: member("storedScopes", of: options, as: [String].self)?.map(\.bytes) ?? [])
        }
        let given = Credentials(
            token: option("token"), bootstrapToken: option("bootstrapToken"), deviceToken: option("deviceToken"),
            password: option("password"))
        let choice = CredentialChoice(
            given, stored: stored,
            retries: options["pendingRetry"] as? Bool == true && options["trustedEndpoint"] as? Bool == true,
            requestedScopes: member("requestedScopes", of: options, as: [String].self)?.map(\.bytes),
            defaultScopes: ["operator.admin".bytes])
        #expect((choice.storedToken != nil) == (choice.hasDeviceToken && given.deviceToken.isEmpty))
        var connect = ConnectParameters()
        connect.clientVersion = "1".bytes
        let signer = TestSigner(seed: Array(0..<32))
        let challenge = Text(#"{"nonce":"n","ts":1}"#)
        let frame = connect.request(
            id: 1, answering: try #require(Challenge(payload: challenge.scan(), in: challenge.bytes)),
            wallMilliseconds: 0, signer: signer, presenting: choice)
        guard let frame else { throw Failure(.identity, .none, "not signed") }
        return (object(text(frame))["params"] as? [String: Any] ?? [:], signer)
    }

    @Test("each case of the vectors, by the rules of the newest generation")
    func newest() throws {
        for item in try cases("cases", of: "connect-auth.json") {
            let name: String = try required("name", of: item)
            let wanted: [String: Any] = try required("v2026_9_2", of: item)
            let (params, signer) = try sent(try required("options", of: item))
            #expect(canonical(params["auth"] ?? NSNull()) == canonical(wanted["auth"]), "\(name)")
            #expect(canonical(params["scopes"]) == canonical(wanted["scopes"]), "\(name)")

            // What was signed shows in that it can be verified.
            let message = Text(json(params))
            var request = try ConnectRequest(message.scan(), in: message.bytes)
            request.token = member("signatureToken", of: wanted, as: String.self)?.bytes
            let device = try #require(request.device)
            let version = Admission.signedVersion(request, device, device.nonce, signer.key.publicKey, TestVerifier())
            #expect(version == .v3, "\(name)")
        }
    }

    @Test("gateways of every generation find the token that was signed, and a credential that they take for what it is")
    func olderGateways() throws {
        for item in try cases("cases", of: "connect-auth.json") {
            let name: String = try required("name", of: item)
            let (params, signer) = try sent(try required("options", of: item))
            let auth = params["auth"] as? [String: Any] ?? [:]
            // The gateway's rule: the first that is present (4.3).
            let signed = auth["token"] ?? auth["deviceToken"] ?? auth["bootstrapToken"]
            let message = Text(json(params))
            var request = try ConnectRequest(message.scan(), in: message.bytes)
            request.token = (signed as? String ?? "").bytes
            let device = try #require(request.device)
            let version = Admission.signedVersion(request, device, device.nonce, signer.key.publicKey, TestVerifier())
            #expect(version == .v3, "\(name)")

            for generation in ["spring2026", "v2026_7_2"] {
                let old: [String: Any] =
                    try required("auth", of: item[generation] ?? [:], as: Any.self) as? [String: Any] ?? [:]
                // Older clients repeat the device token as the shared one; the bootstrap token was sent beside a password once.
                for (name, value) in auth { #expect(canonical(old[name]) == canonical(value), "\(generation) \(name)") }
                let more = Set(old.keys).subtracting(auth.keys)
                #expect(more.isEmpty || more == ["token"] || more == ["bootstrapToken"], "\(generation) \(name)")
            }
        }
    }

    @Test("without an endpoint that is trusted the stored token is not shown beside a refused one (5.2)")
    func untrusted() throws {
        let options: [String: Any] = [
            "token": "T", "storedToken": "S", "pendingRetry": true, "trustedEndpoint": false,
        ]
        #expect(canonical(try sent(options).params["auth"]) == #"{"token":"T"}"#)
    }
}
