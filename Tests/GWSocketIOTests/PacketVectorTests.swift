import Foundation
import GWBase
import GWJSON
import GWSocketIO
import Testing

@Suite("Socket.IO packets: vectors")
struct PacketVectorTests {
    /// What a vector's packet is, as one comparable text.
    private func shown(_ type: Int, _ namespace: String, _ id: UInt64?, _ data: Any?) -> String {
        "\(type) \(namespace) \(id.map { "\($0)" } ?? "none") \(canonical(data))"
    }

    /// `{"$utf16": [...]}` as the string that a lone surrogate is read as.
    private func normalized(_ value: Any?) -> Any? {
        switch value {
        case is NSNull: return value
        case let object as [String: Any]:
            if let units = object["$utf16"] as? [String] { return String(repeating: "\u{fffd}", count: units.count) }
            return object.mapValues { normalized($0) ?? NSNull() }
        case let array as [Any]: return array.map { normalized($0) ?? NSNull() }
        default: return value
        }
    }

    /// Attachments in place of their placeholders.
    private func filled(_ value: Any, _ attachments: [String]) -> Any {
        switch value {
        case let object as [String: Any]:
            if let isPlaceholder = object["_placeholder"] as? NSNumber, isPlaceholder === kCFBooleanTrueObject,
                let number = object["num"] as? Int
            {
                return ["$bytes": attachments[number]]
            }
            return object.mapValues { filled($0, attachments) }
        case let array as [Any]: return array.map { filled($0, attachments) }
        default: return value
        }
    }

    private var kCFBooleanTrueObject: NSNumber { NSNumber(value: true) }

    /// The value of a JSON text; a lone surrogate, which Foundation refuses, is replaced before.
    private func value(_ json: UnsafeRawBufferPointer) -> Any? {
        parsed(json) ?? parsed(text(json).replacingOccurrences(of: "\\ud800", with: "\u{fffd}").utf8)
    }

    private func decoded(_ memory: Memory, _ attachments: [String]) -> String? {
        defer { withExtendedLifetime(memory) {} }
        guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 11) else { return nil }
        let namespace = packet.namespace.isEmpty ? "/" : text(memory.bytes[packet.namespace])
        var data = packet.payload.flatMap { value($0.bytes(in: memory.readable)) }
        if packet.attachments > 0, let found = data { data = filled(found, attachments) }
        return shown(Int(packet.kind.rawValue), namespace, packet.id, data ?? NSNull())
    }

    @Test("what is valid or tolerated is decoded to the same packet")
    func decoding() throws {
        for item in try vectors("cases", of: "packets.json") where item["verdict"] as? String != "invalid" {
            let name = item["name"] as? String ?? ""
            let packet = try #require(item["packet"] as? [String: Any])
            let id = (packet["id"] as? NSNumber)?.uint64Value
            let wanted = shown(
                packet["type"] as? Int ?? -1, packet["nsp"] as? String ?? "", id, normalized(packet["data"]))
            let attachments = item["attachments_hex"] as? [String] ?? []
            #expect(decoded(Memory(item["text"] as? String ?? ""), attachments) == wanted, "\(name)")
        }
    }

    @Test("what is canonical is encoded to the same bytes")
    func encoding() throws {
        var count = 0
        for item in try vectors("cases", of: "packets.json") where item["canonical_encoding"] as? Bool == true {
            let memory = Memory(item["text"] as? String ?? "")
            defer { withExtendedLifetime(memory) {} }
            guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 11) else {
                Issue.record("\(item["name"] ?? "") is refused")
                continue
            }
            var written = ByteBuffer()
            PacketWriter.begin(
                packet.kind, attachments: packet.attachments, namespace: Array(memory.bytes[packet.namespace]),
                id: packet.id, into: &written)
            if let name = packet.name, name.isString {
                let content = JSON.string(name, in: memory.readable) ?? []
                let arguments = packet.arguments(in: memory.readable)
                let bytes = Memory(content)
                defer { withExtendedLifetime(bytes) {} }
                PacketWriter.eventName(bytes.readable, hasArguments: arguments != nil, into: &written)
                written.append(arguments.map { Array(memory.bytes[$0].dropFirst()) } ?? "]".bytes)
            } else if let payload = packet.payload {
                written.append(payload.bytes(in: memory.readable))
            }
            #expect(text(written) == text(memory.readable))
            count += 1
        }
        #expect(count > 20)
    }

    @Test("what is invalid ends the connection with a parse error")
    func refusing() throws {
        for item in try vectors("cases", of: "packets.json") where item["verdict"] as? String == "invalid" {
            let (end, _) = ClientEnd.joined(["/"])
            let name = item["name"] as? String ?? ""
            if name != "binary-unsolicited" { end.receive(item["wire"] as? String ?? "") }
            for attachment in item["attachments_hex"] as? [String] ?? [] { end.receive(binary: bytes(hex: attachment)) }
            if let next = item["next_text"] as? String { end.receive("4" + next) }
            #expect(end.log.last == "close parse error", "\(name)")
        }
    }

    @Test("what is valid or tolerated never ends the connection")
    func accepting() throws {
        for item in try vectors("cases", of: "packets.json") where item["verdict"] as? String != "invalid" {
            var settings = SocketIOMachine.Settings()
            settings.maxAttachments = 11
            let (end, _) = ClientEnd.joined(["/", "/other"], settings)
            end.receive(item["wire"] as? String ?? "")
            for attachment in item["attachments_hex"] as? [String] ?? [] { end.receive(binary: bytes(hex: attachment)) }
            #expect(end.closing == nil, "\(item["name"] ?? "")")
        }
    }
}
