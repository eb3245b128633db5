import Foundation
import GWBase
import Testing

@testable import GWTLS

@Suite struct SelfSignedTests {
    @Test("The certificate names what it was made for, and no two are alike")
    func names() throws {
        let first = try SelfSigned.make(names: ["gateway.example", "10.1.2.3", "fe80::1"]).certificate
        #expect(first.subject == "CN=gateway.example")
        #expect(first.issuer == first.subject)
        #expect(first.alternativeNames == "DNS:gateway.example, IP Address:10.1.2.3, IP Address:FE80:0:0:0:0:0:0:1")
        #expect(first.sha256.count == 32)
        #expect(first.keySHA256.count == 32)
        let second = try SelfSigned.make(names: ["gateway.example", "10.1.2.3", "fe80::1"]).certificate
        #expect(first.sha256 != second.sha256)
        #expect(first.keySHA256 != second.keySHA256)
    }

    @Test("Names longer than a subject holds are made all the same")
    func longName() throws {
        let name = Array(repeating: String(repeating: "a", count: 60), count: 4).joined(separator: ".")
        #expect(try SelfSigned.make(names: [name]).certificate.alternativeNames == "DNS:" + name)
    }

    @Test(
        "What is no name is refused",
        arguments: ["", " ", "a,IP:1.2.3.4", "a b", "a\0", "ä.example", ".", "a..b", "1.2.3.4/24"])
    func badNames(name: String) {
        let failure = #expect(throws: Failure.self) { try SelfSigned.make(names: ["localhost", name]) }
        #expect(failure?.status == .argument)
    }

    @Test("At least one name is needed")
    func noName() {
        #expect(throws: Failure.self) { try SelfSigned.make(names: []) }
    }
}

@Suite struct CertificateFilesTests {
    private func secret(_ key: PrivateKey) -> [UInt8] {
        var buffer = key.pem()
        defer { buffer.wipe() }
        return Array(buffer.readable)
    }

    private func failure(_ certificate: String, _ key: String) -> Failure? {
        #expect(throws: Failure.self) { try CertificateFiles.load(certificateFile: certificate, keyFile: key) }
    }

    @Test("Chain and key are read from two files or from one")
    func load() throws {
        let leaf = try Contexts.identity()
        let other = try Contexts.identity()
        let chain = try TemporaryFile(leaf.certificate.pem + other.certificate.pem)
        let key = try TemporaryFile(secret(leaf.key))
        let loaded = try CertificateFiles.load(certificateFile: chain.path, keyFile: key.path)
        #expect(loaded.certificate.sha256 == leaf.certificate.sha256)
        #expect(loaded.chain.map(\.sha256) == [other.certificate.sha256])

        let both = try TemporaryFile(secret(leaf.key) + leaf.certificate.pem)
        let context = try TLSContext(server: ServerTLSSettings(certificateFile: both.path, keyFile: both.path))
        #expect(context.certificate?.pem == leaf.certificate.pem)
        let pair = try Joined(Contexts.client(pin: leaf.certificate), context)
        pair.shake()
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
    }

    @Test("Files that are missing, empty, broken or of another kind are told by name and reason")
    func refused() throws {
        let identity = try Contexts.identity()
        let certificate = try TemporaryFile(identity.certificate.pem)
        let key = try TemporaryFile(secret(identity.key))
        let empty = try TemporaryFile([])
        let broken = try TemporaryFile("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".bytes)
        let missing = "/nonexistent/certificate.pem"

        let cases: [(String, String, String, String)] = [
            (missing, key.path, missing, "No such file or directory"),
            (certificate.path, missing, missing, "No such file or directory"),
            (empty.path, key.path, empty.path, "no PEM certificate"),
            (key.path, key.path, key.path, "no PEM certificate"),
            (broken.path, key.path, broken.path, "certificate 1"),
            (certificate.path, certificate.path, certificate.path, "no PEM private key"),
            (certificate.path, empty.path, empty.path, "no PEM private key"),
            ("/tmp/a\0b", key.path, "/tmp/a?b", "bad name"),
        ]
        for (certificateFile, keyFile, path, reason) in cases {
            let failure = failure(certificateFile, keyFile)
            #expect(failure?.status == .certificate)
            #expect(failure?.text.contains(path) == true, "\(failure?.text ?? "")")
            #expect(failure?.text.contains(reason) == true, "\(failure?.text ?? "")")
        }
    }

    @Test("A key of another certificate is told as that")
    func mismatch() throws {
        let certificate = try TemporaryFile(try Contexts.identity().certificate.pem)
        let key = try TemporaryFile(secret(try Contexts.identity().key))
        let failure = failure(certificate.path, key.path)
        #expect(failure?.status == .certificate)
        #expect(failure?.text.contains("does not belong to the certificate of CN=localhost") == true)
    }

    @Test("An encrypted key is told as that, and nobody is asked for a password")
    func encrypted() throws {
        // openssl genpkey -algorithm ed25519 -aes-128-cbc -pass pass:secret
        let pem = """
            -----BEGIN ENCRYPTED PRIVATE KEY-----
            MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh9Q+MTRZNKBwICCAAw
            DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEELxuUvuaAbkKFrAMEZwMi2oEQInF
            3WKUDQ3oDbhe9qY6+di3DBz4U/w+I2pjNi4T987eGAu/hJHm7NCMevCvuZH5v7YY
            nisyYGSdEAuxSGy9llM=
            -----END ENCRYPTED PRIVATE KEY-----
            """
        let certificate = try TemporaryFile(try Contexts.identity().certificate.pem)
        let key = try TemporaryFile(pem.bytes)
        let failure = failure(certificate.path, key.path)
        #expect(failure?.text.contains("encrypted") == true, "\(failure?.text ?? "")")
    }

    @Test("A CA file that cannot be used is told by name")
    func authorities() throws {
        let empty = try TemporaryFile("nothing".bytes)
        for path in ["/nonexistent/ca.pem", empty.path, "/tmp/a\0b", ""] {
            var settings = ClientTLSSettings()
            settings.authorities.file = path
            let failure = #expect(throws: Failure.self) { try TLSClient(settings) }
            #expect(failure?.status == .certificate)
            #expect(failure?.text.contains("the CA file") == true)
        }
    }
}
