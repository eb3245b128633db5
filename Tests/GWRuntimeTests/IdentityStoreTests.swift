import Foundation
import GWBase
import GWTLS
import Testing

@testable import GWRuntime

extension RuntimeTests {
    /// client.h: identity_file.
    @Suite struct IdentityFiles {
        private let directory = NSTemporaryDirectory() + "gatewire-\(UUID().uuidString)"

        private func vectors() throws -> [[String: Any]] {
            let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            let data = try Data(contentsOf: tests.appendingPathComponent("Vectors/openclaw/identities.json"))
            let all = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            return try #require(all["identityFileCases"] as? [[String: Any]])
        }

        private func deviceID(_ path: String) -> Result<String, Failure> {
            do throws(Failure) {
                let key = try IdentityStore.key(inFile: path)
                return .success(String(decoding: hexText(Digest.sha256(key.publicKey)), as: UTF8.self))
            } catch {
                return .failure(error)
            }
        }

        private func mode(_ path: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            return try #require(attributes[.posixPermissions] as? Int)
        }

        /// What cannot be used is refused, where gateways' own clients go on with a key in memory: the file stays as it is.
        @Test func filesOfTheVectors() throws {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            for (index, vector) in try vectors().enumerated() {
                let name = vector["name"] as? String ?? ""
                let path = "\(directory)/\(index).json"
                let text = vector["fileText"] as? String
                if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) }
                let expected = try #require(vector["expect"] as? [String: Any])
                switch (deviceID(path), expected["kind"] as? String) {
                case (.success(let id), "identity"): #expect(id == expected["deviceId"] as? String, "\(name)")
                case (.success, "created"): #expect(text == nil, "\(name)")
                case (.failure(let failure), "transient"): #expect(failure.status == .identity, "\(name)")
                default: Issue.record("\(name)")
                }
                if let text { #expect(try String(contentsOfFile: path, encoding: .utf8) == text, "\(name)") }
            }
        }

        @Test func aMissingFileIsMadeOnceAndPrivate() throws {
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let path = directory + "/deep/er/identity.json"
            let first = try deviceID(path).get()
            #expect(try mode(path) == 0o600)
            for made in [directory, directory + "/deep", directory + "/deep/er"] { #expect(try mode(made) == 0o700) }
            let text = try String(contentsOfFile: path, encoding: .utf8)
            #expect(try deviceID(path).get() == first)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory + "/deep/er") == ["identity.json"])
        }

        /// Several that start with the same missing file end with the same identity.
        @Test func aFileMadeByManyAtOnce() throws {
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let path = directory + "/identity.json"
            let ids = Collected()
            onThreads(8) { _ in
                switch IdentityFiles.id(path) {
                case .success(let id): ids.add(id)
                case .failure(let failure): ids.add(failure.text)
                }
            }
            #expect(Set(ids.all).count == 1, "\(ids.all)")
        }

        private static func id(_ path: String) -> Result<String, Failure> { IdentityFiles().deviceID(path) }

        /// A leftover of a process that ended half way does not keep the file from being made.
        @Test func aLeftoverTemporaryFile() throws {
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let path = directory + "/identity.json"
            try Data("half".utf8).write(to: URL(fileURLWithPath: path + ".new-\(getpid())"))
            #expect(throws: Never.self) { try deviceID(path).get() }
        }

        @Test func whatIsNoFileIsRefused() throws {
            defer { try? FileManager.default.removeItem(atPath: directory) }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let fifo = directory + "/fifo"
            #expect(mkfifo(fifo, 0o600) == 0)
            let isOver = isDone(within: 2) { _ = IdentityFiles.id(fifo) }
            #expect(isOver, "reading a FIFO that nobody writes to waits for ever")
            guard case .failure(let failure) = deviceID(directory) else {
                Issue.record("a directory was read")
                return
            }
            #expect(failure.status == .identity)
        }

        private final class Collected: @unchecked Sendable {
            private let lock = NSLock()
            private var values: [String] = []
            var all: [String] { lock.withLock { values } }
            func add(_ value: String) { lock.withLock { values.append(value) } }
        }
    }
}
