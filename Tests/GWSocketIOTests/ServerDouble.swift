import GWBase
import GWJSON
import GWSocketIO

/// As much of a server as the simulation needs, strict where the official one is: it closes for whatever a client must not send.
///
/// It echoes each event's number back, acknowledges where it is asked to, and asks for acknowledgements itself.
struct ServerDouble {
    struct Message {
        var isText: Bool
        var bytes: [UInt8]
    }

    private enum Space: Equatable {
        case left
        case joined
    }

    private var spaces: [String: Space] = [:]
    private var hasOpened = false
    /// The attachments that are still to come, and the text in front of them.
    private var waiting: (text: String, left: Int)?
    private(set) var isClosed = false
    private(set) var violations: [String] = []
    /// Every number that came as an event, in order, over all connections.
    private(set) var received: [Int] = []
    /// Numbers of our own events that were acknowledged.
    private(set) var acknowledged: [UInt64] = []
    private var nextAsk: UInt64 = 100

    /// A new connection.
    mutating func open() -> [Message] {
        spaces = [:]
        waiting = nil
        isClosed = false
        return [text(#"0{"sid":"E","pingInterval":1000,"pingTimeout":500,"maxPayload":100000}"#)]
    }

    mutating func ping() -> Message { text("2") }

    /// An event that wants an acknowledgement, where the namespace is joined.
    mutating func ask(_ namespace: String) -> Message? {
        guard spaces[namespace] == .joined else { return nil }
        nextAsk += 1
        return text("42\(prefix(namespace))\(nextAsk)[\"ask\",\(nextAsk)]")
    }

    mutating func disconnect(_ namespace: String) -> Message? {
        guard spaces[namespace] == .joined else { return nil }
        spaces[namespace] = .left
        return text("41\(prefix(namespace))")
    }

    mutating func receive(_ message: Message, refuses: Bool) -> [Message] {
        guard !isClosed else { return [] }
        guard message.isText else { return receiveAttachment() }
        let content = GWSocketIOTests.text(message.bytes)
        if content == "3" { return [] }
        guard content.hasPrefix("4") else { return close("an Engine.IO packet \(content)") }
        guard waiting == nil else { return close("a text packet between attachments") }
        let memory = Memory(message.bytes.dropFirst())
        defer { withExtendedLifetime(memory) {} }
        guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 10) else {
            return close("a broken packet \(content)")
        }
        let namespace = packet.namespace.isEmpty ? "/" : GWSocketIOTests.text(memory.bytes[packet.namespace])
        switch packet.kind {
        case .connect:
            guard spaces[namespace] != .joined else { return close("a second connect packet") }
            guard !refuses else { return [text("44\(prefix(namespace)){\"message\":\"no\"}")] }
            spaces[namespace] = .joined
            return [text("40\(prefix(namespace)){\"sid\":\"S\"}")]
        case .disconnect:
            spaces[namespace] = .left
            return []
        case .event, .ack, .binaryEvent, .binaryAck:
            guard spaces[namespace] != nil else { return close("an event for a namespace that was never joined") }
            if packet.attachments > 0 {
                waiting = (String(content.dropFirst()), packet.attachments)
                return []
            }
            return handle(packet, memory, namespace)
        case .connectError:
            return close("a connect error")
        }
    }

    private mutating func receiveAttachment() -> [Message] {
        guard let (content, left) = waiting else { return close("a binary message that belongs to nothing") }
        guard left == 1 else {
            waiting = (content, left - 1)
            return []
        }
        waiting = nil
        let memory = Memory(content)
        defer { withExtendedLifetime(memory) {} }
        guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 10) else { return [] }
        let namespace = packet.namespace.isEmpty ? "/" : GWSocketIOTests.text(memory.bytes[packet.namespace])
        return handle(packet, memory, namespace)
    }

    private mutating func handle(_ packet: SocketIOPacket, _ memory: Memory, _ namespace: String) -> [Message] {
        // What was on its way when the namespace was left.
        guard spaces[namespace] == .joined else { return [] }
        guard packet.name != nil else {
            acknowledged.append(packet.id ?? 0)
            return []
        }
        let elements = packet.payload.flatMap { parsed($0.bytes(in: memory.readable)) as? [Any] } ?? []
        let number = elements.dropFirst().first as? Int ?? -1
        received.append(number)
        var answers = [text("42\(prefix(namespace))[\"echo\",\(number)]")]
        guard let id = packet.id else { return answers }
        if packet.attachments > 0 {
            answers.append(text("461-\(prefix(namespace))\(id)[\(number),{\"_placeholder\":true,\"num\":0}]"))
            answers.append(Message(isText: false, bytes: [1]))
        } else {
            answers.append(text("43\(prefix(namespace))\(id)[\(number)]"))
        }
        return answers
    }

    private mutating func close(_ why: String) -> [Message] {
        violations.append(why)
        isClosed = true
        return []
    }

    private func prefix(_ namespace: String) -> String { namespace == "/" ? "" : namespace + "," }

    private func text(_ content: String) -> Message { Message(isText: true, bytes: Array(content.utf8)) }
}
