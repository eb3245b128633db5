import COpenSSL
import Foundation
import GWBase
import Testing

@testable import GWTLS

@Suite struct TLSParametersTests {
    private func connect(_ change: (inout ClientTLSSettings) throws -> Void, name: String = "localhost") throws
        -> Joined
    {
        let identity = try Contexts.identity()
        var settings = ClientTLSSettings()
        try settings.pins.add(hexText(identity.certificate.sha256))
        try change(&settings)
        let pair = try Joined(TLSClient(settings), Contexts.server(identity), name: name)
        pair.shake()
        return pair
    }

    @Test("Versions, suites and groups are negotiated as asked")
    func negotiated() throws {
        let old = try connect {
            $0.parameters.greatest = .tls12
            $0.parameters.ciphers = "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
        #expect(old.client.version == "TLSv1.2")
        #expect(old.client.cipher == "ECDHE-ECDSA-CHACHA20-POLY1305")
        let new = try connect {
            $0.parameters.least = .tls13
            $0.parameters.cipherSuites = "TLS_CHACHA20_POLY1305_SHA256"
            $0.parameters.groups = "P-384"
        }
        #expect(new.client.version == "TLSv1.3")
        #expect(new.client.cipher == "TLS_CHACHA20_POLY1305_SHA256")
        #expect(new.client.group == "secp384r1")
        #expect(!new.client.isResumed)
    }

    @Test("What OpenSSL does not know is refused before any connection")
    func unknown() throws {
        for change: (inout TLSParameters) -> Void in [
            { $0.ciphers = "NO-SUCH-CIPHER" }, { $0.cipherSuites = "TLS_NO_SUCH" }, { $0.groups = "no-such-group" },
            { $0.ciphers = "a\0b" },
            {
                $0.least = .tls13; $0.greatest = .tls12
            },
        ] {
            var settings = ClientTLSSettings()
            change(&settings.parameters)
            let failure = #expect(throws: Failure.self) { try TLSClient(settings) }
            #expect(failure?.status == .argument)
        }
    }

    @Test("SNI can be left out or be another name than the one that is verified (RFC 6066 section 3)")
    func indication() throws {
        func hello(_ indication: ServerNameIndication) throws -> String {
            var settings = ClientTLSSettings()
            settings.indication = indication
            let engine = try TLSEngine(client: TLSClient(settings), serverName: "gateway.example")
            _ = engine.handshake()
            return text(hexText(engine.output.readable))
        }
        let verified = text(hexText("gateway.example".bytes))
        let other = text(hexText("front.example".bytes))
        #expect(try hello(.verifiedName).contains(verified))
        #expect(try !hello(.none).contains(verified))
        #expect(try hello(.name("front.example")).contains(other))
        #expect(try !hello(.name("front.example")).contains(verified))
        #expect(throws: Failure.self) { try hello(.name("a name with spaces")) }
    }

    @Test("CA certificates come from a directory and from text, too")
    func authorities() throws {
        let root = try Issuer("root")
        let identity = try root.issue()
        let directory = NSTemporaryDirectory() + "gatewire-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let hash = String(X509_NAME_hash_ex(X509_get_subject_name(root.certificate.handle), nil, nil, nil), radix: 16)
        let name = String(repeating: "0", count: 8 - hash.count) + hash + ".0"
        try Data(root.certificate.pem).write(to: URL(fileURLWithPath: directory + "/" + name))
        for change: (inout Authorities) -> Void in [
            { $0.directory = directory }, { $0.pem = root.certificate.pem },
            {
                $0.pem = root.certificate.pem; $0.withSystem = true
            },
        ] {
            var settings = ClientTLSSettings()
            change(&settings.authorities)
            let pair = try Joined(TLSClient(settings), Contexts.server(identity))
            pair.shake()
            #expect(pair.clientAction.isDone)
        }
        var settings = ClientTLSSettings()
        settings.authorities.pem = "no certificate".bytes
        let failure = #expect(throws: Failure.self) { try TLSClient(settings) }
        #expect(failure?.status == .certificate)
    }

    private final class Lines: KeyLog {
        var lines: [String] = []
        func append(_ line: UnsafeRawBufferPointer) { lines.append(text(line)) }
    }

    @Test("Session secrets go to a key log on request only")
    func keyLog() throws {
        let log = Lines()
        _ = try connect { $0.keyLog = log }
        #expect(log.lines.contains { $0.hasPrefix("CLIENT_TRAFFIC_SECRET_0 ") })
        let count = log.lines.count
        _ = try connect { _ in }
        #expect(log.lines.count == count)
    }

    @Test("A chain above OpenSSL's 100 KiB ends the handshake")
    func hugeChain() throws {
        let issuer = try Issuer()
        let leaf = try issuer.issue()
        let identity = TLSIdentity(
            certificate: leaf.certificate, chain: [Certificate](repeating: issuer.certificate, count: 1000),
            key: leaf.key)
        var settings = ClientTLSSettings()
        try settings.pins.add(hexText(leaf.certificate.sha256))
        let pair = try Joined(TLSClient(settings), Contexts.server(identity))
        pair.shake()
        #expect(pair.clientAction.failure?.status == .tls)
        #expect(pair.client.write([1]) != nil)
    }
}
