import COpenSSL
import GWBase
import Testing

@testable import GWTLS

@Suite("Trust on first use: the host is asked inside the handshake") struct AskingTests {
    private func asked(_ version: Int32, piece: Int = .max) throws -> Joined {
        var settings = ClientTLSSettings()
        settings.policy.mode = .pin
        settings.policy.asks = true
        let server = try Contexts.server(Contexts.identity())
        #expect(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
        let pair = try Joined(TLSClient(settings), server)
        pair.shake(piece: piece)
        return pair
    }

    @Test(
        "The handshake stops at the certificate, and nothing can be written before the answer",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION], [1, 100, Int.max])
    func stops(version: Int32, piece: Int) throws {
        let pair = try asked(version, piece: piece)
        let question = try #require(pair.clientAction.question)
        #expect(question.status == .tlsPin)
        #expect(text(question.detail).contains("\"wanted\":[]"))
        #expect(!pair.serverAction.isDone)
        #expect(pair.client.write([1])?.status == .state)
        #expect(pair.client.output.count == 0)
        // Asking again changes nothing.
        #expect(pair.client.handshake().question != nil)

        pair.client.answer(isBelieved: true)
        pair.goOn()
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(pair.client.write([1, 2]) == nil)
        #expect(pair.receive(pair.client, pair.server).bytes == [1, 2])
    }

    @Test("What the host refuses ends with a status of its own", arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func refused(version: Int32) throws {
        let pair = try asked(version)
        pair.client.answer(isBelieved: false)
        pair.goOn()
        let failure = try #require(pair.clientAction.failure)
        #expect(failure.status == .tlsRefused)
        #expect(failure.actor == .user)
        #expect(!failure.isRetryable)
        #expect(text(failure.detail).contains("\"seen\""))
        #expect(pair.client.write([1])?.status == .tlsRefused)
        #expect(pair.serverAction.failure?.text.contains("bad certificate") == true)
        pair.client.answer(isBelieved: true)
        #expect(pair.client.handshake().failure?.status == .tlsRefused)
    }

    @Test("Who is believed anyway is not asked about")
    func believed() throws {
        let identity = try Contexts.identity()
        var settings = ClientTLSSettings()
        settings.policy.asks = true
        try settings.pins.add(hexText(identity.certificate.sha256))
        let pair = try Joined(TLSClient(settings), Contexts.server(identity))
        pair.shake()
        #expect(pair.clientAction.isDone)
    }
}
