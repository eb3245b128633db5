import Foundation
import GWBase
import GWSocketIO
import Testing

/// What each exchange expects is said in prose; what it says is checked by name, what it sends is checked for all.
@Suite("Socket.IO sessions: vectors")
struct SessionVectorTests {
    @Test("the client says what each exchange says, in its order")
    func all() throws {
        for exchange in try vectors("exchanges", of: "sessions.json") {
            let name = exchange["name"] as? String ?? ""
            let run = try SessionRun(exchange)
            try run.play()
            #expect(run.unexpected.isEmpty, "\(name): \(run.unexpected)")
            for line in SessionVectorTests.told[name] ?? [] {
                #expect(run.log.contains(line), "\(name): \(line) is missing in \(run.log)")
            }
        }
    }

    /// What the host must have been told, where the exchange asks for more than what it sends.
    private static let told: [String: [String]] = [
        "connect-main": ["joined 1 A1"],
        "connect-with-auth": [#"event 1 "auth" [{"token":"abc","n":1}]"#],
        "two-namespaces": ["joined 1 A1", "joined 2 B1", #"event 2 "welcome" [{"user":"u"}]"#],
        "events-before-connect-reply": [#"event 1 "early" [1]"#, "joined 1 A1"],
        "heartbeat-during-attachments": [
            #"event 1 "x" [{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] 01 02"#
        ],
        "server-disconnect-only-namespace": ["left 1 io server disconnect", "close io server disconnect"],
        "server-disconnect-one-of-two": ["left 2 io server disconnect"],
        "engine-close-packet": ["close transport close"],
        "connect-error-object": [#"left 1 not authorized {"code":401}"#],
        "connect-error-string": ["left 1 Unable to connect"],
        "recovery-failed": ["joined 1 A9"],
        "malformed": ["close parse error"],
        "open-late": ["close transport error"],
    ]

    @Test("on a join: the id, held events, the send buffer, then the word to the host")
    func order() throws {
        let end = ClientEnd()
        let namespace = end.join("/")
        try end.emit(namespace, "a")
        end.connect()
        end.receive(#"42["early"]"#)
        _ = end.take()
        end.receive(#"40{"sid":"A1"}"#)
        #expect(end.take() == [#"event 1 "early" []"#, #"> 42["a"]"#, "joined 1 A1"])
    }
}

/// One exchange with a machine: the server's and the user's steps are played, the client's are compared.
private final class SessionRun {
    let end = ClientEnd()
    private let steps: [[String: Any]]
    private var ids: [String: UInt64] = [:]
    private var sent: [String] = []
    private(set) var log: [String] = []
    private(set) var unexpected: [String] = []

    init(_ exchange: [String: Any]) throws {
        steps = try #require(exchange["steps"] as? [[String: Any]])
        if let first = connects.first, first.contains(#"{"pid":"P1","offset":"o2"}"#) { loseSession() }
        // The namespaces that are joined before the server answers are those that the user wanted from the start.
        for packet in connects.prefix(while: { !isUsersOwn($0) }) { join(packet) }
        collect()
    }

    private var connects: [String] { steps.compactMap { $0["client"] as? String }.filter { $0.hasPrefix("40") } }

    /// A namespace that is joined for the second time is joined because the user says so.
    private func isUsersOwn(_ packet: String) -> Bool {
        ids[namespace(packet)] != nil
    }

    private func namespace(_ packet: String) -> String {
        let rest = packet.dropFirst(2)
        guard rest.hasPrefix("/") else { return "/" }
        return String(rest.prefix { $0 != "," })
    }

    private func join(_ packet: String) {
        let name = namespace(packet)
        let rest = packet.dropFirst(2)
        let auth = rest.hasPrefix("/") ? rest.drop { $0 != "," }.dropFirst() : rest
        guard ids[name] == nil || !end.log.contains("joined") else { return }
        let isPlain = auth.isEmpty || auth.contains("pid")
        let id = end.join(name, auth: isPlain ? .none : ClientEnd.auth(String(auth)))
        if id != 0 { ids[name] = id }
    }

    /// A session of before, whose id and offset the exchange goes on from.
    private func loseSession() {
        ids["/"] = end.join("/")
        end.connect()
        end.receive(#"40{"sid":"A0","pid":"P1"}"#)
        end.receive(#"42["missed","o2"]"#)
        end.lose()
        _ = end.take()
    }

    func play() throws {
        let isOpened = steps.contains { ($0["server"] as? String)?.hasPrefix("0") == true }
        if !isOpened { end.connect(openPacket: nil) }
        for (place, step) in steps.enumerated() {
            if let message = step["server"] as? String {
                if message.hasPrefix("0") { end.connect(openPacket: nil) }
                end.receive(message)
            }
            if let message = step["server_binary"] as? String { end.receive(binary: bytes(hex: message)) }
            if step["tcp"] != nil { end.lose() }
            if let time = step["wait_ms"] as? Int { end.advance(UInt32(time)) }
            if let user = step["user"] as? String, user.hasPrefix("emit") { try end.emit(ids["/"] ?? 0, "a") }
            if let user = step["user"] as? String, user == "answers twice" {
                let ack = end.lastAck
                try end.acknowledge(ack, "[1]")
                #expect(throws: Failure.self) { try end.acknowledge(ack, "[1]") }
            }
            if let message = step["client"] as? String { try expect(message, attachments(behind: place)) }
            if let message = step["client_binary"] as? String { try expect("hex \(message)", []) }
        }
        collect()
        // What is said in prose alone.
        let prose = steps.compactMap { $0["expect"] as? String }.joined()
        unexpected += sent.filter { !prose.contains($0) }
    }

    private func collect() {
        for line in end.take() {
            if line.hasPrefix("> ") { sent.append(String(line.dropFirst(2))) } else { log.append(line) }
        }
    }

    /// The binary messages that the client sends right behind a step.
    private func attachments(behind place: Int) -> [[UInt8]] {
        steps[(place + 1)...].prefix { $0["client_binary"] != nil }
            .map { bytes(hex: $0["client_binary"] as? String ?? "") }
    }

    /// The client's next message; where it is one that the user asks for, it is asked for here.
    private func expect(_ message: String, _ attachments: [[UInt8]]) throws {
        guard !message.isEmpty else { return }
        collect()
        if sent.isEmpty, message.hasPrefix("40") { join(message) }
        if sent.isEmpty, ["42", "43", "45", "46"].contains(message.prefix(2)) { try ask(for: message, attachments) }
        collect()
        let first = sent.isEmpty ? "nothing" : sent.removeFirst()
        if first != message { unexpected.append("\(first) in place of \(message)") }
    }

    private func ask(for message: String, _ attachments: [[UInt8]]) throws {
        let memory = Memory(Array(message.utf8.dropFirst()))
        defer { withExtendedLifetime(memory) {} }
        guard case .packet(let packet) = PacketDecoder.read(memory.readable, maxAttachments: 10) else { return }
        let namespace = packet.namespace.isEmpty ? "/" : text(memory.bytes[packet.namespace])
        let payload = packet.arguments(in: memory.readable).map { "[" + text(memory.bytes[$0].dropFirst()) } ?? ""
        if let name = packet.name {
            let name = text(memory.bytes[name.range.dropFirst().dropLast()])
            try end.emit(ids[namespace] ?? 0, name, payload, attachments: attachments, ack: packet.id != nil)
        } else {
            try end.acknowledge(end.lastAck, payload, attachments: attachments)
        }
    }
}
