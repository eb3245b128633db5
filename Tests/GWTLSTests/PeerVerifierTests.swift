import COpenSSL
import Foundation
import GWBase
import Testing

@testable import GWTLS

@Suite struct PeerVerifierTests {
    private let day = 86_400

    private func shaken(_ client: TLSClient, _ identity: TLSIdentity, name: String = "localhost") throws -> Joined {
        let pair = try Joined(client, Contexts.server(identity), name: name)
        pair.shake()
        return pair
    }

    @Test("With a pin neither chain nor name nor dates count")
    func pinAlone() throws {
        let old = try SelfSigned.make(names: ["elsewhere.example"], notBefore: -2 * day, notAfter: -day)
        let pair = try shaken(try Contexts.client(pin: old.certificate), old, name: "gateway.example")
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
    }

    @Test("One of several pins is enough")
    func severalPins() throws {
        let identity = try Contexts.identity()
        var settings = ClientTLSSettings()
        try settings.pins.add(String(repeating: "00", count: 32))
        try settings.pins.add(hexText(identity.certificate.sha256))
        #expect(try shaken(try TLSClient(settings), identity).clientAction.isDone)
    }

    @Test(
        "A certificate that matches no pin ends the handshake before one application byte",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func pinMismatch(version: Int32) throws {
        let identity = try Contexts.identity()
        let other = try Contexts.identity()
        let server = try Contexts.server(identity)
        #expect(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
        let pair = try Joined(Contexts.client(pin: other.certificate), server)
        pair.shake()
        let failure = try #require(pair.clientAction.failure)
        let seen = text(hexText(identity.certificate.sha256))
        let wanted = text(hexText(other.certificate.sha256))
        #expect(failure.status == .tlsPin)
        #expect(failure.actor == .user)
        #expect(!failure.isRetryable)
        #expect(failure.text.contains(seen) && failure.text.contains(wanted))
        let detail = try #require(try JSONSerialization.jsonObject(with: Data(failure.detail)) as? [String: Any])
        #expect(detail["seen"] as? [String] == [seen])
        #expect(detail["seenKey"] as? [String] == [text(hexText(identity.certificate.keySHA256))])
        #expect(detail["wanted"] as? [String] == [wanted])
        #expect(detail["chain"] as? String == "self-signed certificate")

        #expect(pair.client.write([1, 2, 3])?.status == .tlsPin)
        #expect(pair.client.output.count == 0)
        let atServer = try #require(pair.serverAction.failure)
        #expect(atServer.text.contains("alert 42 (bad certificate)"))
        var room = [UInt8](repeating: 0, count: 100)
        #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.count == nil)
    }

    @Test("The detail of a mismatch says ok if the CA check would have passed")
    func pinMismatchTrusted() throws {
        let identity = try Contexts.identity()
        let file = try TemporaryFile(identity.certificate.pem)
        var settings = ClientTLSSettings()
        settings.authorities.file = file.path
        try settings.pins.add(String(repeating: "11", count: 32))
        let failure = try #require(try shaken(try TLSClient(settings), identity).clientAction.failure)
        #expect(failure.status == .tlsPin)
        #expect(text(failure.detail).hasSuffix("\"chain\":\"ok\"}"))
    }

    @Test(
        "The PEM of a self-signed certificate serves as CA file",
        arguments: ["localhost", "127.0.0.1", "::1", "[::1]", "LOCALHOST", "localhost."])
    func ownCA(name: String) throws {
        let identity = try Contexts.identity()
        let pair = try shaken(try Contexts.client(trusting: identity.certificate), identity, name: name)
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
    }

    @Test("Without pin a certificate of no known CA is refused")
    func untrusted() throws {
        let identity = try Contexts.identity()
        let pair = try shaken(try TLSClient(ClientTLSSettings()), identity)
        let failure = try #require(pair.clientAction.failure)
        #expect(failure.status == .tlsChain)
        #expect(failure.actor == .user)
        #expect(!failure.isRetryable)
        #expect(failure.text.contains("CN=localhost"))
        #expect(failure.text.contains("self-signed"))
        #expect(pair.serverAction.failure?.text.contains("unknown CA") == true)
    }

    @Test(
        "A certificate for another name or address is refused with both (RFC 9525)",
        arguments: ["gateway.example", "127.0.0.2", "::2", "sub.localhost"])
    func wrongName(name: String) throws {
        let identity = try Contexts.identity()
        let failure = try #require(
            try shaken(try Contexts.client(trusting: identity.certificate), identity, name: name).clientAction.failure)
        #expect(failure.status == .tlsName)
        #expect(failure.actor == .operator)
        #expect(failure.text.contains(name))
        #expect(failure.text.contains("DNS:localhost"))
        #expect(failure.text.contains("127.0.0.1"))
    }

    @Test("The common name is no host name, and a wildcard is one whole label (RFC 9525 sections 2 and 6.3)")
    func commonName() throws {
        let identity = try SelfSigned.make(names: ["*.gateway.example"])
        let client = try Contexts.client(trusting: identity.certificate)
        #expect(try shaken(client, identity, name: "a.gateway.example").clientAction.isDone)
        #expect(try shaken(client, identity, name: "a.b.gateway.example").clientAction.failure?.status == .tlsName)
        #expect(try shaken(client, identity, name: "gateway.example").clientAction.failure?.status == .tlsName)

        // The subject is the first name, here an address that stands as such in no DNS name.
        let byAddress = try SelfSigned.make(names: ["10.0.0.1", "other.example"])
        let trusting = try Contexts.client(trusting: byAddress.certificate)
        #expect(try shaken(trusting, byAddress, name: "10.0.0.1").clientAction.isDone)
        #expect(try shaken(trusting, byAddress, name: "10.0.0.2").clientAction.failure?.status == .tlsName)
    }

    @Test("An expired certificate is refused with its date")
    func expired() throws {
        let old = try SelfSigned.make(names: ["localhost"], notBefore: -2 * day, notAfter: -day)
        let failure = try #require(try shaken(try Contexts.client(trusting: old.certificate), old).clientAction.failure)
        #expect(failure.status == .tlsExpired)
        #expect(failure.actor == .operator)
        #expect(!failure.isRetryable)
        #expect(failure.text.contains(old.certificate.notAfter))
    }

    @Test("A certificate that is not yet valid is refused, and waiting can help")
    func notYetValid() throws {
        let early = try SelfSigned.make(names: ["localhost"], notBefore: day, notAfter: 2 * day)
        let failure = try #require(
            try shaken(try Contexts.client(trusting: early.certificate), early).clientAction.failure)
        #expect(failure.status == .tlsExpired)
        #expect(failure.isRetryable)
        #expect(failure.text.contains(early.certificate.notBefore))
    }

    @Test(
        "A server name that is none is refused before the handshake",
        arguments: ["", "a b", "a\0b", "a..b", "-\n", "[::1", "x/y"])
    func serverNames(name: String) throws {
        let context = try TLSClient(ClientTLSSettings())
        let failure = #expect(throws: Failure.self) { try TLSEngine(client: context, serverName: name) }
        #expect(failure?.status == .argument)
    }

    @Test("SNI is sent for names and not for addresses (RFC 6066 section 3)")
    func serverNameIndication() throws {
        let context = try TLSClient(ClientTLSSettings())
        for (name, isSent) in [("gateway.example", true), ("10.20.30.40", false), ("fe80::1", false)] {
            let engine = try TLSEngine(client: context, serverName: name)
            _ = engine.handshake()
            let hello = Array(engine.output.readable)
            #expect(text(hexText(hello)).contains(text(hexText(name.bytes))) == isSent)
        }
    }
}

@Suite struct ApplicationProtocolTests {
    private func offer(_ list: [UInt8]?) throws -> Joined {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        if let list {
            #expect(SSL_CTX_set_alpn_protos(client.context.handle, list, UInt32(list.count)) == 0)
        } else {
            #expect(SSL_CTX_set_alpn_protos(client.context.handle, nil, 0) == 0)
        }
        let pair = try Joined(client, Contexts.server(identity))
        pair.shake()
        return pair
    }

    @Test("A server selects http/1.1 wherever it stands in the list (RFC 7301 section 3.2)")
    func selected() throws {
        let pair = try offer([2] + "h2".bytes + [8] + "http/1.1".bytes)
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(text(pair.server.applicationProtocol) == "http/1.1")
    }

    @Test("A client that offers nothing is served")
    func nothingOffered() throws {
        let pair = try offer(nil)
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(pair.client.applicationProtocol.isEmpty)
    }

    @Test("A client that offers only other protocols gets no_application_protocol (RFC 7301 section 3.2)")
    func refused() throws {
        let pair = try offer([2] + "h2".bytes + [8] + "http/1.0".bytes)
        #expect(pair.serverAction.failure?.status == .tlsALPN)
        #expect(pair.clientAction.failure?.status == .tlsALPN)
        #expect(pair.clientAction.failure?.text.contains("no_application_protocol") == true)
    }

    @Test("A server that selects what was not offered is refused before one application byte")
    func unasked() throws {
        let identity = try Contexts.identity()
        let server = try Contexts.server(identity)
        SSL_CTX_set_alpn_select_cb(
            server.handle,
            { _, selected, size, _, _, _ in
                let name: StaticString = "h2"
                selected?.pointee = name.utf8Start
                size?.pointee = 2
                return SSL_TLSEXT_ERR_OK
            }, nil)
        let pair = try Joined(Contexts.client(pin: identity.certificate), server)
        pair.shake()
        #expect(pair.clientAction.failure?.status == .tlsALPN)
        #expect(pair.clientAction.failure?.text.contains("only http/1.1 was offered") == true)
        #expect(pair.client.write([1])?.status == .tlsALPN)
    }
}
