import GWBase
import Testing

@testable import GWTLS

@Suite struct Ed25519Tests {
    private struct Identity {
        var key: Ed25519Key
        var entry: [String: Any]
        func value(_ name: String) throws -> String { try #require(entry[name] as? String) }
    }

    private func identities() throws -> [String: Identity] {
        var found: [String: Identity] = [:]
        for entry in try #require(try vectors("openclaw/identities.json")["identities"] as? [[String: Any]]) {
            let seed = bytes(hex: try #require(entry["seedHex"] as? String))
            let key = try seed.withUnsafeBytes { try Ed25519Key.from(seed: $0) }
            found[try #require(entry["name"] as? String)] = Identity(key: key, entry: entry)
        }
        return found
    }

    @Test("Keys from seeds have the encodings and signatures of identities.json")
    func encodings() throws {
        let identities = try identities()
        #expect(identities.count == 3)
        for identity in identities.values {
            let key = identity.key
            #expect(text(hexText(key.publicKey)) == (try identity.value("publicKeyRawHex")))
            #expect(text(Base64.encodeURL(key.publicKey)) == (try identity.value("publicKeyBase64Url")))
            #expect(text(Base64.encode(key.publicKey)) == (try identity.value("publicKeyBase64Padded")))
            #expect(text(hexText(Digest.sha256(key.publicKey))) == (try identity.value("deviceId")))
            #expect(text(key.publicPEM) == (try identity.value("publicKeySpkiPem")))
            var secret = key.privatePEM()
            #expect(text(Array(secret.readable)) == (try identity.value("privateKeyPkcs8Pem")))
            secret.wipe()

            let signature = try key.sign(try identity.value("selfCheckPayload").bytes)
            #expect(text(Base64.encodeURL(signature)) == (try identity.value("selfCheckSignatureBase64Url")))

            let pem = try identity.value("privateKeyPkcs8Pem").bytes
            let read = try pem.withUnsafeBytes { try Ed25519Key.from(pem: $0) }
            #expect(read.publicKey == key.publicKey)
            #expect(text(read.publicPEM) == (try identity.value("publicKeySpkiPem")))
        }
    }

    @Test("Public key texts come down to the raw key (identities.json, publicKeyForms)")
    func publicKeyForms() throws {
        for form in try #require(try vectors("openclaw/identities.json")["publicKeyForms"] as? [[String: Any]]) {
            let key = Ed25519.publicKey(fromText: try #require(form["input"] as? String).bytes)
            #expect(key.map { text(Base64.encodeURL($0)) } == form["normalizedBase64Url"] as? String)
            #expect(key.map { text(hexText(Digest.sha256($0))) } == form["deviceId"] as? String)
        }
    }

    @Test("Payloads are signed and verified as in device-auth.json")
    func payloads() throws {
        let identities = try identities()
        let payloads = try #require(try vectors("openclaw/device-auth.json")["payloads"] as? [[String: Any]])
        #expect(payloads.count > 10)
        for entry in payloads {
            let name = try #require(entry["identity"] as? String)
            let key = try #require(identities[name]).key
            for version in ["v2", "v3"] {
                let payload = try #require(entry["\(version)Payload"] as? String).bytes
                let signature = try #require(entry["\(version)SignatureBase64Url"] as? String)
                #expect(text(hexText(Digest.sha256(payload))) == entry["\(version)PayloadSha256"] as? String)
                #expect(text(Base64.encodeURL(try key.sign(payload))) == signature)

                let raw = try #require(Ed25519.signature(fromText: signature.bytes))
                #expect(Ed25519.verify(raw, over: payload, publicKey: key.publicKey))
                #expect(!Ed25519.verify(raw, over: payload + [0x20], publicKey: key.publicKey))
                var broken = raw
                broken[0] ^= 1
                #expect(!Ed25519.verify(broken, over: payload, publicKey: key.publicKey))
            }
        }
    }

    @Test("An empty message is signed and verified (RFC 8032 section 7.1, test 1)")
    func emptyMessage() throws {
        let seed = bytes(hex: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        let key = try seed.withUnsafeBytes { try Ed25519Key.from(seed: $0) }
        #expect(
            text(hexText(key.publicKey)) == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
        let signature = try key.sign([])
        #expect(text(hexText(signature)).hasPrefix("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065"))
        #expect(Ed25519.verify(signature, over: [], publicKey: key.publicKey))
    }

    @Test("Fresh keys differ")
    func fresh() throws {
        #expect(try Ed25519Key.make().publicKey != Ed25519Key.make().publicKey)
    }

    @Test("Signatures and keys of a wrong size or form are refused, not trapped on")
    func malformed() throws {
        let key = try Ed25519Key.make()
        let signature = try key.sign([1])
        for size in 0...70 where size != 64 {
            let wrong = Array((signature + signature).prefix(size))
            #expect(!Ed25519.verify(wrong, over: [1], publicKey: key.publicKey))
        }
        for size in 0...40 where size != 32 {
            let wrong = Array((key.publicKey + key.publicKey).prefix(size))
            #expect(!Ed25519.verify(signature, over: [1], publicKey: wrong))
            #expect(Ed25519.publicKey(fromText: Base64.encodeURL(wrong)) == nil)
            #expect(throws: Failure.self) { try wrong.withUnsafeBytes { try Ed25519Key.from(seed: $0) } }
        }
        #expect(Ed25519.publicKey(fromText: [UInt8](repeating: 0x41, count: 5000)) == nil)
        #expect(
            Ed25519.publicKey(fromText: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n".bytes) == nil)
        #expect(Ed25519.signature(fromText: "AAAA".bytes) == nil)
    }

    @Test("Keys of another type are no identity")
    func otherType() throws {
        let identity = try SelfSigned.make(names: ["localhost"])
        var pem = identity.key.pem()
        let failure = #expect(throws: Failure.self) { try Ed25519Key.from(pem: pem.readable) }
        #expect(failure?.status == .identity)
        pem.wipe()
        for junk in [
            "", "x", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            let failure = #expect(throws: Failure.self) {
                try junk.bytes.withUnsafeBytes { try Ed25519Key.from(pem: $0) }
            }
            #expect(failure?.status == .identity)
        }
    }

    @Test("A key shows nothing of itself when printed")
    func unprinted() throws {
        let seed = [UInt8](0..<32)
        let key = try seed.withUnsafeBytes { try Ed25519Key.from(seed: $0) }
        #expect("\(key)" == "GWTLS.Ed25519Key")
    }
}
