import Foundation
import GWBase
import GWGateway
import GWTLS
import Testing

@Suite("Device proofs (openclaw-gateway 4.3, 4.4)")
struct DeviceAuthTests {
    @Test("payloads are built, digested and signed as in the vectors")
    func payloads() throws {
        let identities = try identities()
        for item in try cases("payloads", of: "device-auth.json") {
            let name: String = try required("name", of: item)
            let input: [String: Any] = try required("input", of: item)
            let signer = try #require(identities[member("identity", of: item) ?? ""], "\(name)")
            func field(_ name: String) -> [UInt8] { (member(name, of: input, as: String.self) ?? "").bytes }
            let proof = DeviceAuth(
                deviceID: field("deviceId"), clientID: field("clientId"), clientMode: field("clientMode"),
                role: field("role"), scopes: (member("scopes", of: input, as: [String].self) ?? []).map(\.bytes),
                signedAtMilliseconds: try required("signedAtMs", of: input), token: field("token"),
                nonce: field("nonce"), platform: field("platform"), deviceFamily: field("deviceFamily"))
            #expect(signer.deviceID == field("deviceId"), "\(name)")
            for (version, prefix) in [(DeviceAuth.Version.v2, "v2"), (.v3, "v3")] {
                let payload = proof.payload(version)
                #expect(text(payload) == member("\(prefix)Payload", of: item), "\(name)")
                #expect(text(hexText(Digest.sha256(payload))) == member("\(prefix)PayloadSha256", of: item), "\(name)")
                let signature: String = try required("\(prefix)SignatureBase64Url", of: item)
                #expect(signer.sign(payload).map { text($0) } == signature, "\(name)")
                let isValid = TestVerifier().isSignature(signature.bytes, over: payload, by: signer.key.publicKey)
                #expect(isValid, "\(name)")
            }
        }
    }

    @Test("a gateway's verdict on each proof of the vectors")
    func verification() throws {
        for item in try cases("verification", of: "device-auth.json") {
            let name: String = try required("name", of: item)
            var params: [String: Any] = try required("connect", of: item)
            params["minProtocol"] = 3
            params["maxProtocol"] = 4
            let wall: UInt64 = try required("serverNowMs", of: item)
            let nonce: String = try required("challengeNonce", of: item)
            let wanted: [String: Any] = try required("expect", of: item)

            let message = Text(json(params))
            let request = try ConnectRequest(message.scan(), in: message.bytes)
            let admission = Admission(policy: Admission.Policy(), verifier: TestVerifier())
            let verdict = admission.decide(request, nonce: nonce.bytes, isLoopback: true, wallMilliseconds: wall)
            switch verdict {
            case .admitted:
                #expect(member("ok", of: wanted) == true, "\(name)")
                let device = try #require(request.device)
                let key = try #require(TestVerifier().publicKey(device.publicKey))
                let version = Admission.signedVersion(
                    request, device, DeviceAuth.trimmed(device.nonce), key, TestVerifier())
                #expect(version.map { "\($0)" } == member("payloadVersion", of: wanted), "\(name)")
            case .refused(let refusal):
                #expect(member("ok", of: wanted) == false, "\(name)")
                #expect(text(refusal.rejection.code) == member("errorCode", of: wanted), "\(name)")
                #expect(text(refusal.rejection.message) == member("message", of: wanted), "\(name)")
                #expect(canonical(json: text(refusal.rejection.details)) == canonical(wanted["details"]), "\(name)")
                #expect(refusal.closeCode == member("closeCode", of: wanted), "\(name)")
                #expect(text(refusal.closeReason) == member("closeReason", of: wanted), "\(name)")
            }
        }
    }

    @Test("white space is what trim of ECMAScript takes, and nothing else")
    func trimming() {
        let spaces = [
            "\t", "\n", "\u{b}", "\u{c}", "\r", " ", "\u{a0}", "\u{1680}", "\u{2000}", "\u{200a}", "\u{2028}",
            "\u{2029}",
            "\u{202f}", "\u{205f}", "\u{3000}", "\u{feff}",
        ]
        for space in spaces {
            #expect(DeviceAuth.trimmed((space + "a" + space).bytes) == "a".bytes)
            #expect(DeviceAuth.trimmed((space + space).bytes).isEmpty)
            #expect(DeviceAuth.trimmed("a\(space)b".bytes) == "a\(space)b".bytes)
        }
        for other in ["\u{0}", "\u{1f}", "\u{85}", "\u{180e}", "\u{200b}", "\u{2060}", "\u{fffd}"] {
            #expect(DeviceAuth.trimmed(other.bytes) == other.bytes)
        }
    }

    @Test("bytes that are no UTF-8 are trimmed without reading past their end")
    func trimmingBrokenText() {
        var random = Seeded(1)
        let alphabet: [UInt8] = [0x20, 0x80, 0x81, 0x9a, 0x9f, 0xa0, 0xbb, 0xbf, 0xc2, 0xe1, 0xe2, 0xe3, 0xef, 0x61]
        for _ in 0..<20_000 {
            let text = (0..<random.below(8)).map { _ in alphabet[random.below(alphabet.count)] }
            let trimmed = DeviceAuth.trimmed(text)
            #expect(trimmed.count <= text.count)
            #expect(DeviceAuth.trimmed(trimmed) == trimmed)
        }
    }

    @Test("only A to Z are lowercased in signed metadata")
    func lowercasing() {
        #expect(DeviceAuth.normalized(" İMac ÄÖ Z\u{212a} ".bytes) == "İmac ÄÖ z\u{212a}".bytes)
    }
}
