import COpenSSL
import Foundation
import GWBase
import Testing

@testable import GWTLS

@Suite struct ClientCertificateTests {
    private let authority: Issuer
    private let file: TemporaryFile

    init() throws {
        authority = try Issuer("client CA")
        file = try TemporaryFile(authority.certificate.pem)
    }

    private func connect(
        showing identity: TLSIdentity?, isRequired: Bool = true, toOther isOther: Bool = false
    ) throws -> Joined {
        let shown = try Contexts.identity()
        var serving = ServerTLSSettings(identity: shown)
        serving.clientAuthorities = file.path
        serving.requiresCertificates = isRequired
        var settings = ClientTLSSettings()
        settings.identity = identity
        try settings.pins.add(hexText(shown.certificate.sha256))
        let pair = try Joined(TLSClient(settings), TLSContext(server: serving), showsIdentity: !isOther)
        pair.shake()
        return pair
    }

    @Test("A client certificate of the CA is let in, and the server knows it")
    func shown() throws {
        let identity = try authority.issue(["device-7"])
        let pair = try connect(showing: identity)
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(pair.server.peerCertificate?.sha256 == identity.certificate.sha256)
        #expect(pair.server.peerCertificate?.subject == "CN=device-7")
    }

    @Test("A server that it is not meant for, behind a redirect, is not shown the certificate")
    func otherOrigin() throws {
        let pair = try connect(showing: authority.issue(["device-7"]), isRequired: false, toOther: true)
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(pair.server.peerCertificate == nil)
    }

    @Test("Without one nobody is let in where it is required, and everybody where it is not")
    func missing() throws {
        let refused = try connect(showing: nil)
        #expect(refused.serverAction.failure?.status == .tlsChain)
        #expect(refused.serverAction.failure?.text.contains("showed no certificate") == true)
        let optional = try connect(showing: nil, isRequired: false)
        #expect(optional.serverAction.isDone)
        #expect(optional.server.peerCertificate == nil)
    }

    @Test("One of another CA is refused, also where none is required", arguments: [true, false])
    func foreign(isRequired: Bool) throws {
        let pair = try connect(showing: Issuer("other").issue(["device-7"]), isRequired: isRequired)
        #expect(pair.serverAction.failure?.status == .tlsChain)
        #expect(pair.serverAction.failure?.actor == .user)
    }

    private func secret(_ text: String) -> Secret { text.bytes.withUnsafeBytes { Secret(copying: $0) } }

    /// The key of an identity, encrypted as `openssl pkcs8` does.
    private func encrypted(_ key: PrivateKey, _ passphrase: String) -> [UInt8] {
        printedText {
            PEM_write_bio_PKCS8PrivateKey(
                $0, key.handle, EVP_aes_256_cbc(), passphrase, Int32(passphrase.utf8.count), nil, nil)
        } ?? []
    }

    @Test("An encrypted key is read with its passphrase, which no error repeats")
    func passphrase() throws {
        let identity = try authority.issue()
        let certificate = try TemporaryFile(identity.certificate.pem)
        let key = try TemporaryFile(encrypted(identity.key, "correct horse"))
        let loaded = try CertificateFiles.load(
            certificateFile: certificate.path, keyFile: key.path, passphrase: secret("correct horse"))
        #expect(EVP_PKEY_eq(loaded.key.handle, identity.key.handle) == 1)
        let wrong = #expect(throws: Failure.self) {
            try CertificateFiles.load(
                certificateFile: certificate.path, keyFile: key.path, passphrase: secret("battery staple"))
        }
        #expect(wrong?.status == .certificate)
        #expect(wrong?.text.contains("passphrase is wrong") == true)
        #expect(wrong?.text.contains("battery") == false)
        let long = #expect(throws: Failure.self) {
            try CertificateFiles.load(
                certificateFile: certificate.path, keyFile: key.path,
                passphrase: secret(String(repeating: "x", count: 5000)))
        }
        #expect(long?.text.contains("too long") == true)
        let none = #expect(throws: Failure.self) {
            try CertificateFiles.load(certificateFile: certificate.path, keyFile: key.path)
        }
        #expect(none?.text.contains("no passphrase") == true)
    }

    @Test("PKCS #12 gives key, certificate and chain (RFC 7292)")
    func pkcs12() throws {
        let identity = try authority.issue()
        // Outside of the macro, which would let the C texts go too early.
        let created = PKCS12_create(
            "correct horse", "name", identity.key.handle, identity.certificate.handle, nil, 0, 0, 2048, 2048, 0)
        let made = try #require(created)
        defer { PKCS12_free(made) }
        let file = try TemporaryFile(derBytes { i2d_PKCS12(made, $0) })
        let loaded = try CertificateFiles.load(pkcs12: file.path, passphrase: secret("correct horse"))
        #expect(loaded.certificate.sha256 == identity.certificate.sha256)
        #expect(EVP_PKEY_eq(loaded.key.handle, identity.key.handle) == 1)
        let wrong = #expect(throws: Failure.self) {
            try CertificateFiles.load(pkcs12: file.path, passphrase: secret("battery staple"))
        }
        #expect(wrong?.status == .certificate)
        #expect(wrong?.text.contains("battery") == false)
        let garbage = try TemporaryFile("no such thing".bytes)
        let none = #expect(throws: Failure.self) { try CertificateFiles.load(pkcs12: garbage.path, passphrase: nil) }
        #expect(none?.text.contains("no PKCS #12 file") == true)
    }
}
