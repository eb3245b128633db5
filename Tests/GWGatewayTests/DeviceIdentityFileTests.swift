import Foundation
import GWBase
import GWGateway
import GWTLS
import Testing

@Suite("Identity files (openclaw-gateway 4.2)")
struct DeviceIdentityFileTests {
    /// The key of a file and whether a gateway's own tools would write it anew; nil if there is no key to use.
    private func read(_ fileText: String) -> (key: Ed25519Key, rewrites: Bool)? {
        let file = Text(fileText)
        let key: Ed25519Key?
        let stated: [UInt8]?
        let statedID: [UInt8]
        var isOldForm = false
        switch DeviceIdentityFile.read(file.bytes) {
        case .pem(let privateKey, let publicKey, let deviceID):
            key = try? privateKey.withUnsafeBytes { try Ed25519Key.from(pem: $0) }
            stated = Ed25519.publicKey(fromText: publicKey)
            statedID = deviceID
        case .raw(let privateKey, let publicKey, let deviceID):
            let seed = Base64.decode(privateKey) ?? []
            key = try? seed.withUnsafeBytes { try Ed25519Key.from(seed: $0) }
            stated = Ed25519.publicKey(fromText: publicKey)
            statedID = deviceID
            isOldForm = true
        case .unknown(let why):
            #expect(!why.isEmpty)
            return nil
        }
        guard let key, key.publicKey == stated else { return nil }
        return (key, isOldForm || statedID != hexText(Digest.sha256(key.publicKey)))
    }

    @Test("each file of the vectors gives its identity or none")
    func files() throws {
        for item in try cases("identityFileCases", of: "identities.json") {
            // Making a file where there is none is the store's work.
            guard let fileText: String = member("fileText", of: item) else { continue }
            let name: String = try required("name", of: item)
            let wanted: [String: Any] = try required("expect", of: item)
            let found = read(fileText)
            let isIdentity = member("kind", of: wanted) == "identity"
            #expect((found != nil) == isIdentity, "\(name)")
            let id = found.map { text(hexText(Digest.sha256($0.key.publicKey))) }
            #expect(id == member("deviceId", of: wanted), "\(name)")
            if let found { #expect(found.rewrites == member("rewritesFile", of: item), "\(name)") }
        }
    }

    @Test("the identities of the vectors are read and written byte for byte")
    func roundTrip() throws {
        for item in try cases("identities", of: "identities.json") {
            let name: String = try required("name", of: item)
            let fileText: String = try required("identityFileText", of: item)
            let found = try #require(read(fileText), "\(name)")
            #expect(!found.rewrites, "\(name)")

            var pem = found.key.privatePEM()
            let created: UInt64 = try required("createdAtMs", of: object(fileText))
            let written = DeviceIdentityFile.write(
                deviceID: hexText(Digest.sha256(found.key.publicKey)), publicKeyPEM: found.key.publicPEM,
                privateKeyPEM: pem.readable, createdAtMilliseconds: created)
            #expect(text(written) == fileText, "\(name)")
            pem.wipe()

            let old = try #require(read(json(item["legacySwiftIdentity"] ?? "")), "\(name)")
            #expect(old.key.publicKey == found.key.publicKey && old.rewrites, "\(name)")
        }
    }

    @Test(
        "what is no identity file is unknown, and the reason holds nothing of it but its version",
        arguments: [
            "", "null", "[]", "7", "{}", #"{"version":1}"#, #"{"version":"1","publicKeyPem":"SECRET"}"#,
            #"{"version":1,"publicKeyPem":"SECRET","privateKeyPem":7}"#, #"{"version":null,"privateKey":"SECRET"}"#,
            #"{"privateKey":"SECRET"}"#, #"{"publicKey":"SECRET","privateKey":null}"#, #"{"version":1.5}"#,
        ])
    func unknown(_ fileText: String) {
        let file = Text(fileText)
        guard case .unknown(let why) = DeviceIdentityFile.read(file.bytes) else {
            Issue.record("read as an identity")
            return
        }
        #expect(!why.isEmpty && !why.contains("SECRET"))
    }
}
