import Foundation
import GWBase
import GWHTTP

func vector(_ name: String) throws -> [String: Any] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = tests.appendingPathComponent("Vectors/" + name)
    return try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any] ?? [:]
}

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func url(_ text: String) -> WebSocketURL? { try? WebSocketURL.parse(text) }

/// The text of the failure with which a URL is refused, nil if it is not.
func refusal(_ text: String) -> String? {
    do throws(Failure) {
        _ = try WebSocketURL.parse(text)
        return nil
    } catch {
        return error.status == .url && error.actor == .program ? error.text : "wrong status or actor"
    }
}

/// Gives bytes to `receive` in pieces, the first of which has `cut` bytes and the others `size`.
func feed(_ bytes: [UInt8], cut: Int, size: Int, _ receive: (UnsafeRawBufferPointer) -> Bool) {
    var start = 0
    var end = min(cut, bytes.count)
    repeat {
        // In memory of exactly its size, so that a sanitizer sees every read outside of it.
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: end - start, alignment: 1)
        piece.copyBytes(from: bytes[start..<end])
        defer { piece.deallocate() }
        guard receive(UnsafeRawBufferPointer(piece)) else { return }
        start = end
        end = min(end + size, bytes.count)
    } while start < bytes.count
}
