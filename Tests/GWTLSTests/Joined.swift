import Foundation
import GWBase
import Testing

@testable import GWTLS

/// A client and a server engine whose output is the other's input, a few bytes at a time if wanted.
final class Joined {
    let client: TLSEngine
    let server: TLSEngine
    var clientAction = TLSEngine.HandshakeAction.wantsInput
    var serverAction = TLSEngine.HandshakeAction.wantsInput

    init(_ client: TLSClient, _ server: TLSContext, name: String = "localhost", showsIdentity: Bool = true) throws {
        self.client = try TLSEngine(client: client, serverName: name, showsIdentity: showsIdentity)
        self.server = try TLSEngine(server: server)
    }

    /// Runs the handshake until neither end has more to say; input comes in pieces of `piece` bytes.
    func shake(piece: Int = .max) {
        serverAction = server.handshake()
        goOn(piece: piece)
    }

    /// The same, where the client had stopped.
    func goOn(piece: Int = .max) {
        clientAction = client.handshake()
        while client.output.count > 0 || server.output.count > 0 {
            carry(client, server, piece) { serverAction = server.handshake() }
            carry(server, client, piece) {
                clientAction = client.handshake()
                // Tickets (RFC 8446 section 4.6.1).
                if clientAction.isDone, client.pendingInput > 0 {
                    withUnsafeTemporaryAllocation(byteCount: 16, alignment: 1) { _ = client.read(into: $0) }
                }
            }
        }
    }

    /// Brings all output of one end to the other, which `take`s it.
    func carry(_ from: TLSEngine, _ to: TLSEngine, _ piece: Int = .max, _ take: () -> Void) {
        let bytes = Array(from.output.readable)
        from.output.release()
        bytes.withUnsafeBytes { all in
            var start = 0
            while start < all.count {
                let end = start + min(piece, all.count - start)
                to.supply(UnsafeRawBufferPointer(rebasing: all[start..<end]))
                take()
                start = end
            }
        }
    }

    /// What arrives at `to` of everything that `from` has to send, and how its reading ended.
    func receive(_ from: TLSEngine, _ to: TLSEngine, piece: Int = .max, room: Int = 65_536) -> (
        bytes: [UInt8], last: TLSEngine.ReadAction
    ) {
        var received: [UInt8] = []
        var last = TLSEngine.ReadAction.wantsInput
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        defer { memory.deallocate() }
        carry(from, to, piece) {
            while true {
                last = to.read(into: memory)
                guard case .bytes(let count) = last else { break }
                received += memory[0..<count]
            }
        }
        return (received, last)
    }
}

extension TLSEngine {
    func write(_ bytes: [UInt8]) -> Failure? { bytes.withUnsafeBytes { write($0) } }
    func supply(copyOf bytes: [UInt8], _ use: () -> Void) {
        bytes.withUnsafeBytes {
            supply($0)
            use()
        }
    }
}

extension TLSEngine.HandshakeAction {
    var isDone: Bool { if case .done = self { true } else { false } }
    var wantsInput: Bool { if case .wantsInput = self { true } else { false } }
    var failure: Failure? { if case .failed(let failure) = self { failure } else { nil } }
    var question: Failure? { if case .asks(let failure) = self { failure } else { nil } }
}

extension TLSEngine.ReadAction {
    var isClosed: Bool { if case .closed = self { true } else { false } }
    var wantsInput: Bool { if case .wantsInput = self { true } else { false } }
    var failure: Failure? { if case .failed(let failure) = self { failure } else { nil } }
    var count: Int? { if case .bytes(let count) = self { count } else { nil } }
}

/// Contexts over certificates made for the test.
enum Contexts {
    static func identity(_ names: [String] = ["localhost", "127.0.0.1", "::1"]) throws -> TLSIdentity {
        try SelfSigned.make(names: names)
    }

    static func server(_ identity: TLSIdentity) throws -> TLSContext {
        try TLSContext(server: ServerTLSSettings(identity: identity))
    }

    static func client(pin certificate: Certificate) throws -> TLSClient {
        var settings = ClientTLSSettings()
        try settings.pins.add(hexText(certificate.sha256))
        return try TLSClient(settings)
    }

    /// A client that trusts one certificate as its CA.
    static func client(trusting certificate: Certificate) throws -> TLSClient {
        let file = try TemporaryFile(certificate.pem)
        var settings = ClientTLSSettings()
        settings.authorities.file = file.path
        return try TLSClient(settings)
    }
}

/// A file that lives as long as this object.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8]) throws {
        path = NSTemporaryDirectory() + "gatewire-" + UUID().uuidString + ".pem"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A file of `Tests/Vectors`.
func vectors(_ name: String) throws -> [String: Any] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: tests.appendingPathComponent("Vectors/\(name)"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func bytes(hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
