import Foundation
import GWBase
import GWSocketIO
import GWTLS
import Testing

@Suite("Engine.IO packets: vectors")
struct EngineIOVectorTests {
    /// Type and data of a packet, as one comparable text.
    private func shown(_ packet: EngineIOPacket, _ message: Memory) -> String {
        func data(_ range: Range<Int>) -> String { range.isEmpty ? "absent" : text(message.bytes[range]) }
        switch packet {
        case .open(let range): return "open \(data(range))"
        case .close: return "close absent"
        case .ping(let range): return "ping \(data(range))"
        case .pong(let range): return "pong \(data(range))"
        case .message(let range): return "message \(data(range))"
        case .upgrade: return "upgrade absent"
        case .noop: return "noop absent"
        case .base64(let range):
            return "message hex \(text(hexText(Base64.decode(message.bytes[range]) ?? [])))"
        }
    }

    @Test("valid text messages are read as the packet that they are")
    func reading() throws {
        for item in try vectors("cases", of: "engineio.json")
        where item["verdict"] as? String != "invalid" && item["frame"] as? String == "text" {
            let message = Memory(item["text"] as? String ?? "")
            defer { withExtendedLifetime(message) {} }
            let packet = try #require(EngineIOPacket.read(message.readable), "\(item["name"] ?? "")")
            var data = item["data"] as? String ?? "absent"
            if let bytes = item["data"] as? [String: String] { data = "hex \(bytes["$bytes"] ?? "")" }
            #expect(shown(packet, message) == "\(item["type"] ?? "") \(data)")
        }
    }

    @Test("binary messages are attachments, all of them")
    func binary() throws {
        for item in try vectors("cases", of: "engineio.json") where item["frame"] as? String == "binary" {
            let (end, namespaces) = ClientEnd.joined()
            end.receive(#"451-["x",{"_placeholder":true,"num":0}]"#)
            let hex = item["bytes_hex"] as? String ?? ""
            end.receive(binary: bytes(hex: hex))
            #expect(
                end.take() == [#"event \#(namespaces[0]) "x" [{"_placeholder":true,"num":0}] \#(hex)"#])
        }
    }

    @Test("what is invalid from a server ends the connection or the attempt")
    func refusing() throws {
        for item in try vectors("cases", of: "engineio.json")
        where item["verdict"] as? String == "invalid" && item["direction"] as? String != "c2s" {
            let name = item["name"] as? String ?? ""
            let isFirst = name.hasPrefix("open-") && name != "open-second" || name.hasSuffix("before-open")
            let end = isFirst ? ClientEnd() : ClientEnd.joined().end
            if isFirst { end.connect(openPacket: nil) }
            end.receive(item["text"] as? String ?? "")
            #expect(end.closing != nil, "\(name)")
        }
    }

    @Test("a client never sends a ping, an open or an upgrade packet")
    func neverSent() {
        let (end, namespaces) = ClientEnd.joined()
        for _ in 0..<20 {
            end.advance(5000)
            _ = try? end.emit(namespaces[0], "tick")
            end.receive("2")
        }
        let sent = end.take().filter { $0.hasPrefix("> ") }
        #expect(sent.allSatisfy { $0.hasPrefix("> 4") || $0.hasPrefix("> 3") })
        #expect(sent.count == 40)
    }
}
