import COpenSSL
import GWBase
import Testing

@testable import GWTLS

@Suite struct ResumptionTests {
    /// A server that gives tickets, which ours never do.
    private func server(_ identity: TLSIdentity, _ version: Int32) throws -> TLSContext {
        let server = try Contexts.server(identity)
        SSL_CTX_clear_options(server.handle, shim_SSL_OP_NO_TICKET)
        #expect(SSL_CTX_set_num_tickets(server.handle, 1) == 1)
        #expect(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
        return server
    }

    /// Shakes hands and takes what comes behind.
    private func connect(_ client: TLSClient, _ server: TLSContext, name: String = "localhost") throws -> Joined {
        let pair = try Joined(client, server, name: name)
        pair.shake()
        if pair.clientAction.isDone, pair.serverAction.isDone {
            #expect(pair.server.write([7]) == nil)
            #expect(pair.receive(pair.server, pair.client).bytes == [7])
        }
        return pair
    }

    @Test(
        "The last session is resumed, each time, and keeps its certificate",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func resumes(version: Int32) throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try server(identity, version)
        let first = try connect(client, server)
        #expect(!first.client.isResumed)
        #expect(client.keptSession != nil)
        let second = try Joined(client, server)
        #expect(client.keptSession == nil)
        second.shake()
        #expect(second.clientAction.isDone && second.client.isResumed && second.server.isResumed)
        #expect(second.client.peerCertificate?.sha256 == identity.certificate.sha256)
        #expect(second.client.peerChain == identity.certificate.pem)
        #expect(second.server.write([7]) == nil)
        #expect(second.receive(second.server, second.client).bytes == [7])
        let third = try connect(client, server)
        #expect(third.client.isResumed)
    }

    @Test(
        "A session whose certificate the pins of now do not want is not offered",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func judgedAgain(version: Int32) throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try server(identity, version)
        _ = try connect(client, server)
        try client.replace(pins: PinSet([String(repeating: "0", count: 64).bytes]))
        let refused = try connect(client, server)
        #expect(refused.clientAction.failure?.status == .tlsPin)
        #expect(!refused.client.isResumed)
        #expect(refused.client.write([1])?.status == .tlsPin)
    }

    @Test("A session is resumed after a connection that was lost, and not after one that failed")
    func lost() throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try server(identity, TLS1_3_VERSION)
        var pair: Joined? = try connect(client, server)
        pair = nil
        pair = try connect(client, server)
        #expect(pair?.client.isResumed == true)
        pair?.client.supply(copyOf: [UInt8](repeating: 0x17, count: 100)) {
            withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { _ = pair?.client.read(into: $0) }
        }
        #expect(client.keptSession == nil)
    }

    @Test("A session is not offered under another name")
    func otherName() throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try server(identity, TLS1_3_VERSION)
        _ = try connect(client, server)
        let other = try connect(client, server, name: "gateway.example")
        #expect(other.clientAction.isDone && !other.client.isResumed)
    }

    @Test(
        "A server that shows another certificate and cannot resume is judged by that one",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func changedCertificate(version: Int32) throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        _ = try connect(client, try server(identity, version))
        let changed = try connect(client, try server(Contexts.identity(), version))
        #expect(changed.clientAction.failure?.status == .tlsPin)
        #expect(changed.client.write([1])?.status == .tlsPin)
    }

    @Test("Nothing is kept of a session without resumption, nor of one that failed")
    func off() throws {
        let identity = try Contexts.identity()
        var settings = ClientTLSSettings()
        settings.resumes = false
        try settings.pins.add(hexText(identity.certificate.sha256))
        let client = try TLSClient(settings)
        let server = try server(identity, TLS1_3_VERSION)
        _ = try connect(client, server)
        #expect(client.keptSession == nil)
        let wrong = try Contexts.client(pin: Contexts.identity().certificate)
        _ = try connect(wrong, server)
        #expect(wrong.keptSession == nil)
    }
}
