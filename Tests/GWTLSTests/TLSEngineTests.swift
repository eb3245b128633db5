import COpenSSL
import GWBase
import Testing

@testable import GWTLS

@Suite struct TLSEngineTests {
    private func joined() throws -> Joined {
        let identity = try Contexts.identity()
        return try Joined(Contexts.client(pin: identity.certificate), Contexts.server(identity))
    }

    private func ready() throws -> Joined {
        let pair = try joined()
        pair.shake()
        try #require(pair.clientAction.isDone && pair.serverAction.isDone)
        return pair
    }

    private func message(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    @Test("A handshake ends with TLS 1.3, http/1.1 and the server's certificate")
    func handshake() throws {
        let pair = try ready()
        for engine in [pair.client, pair.server] {
            #expect(engine.version == "TLSv1.3")
            #expect(engine.cipher.hasPrefix("TLS_"))
            #expect(text(engine.applicationProtocol) == "http/1.1")
        }
        #expect(pair.client.peerCertificate?.sha256 == pair.server.context.certificate?.sha256)
        #expect(pair.server.peerCertificate == nil)
    }

    @Test("TLS 1.2 is accepted, 1.1 is not (RFC 8996)")
    func versions() throws {
        let identity = try Contexts.identity()
        let server = try Contexts.server(identity)
        #expect(shim_SSL_CTX_set_max_proto_version(server.handle, TLS1_2_VERSION) == 1)
        let pair = try Joined(Contexts.client(pin: identity.certificate), server)
        pair.shake()
        #expect(pair.clientAction.isDone && pair.serverAction.isDone)
        #expect(pair.client.version == "TLSv1.2")
        #expect(pair.client.write(message(100)) == nil)
        #expect(pair.receive(pair.client, pair.server).bytes == message(100))

        let old = try Contexts.client(pin: identity.certificate)
        #expect(shim_SSL_CTX_set_min_proto_version(old.context.handle, TLS1_1_VERSION) == 1)
        #expect(shim_SSL_CTX_set_max_proto_version(old.context.handle, TLS1_1_VERSION) == 1)
        SSL_CTX_set_security_level(old.context.handle, 0)
        SSL_CTX_set_cipher_list(old.context.handle, "ALL")
        let refused = try Joined(old, Contexts.server(identity))
        refused.shake()
        #expect(refused.serverAction.failure?.status == .tls)
        #expect(refused.serverAction.failure?.text.contains("1.2 and 1.3") == true)
        #expect(refused.clientAction.failure?.status == .tls)
    }

    @Test("Input may be cut at every byte", arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func cutAnywhere(version: Int32) throws {
        let identity = try Contexts.identity()
        let server = try Contexts.server(identity)
        #expect(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
        for piece in [1, 2, 3, 5, 7, 64, 1000] {
            let pair = try Joined(Contexts.client(pin: identity.certificate), server)
            pair.shake(piece: piece)
            #expect(pair.clientAction.isDone && pair.serverAction.isDone)
            #expect(pair.client.write(message(3000)) == nil)
            #expect(pair.client.write(message(10)) == nil)
            pair.client.close()
            let received = pair.receive(pair.client, pair.server, piece: piece)
            #expect(received.bytes == message(3000) + message(10))
            #expect(received.last.isClosed)
        }
    }

    @Test("Application data that comes together with the end of the handshake is not lost")
    func earlyData() throws {
        let pair = try joined()
        #expect(pair.client.handshake().wantsInput)
        pair.carry(pair.client, pair.server) { #expect(pair.server.handshake().wantsInput) }
        pair.carry(pair.server, pair.client) { #expect(pair.client.handshake().isDone) }
        // Finished and the first message arrive as one.
        #expect(pair.client.write(message(50)) == nil)
        var received: [UInt8] = []
        pair.carry(pair.client, pair.server) {
            #expect(pair.server.handshake().isDone)
            var room = [UInt8](repeating: 0, count: 100)
            let count = room.withUnsafeMutableBytes { pair.server.read(into: $0) }.count ?? 0
            received = Array(room[0..<count])
        }
        #expect(received == message(50))
    }

    @Test("One read goes through as many records as the room takes", arguments: [1, 7, 100, 4096, 65_536])
    func manyRecords(room: Int) throws {
        let pair = try ready()
        var sent: [UInt8] = []
        for count in 1...120 {
            #expect(pair.server.write(message(count)) == nil)
            sent += message(count)
        }
        let ciphertext = Array(pair.server.output.readable)
        pair.server.output.clear()
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        defer { memory.deallocate() }
        var received: [UInt8] = []
        pair.client.supply(copyOf: ciphertext) {
            while let count = pair.client.read(into: memory).count {
                #expect(count == min(room, sent.count - received.count))
                received += memory[0..<count]
            }
            #expect(pair.client.pendingInput == 0)
        }
        #expect(received == sent)
    }

    @Test("A mebibyte arrives, in records of 16 KiB (RFC 8446 section 5.1)")
    func large() throws {
        let pair = try ready()
        let payload = message(1 << 20)
        #expect(pair.client.write(payload) == nil)
        var sizes: [Int] = []
        let wire = Array(pair.client.output.readable)
        var place = 0
        while place + 5 <= wire.count {
            sizes.append(Int(wire[place + 3]) << 8 | Int(wire[place + 4]))
            place += 5 + sizes[sizes.count - 1]
        }
        #expect(place == wire.count)
        #expect(sizes == [Int](repeating: 16_384 + 17, count: 64))
        #expect(pair.receive(pair.client, pair.server, piece: 100_003).bytes == payload)
    }

    @Test("Nothing is written for an empty message, nothing is read into an empty room")
    func empty() throws {
        let pair = try ready()
        #expect(pair.client.write([]) == nil)
        #expect(pair.client.output.count == 0)
        #expect(pair.client.write([1]) == nil)
        pair.carry(pair.client, pair.server) {
            #expect(pair.server.read(into: UnsafeMutableRawBufferPointer(start: nil, count: 0)).count == 0)
            var byte: UInt8 = 0
            #expect(withUnsafeMutableBytes(of: &byte) { pair.server.read(into: $0) }.count == 1)
            #expect(byte == 1)
        }
    }

    @Test("close_notify ends the stream after the last byte, and only one direction (RFC 8446 section 6.1)")
    func closeNotify() throws {
        let pair = try ready()
        #expect(pair.client.write(message(5)) == nil)
        pair.client.close()
        pair.client.close()
        #expect(pair.client.write(message(1))?.status == .state)
        let received = pair.receive(pair.client, pair.server)
        #expect(received.bytes == message(5))
        #expect(received.last.isClosed)

        #expect(pair.server.write(message(9)) == nil)
        pair.server.close()
        let answered = pair.receive(pair.server, pair.client)
        #expect(answered.bytes == message(9))
        #expect(answered.last.isClosed)
    }

    @Test("A stream that is cut in a record only wants more")
    func truncated() throws {
        let pair = try ready()
        #expect(pair.client.write(message(100)) == nil)
        let wire = Array(pair.client.output.readable)
        var room = [UInt8](repeating: 0, count: 200)
        pair.server.supply(copyOf: Array(wire.dropLast())) {
            #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.wantsInput)
        }
        #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.wantsInput)
    }

    @Test("A changed record ends the session with an alert, and the answer stays (RFC 8446 section 5.2)")
    func brokenRecord() throws {
        let pair = try ready()
        #expect(pair.client.write(message(100)) == nil)
        var wire = Array(pair.client.output.readable)
        pair.client.output.clear()
        wire[20] ^= 1
        var room = [UInt8](repeating: 0, count: 200)
        pair.server.supply(copyOf: wire) {
            let failure = room.withUnsafeMutableBytes { pair.server.read(into: $0) }.failure
            #expect(failure?.status == .tls)
            #expect(failure?.actor == .network)
            #expect(failure?.isRetryable == true)
        }
        #expect(pair.server.output.count > 0)
        #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.failure?.status == .tls)
        #expect(pair.server.write(message(1))?.status == .tls)
        pair.server.close()

        let received = pair.receive(pair.server, pair.client)
        #expect(received.last.failure?.text.contains("alert 20 (bad record mac)") == true)
    }

    @Test("A message before a broken record is still given")
    func goodThenBroken() throws {
        let pair = try ready()
        #expect(pair.client.write(message(10)) == nil)
        let good = pair.client.output.count
        #expect(pair.client.write(message(10)) == nil)
        var wire = Array(pair.client.output.readable)
        wire[good + 8] ^= 1
        var room = [UInt8](repeating: 0, count: 200)
        pair.server.supply(copyOf: wire) {
            #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.count == 10)
            #expect(room.withUnsafeMutableBytes { pair.server.read(into: $0) }.failure != nil)
        }
    }

    @Test("Nothing is sent or read before the handshake is done")
    func tooEarly() throws {
        let pair = try joined()
        #expect(pair.client.write(message(1))?.status == .state)
        var room = [UInt8](repeating: 0, count: 8)
        #expect(room.withUnsafeMutableBytes { pair.client.read(into: $0) }.wantsInput)
        pair.client.close()
        #expect(pair.client.output.count == 0)
    }

    @Test("Handshake bytes changed at every place end in done or a failure, never a trap")
    func changedHandshake() throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try Contexts.server(identity)
        let first = try TLSEngine(client: client, serverName: "localhost")
        _ = first.handshake()
        let hello = Array(first.output.readable)
        for place in hello.indices {
            var changed = hello
            changed[place] ^= 0x55
            let engine = try TLSEngine(server: server)
            engine.supply(copyOf: changed) { _ = engine.handshake() }
        }
        let answering = try TLSEngine(server: server)
        answering.supply(copyOf: hello) { _ = answering.handshake() }
        let answer = Array(answering.output.readable)
        for place in answer.indices {
            let engine = try TLSEngine(client: client, serverName: "localhost")
            _ = engine.handshake()
            var changed = answer
            changed[place] ^= 0x55
            // Another client's answer, so that it cannot succeed in any case.
            engine.supply(copyOf: changed) { #expect(!engine.handshake().isDone) }
        }
    }

    @Test("Random bytes and random tails fail or want more")
    func garbage() throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        let server = try Contexts.server(identity)
        var random = SystemRandomNumberGenerator()
        for round in 0..<400 {
            var bytes = (0..<Int.random(in: 0...600)).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Half of them look like a handshake record of TLS 1.2.
            if round % 2 == 0 { bytes = [22, 3, 3, UInt8(round / 100), UInt8(round % 200)] + bytes }
            for engine in [try TLSEngine(client: client, serverName: "localhost"), try TLSEngine(server: server)] {
                _ = engine.handshake()
                engine.supply(copyOf: bytes) { #expect(!engine.handshake().isDone) }
            }
            let pair = try ready()
            var room = [UInt8](repeating: 0, count: 100)
            pair.client.supply(copyOf: bytes) {
                #expect(room.withUnsafeMutableBytes { pair.client.read(into: $0) }.count == nil)
            }
        }
    }

    @Test(
        "A peer that answers in plain HTTP or SSH is told as one that does not speak TLS",
        arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "220 mail ESMTP\r\n"])
    func plainServer(answer: String) throws {
        let pair = try joined()
        _ = pair.client.handshake()
        pair.client.supply(copyOf: answer.bytes) {
            let failure = pair.client.handshake().failure
            #expect(failure?.status == .tls)
            #expect(failure?.actor == .user)
            #expect(failure?.isRetryable == false)
            #expect(failure?.text.contains("does not speak TLS") == true)
        }
    }

    @Test(
        "A client that speaks plain HTTP is told as one that does not speak TLS", arguments: ["GET ", "POST ", "XYZ "])
    func plainClient(method: String) throws {
        let pair = try joined()
        pair.server.supply(copyOf: (method + "/ HTTP/1.1\r\nHost: x\r\n\r\n").bytes) {
            let failure = pair.server.handshake().failure
            #expect(failure?.status == .tls)
            #expect(failure?.text.contains("does not speak TLS") == true)
        }
    }

    @Test("An idle session holds no output memory once it is released")
    func idle() throws {
        let pair = try ready()
        #expect(pair.client.write(message(1000)) == nil)
        #expect(pair.receive(pair.client, pair.server).bytes.count == 1000)
        #expect(pair.client.output.capacity == 0)
        #expect(pair.server.output.capacity == 0)
    }

    @Test("A session that keeps its buffers carries the same bytes, and gives them back in the midst of a record")
    func keepsBuffers() throws {
        let pair = try ready()
        for isKept in [true, false, true, false] {
            pair.client.keepsBuffers = isKept
            #expect(pair.client.write(message(40_000)) == nil)
            let wire = Array(pair.client.output.readable)
            pair.client.output.clear()
            var room = [UInt8](repeating: 0, count: 65_536)
            var received: [UInt8] = []
            for part in [wire[..<20_000], wire[20_000...]] {
                pair.server.supply(copyOf: Array(part)) {
                    let count = room.withUnsafeMutableBytes { pair.server.read(into: $0) }.count ?? 0
                    received += room[0..<count]
                }
                pair.server.keepsBuffers = !pair.server.keepsBuffers
            }
            #expect(received == message(40_000))
        }
    }

    @Test("The context of a client serves nobody")
    func roles() throws {
        let identity = try Contexts.identity()
        let client = try Contexts.client(pin: identity.certificate)
        #expect(throws: Failure.self) { try TLSEngine(server: client.context) }
    }

    @Test("OpenSSL's error queue is empty after every failure")
    func errorQueue() throws {
        let pair = try joined()
        _ = pair.client.handshake()
        pair.client.supply(copyOf: "HTTP/1.1 400\r\n\r\n".bytes) { _ = pair.client.handshake() }
        #expect(ERR_peek_error() == 0)
        #expect(throws: Failure.self) {
            try CertificateFiles.load(certificateFile: "/nonexistent", keyFile: "/nonexistent")
        }
        #expect(ERR_peek_error() == 0)
        _ = Ed25519.publicKey(fromText: "-----BEGIN x y".bytes)
        #expect(ERR_peek_error() == 0)
    }
}
