import Foundation
import GWBase
import GWGateway
import GWJSON
import GWTLS
import Testing

// MARK: - Texts and JSON

/// A text in memory of exactly its size, so that a sanitizer sees every read outside of it.
final class Text {
    let bytes: UnsafeRawBufferPointer

    init(_ content: some Collection<UInt8>) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 1)
        memory.copyBytes(from: content)
        bytes = UnsafeRawBufferPointer(memory)
    }

    convenience init(_ content: String) { self.init(Array(content.utf8)) }

    deinit { bytes.deallocate() }

    func scan() -> JSONSlice? {
        var members = JSONMembers()
        return JSON.scan(bytes, &members)
    }
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func text(_ buffer: borrowing ByteBuffer) -> String { String(decoding: buffer.readable, as: UTF8.self) }

func text(_ name: StaticString) -> String { "\(name)" }

/// The object that a JSON text is, empty if it is none.
func object(_ json: String) -> [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(json.utf8))) as? [String: Any] ?? [:]
}

func json(_ value: Any) -> String {
    let data = try? JSONSerialization.data(
        withJSONObject: value, options: [.fragmentsAllowed, .withoutEscapingSlashes])
    return data.map { text($0) } ?? "not JSON: \(value)"
}

/// One spelling of a JSON value, for comparison.
func canonical(_ value: Any?) -> String {
    guard let value else { return "absent" }
    let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed, .withoutEscapingSlashes]
    return (try? JSONSerialization.data(withJSONObject: value, options: options)).map { text($0) } ?? "not JSON"
}

func canonical(json: String?) -> String {
    guard let json else { return "absent" }
    let value = try? JSONSerialization.jsonObject(with: Data(json.utf8), options: [.fragmentsAllowed])
    return canonical(value)
}

/// A member of an object of a vector; nil for null as well.
func member<Value>(_ name: String, of object: Any?, as type: Value.Type = Value.self) -> Value? {
    (object as? [String: Any])?[name] as? Value
}

/// A member that must be there.
func required<Value>(_ name: String, of object: Any?, as type: Value.Type = Value.self) throws -> Value {
    guard let value: Value = member(name, of: object) else {
        throw Failure(.argument, .none, "\(name) is missing or no \(type) in \(canonical(object))")
    }
    return value
}

// MARK: - Vectors

func vectors(_ name: String) throws -> [String: Any] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: tests.appendingPathComponent("Vectors/openclaw/\(name)"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
}

func cases(_ list: String, of file: String) throws -> [[String: Any]] {
    try #require(try vectors(file)[list] as? [[String: Any]])
}

/// The identities of identities.json by name.
func identities() throws -> [String: TestSigner] {
    var found: [String: TestSigner] = [:]
    for entry in try cases("identities", of: "identities.json") {
        let name: String = try required("name", of: entry)
        found[name] = TestSigner(seed: bytes(hex: try required("seedHex", of: entry)))
    }
    return found
}

func bytes(hex: String) -> [UInt8] {
    let digits = hex.utf8.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// The delay that a starting gateway asks for; nil if it does not.
func startupDelay(_ failure: ConnectFailure) -> UInt32? {
    guard case .retryAfter(let milliseconds) = failure.recovery(repeats: 1, canShowStored: true, slowMilliseconds: 1)
    else { return nil }
    return milliseconds
}

// MARK: - Keys

final class TestSigner: DeviceSigner {
    let key: Ed25519Key
    let deviceID: [UInt8]
    let publicKeyText: [UInt8]

    init(_ key: Ed25519Key) {
        self.key = key
        deviceID = hexText(Digest.sha256(key.publicKey))
        publicKeyText = Base64.encodeURL(key.publicKey)
    }

    convenience init(seed: [UInt8]) {
        guard let key = try? seed.withUnsafeBytes({ try Ed25519Key.from(seed: $0) }) else {
            Issue.record("a seed of \(seed.count) bytes is no key")
            self.init(try! Ed25519Key.make())
            return
        }
        self.init(key)
    }

    func sign(_ payload: [UInt8]) -> [UInt8]? { (try? key.sign(payload)).map { Base64.encodeURL($0) } }
}

/// A device whose key cannot sign any more.
final class BrokenSigner: DeviceSigner {
    let deviceID = "device".bytes
    let publicKeyText = "key".bytes
    func sign(_ payload: [UInt8]) -> [UInt8]? { nil }
}

final class TestVerifier: ProofVerifier {
    func publicKey(_ text: [UInt8]) -> [UInt8]? { Ed25519.publicKey(fromText: text) }
    func deviceID(_ publicKey: [UInt8]) -> [UInt8] { hexText(Digest.sha256(publicKey)) }
    func isSignature(_ signature: [UInt8], over payload: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let raw = Ed25519.signature(fromText: signature) else { return false }
        return Ed25519.verify(raw, over: payload, publicKey: publicKey)
    }
    func isEqual(_ shown: [UInt8], _ secret: Secret) -> Bool { isSameSecret(shown, secret) }
}

func secret(_ text: String) -> Secret { text.bytes.withUnsafeBytes { Secret(copying: $0) } }

// MARK: - Randomness

/// A small reproducible generator (xorshift64*).
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = (seed &+ 1) &* 0x9e37_79b9_7f4a_7c15 | 1
        for _ in 0..<4 { _ = next() }
    }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }

    mutating func below(_ limit: Int) -> Int { Int(next() >> 33) % max(limit, 1) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}
