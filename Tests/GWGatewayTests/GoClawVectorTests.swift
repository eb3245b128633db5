import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("GoClaw vectors")
struct GoClawVectorTests {
    @Test("frames.json: the client reads every frame of the gateway as the vector has it")
    func gatewayFrames() throws {
        for item in try cases("cases", of: "frames.json", in: "goclaw") where member("direction", of: item) == "s2c" {
            let name: String = try required("name", of: item)
            let message = Text(try required("text", of: item, as: String.self))
            let wanted: [String: Any] = try required("decoded", of: item)
            func cut(_ value: JSONSlice?) -> String? { value.map { text(message.bytes[$0.range]) } }
            var reader = EnvelopeReader()
            switch reader.read(message.bytes) {
            case .response(let response):
                #expect(canonical(json: cut(response.id)) == canonical(wanted["id"]), "\(name)")
                #expect(response.isOK == member("ok", of: wanted), "\(name)")
                #expect(canonical(json: cut(response.payload)) == canonical(wanted["payload"]), "\(name)")
                #expect(canonical(json: cut(response.error)) == canonical(wanted["error"]), "\(name)")
            case .event(let event):
                #expect(canonical(json: cut(event.name)) == canonical(wanted["event"]), "\(name)")
                #expect(canonical(json: cut(event.payload)) == canonical(wanted["payload"]), "\(name)")
                #expect(event.sequence == (wanted["seq"] as? Int).map(UInt64.init), "\(name)")
            case .other:
                // An answer to no request: it becomes a warning.
                #expect(member("id", of: wanted) == "", "\(name)")
            case .malformed:
                Issue.record("\(name) was not read")
            }
        }
    }

    @Test("frames.json: the gateway takes every frame of the client as a request with that id")
    func clientFrames() throws {
        for item in try cases("cases", of: "frames.json", in: "goclaw") where member("direction", of: item) == "c2s" {
            let wanted: [String: Any] = try required("decoded", of: item)
            let house = GoClawHouse()
            let end = house.admitted(user: "user-123")
            let frames = end.send(try required("text", of: item, as: String.self))
            for _ in 0..<80 { house.advance(15) }
            let answer = (frames + end.received).map(object).first { canonical($0["id"]) == canonical(wanted["id"]) }
            let message: String = member("message", of: answer?["error"]) ?? ""
            #expect(
                answer != nil && !message.hasPrefix("malformed") && !message.hasPrefix("unknown"),
                "\(item["name"] ?? "")")
        }
    }

    /// Connections in the states for which a vector may be meant.
    private func ends(_ when: String) -> [GoClawPeerEnd] {
        let house = GoClawHouse()
        Self.houses.append(house)
        let fresh = house.connect()
        let pending = house.connect()
        _ = pending.send(#"{"type":"req","id":"1","method":"connect","params":{"user_id":"alice"}}"#)
        switch when {
        case let when where when.hasPrefix("any"): return [fresh, pending, house.admitted(user: "u")]
        case let when where when.hasPrefix("not authenticated"): return [fresh]
        case let when where when.hasPrefix("pairing pending"): return [pending]
        case let when where when.contains("operator"):
            let open = GoClawHouse {
                $0.keys = [GoClawGateway.Key(key: secret("goclaw_k"), role: .operator, userID: [])]
            }
            Self.houses.append(open)
            return [open.admitted(user: "u", token: "goclaw_k")]
        default: return [house.admitted(user: "u")]
        }
    }

    /// Ends do not keep their houses.
    nonisolated(unsafe) private static var houses: [GoClawHouse] = []

    @Test("inbound.json: what is refused is refused in the vector's words, and the connection stays open")
    func refused() throws {
        for item in try cases("rejected", of: "inbound.json", in: "goclaw") {
            let name: String = try required("name", of: item)
            let message = member("bytes_hex", of: item).map { bytes(hex: $0) } ?? (member("text", of: item) ?? "").bytes
            let reply: [String: Any] = try required("reply", of: item)
            let error: [String: Any] = try required("error", of: reply)
            for end in ends(try required("when", of: item)) {
                let frames = end.send(message)
                let got = object(try #require(frames.last, "\(name)"))
                #expect(canonical(got["id"]) == canonical(reply["id"]) && member("ok", of: got) == false, "\(name)")
                let code: String = member("code", of: got["error"]) ?? ""
                let text: String = member("message", of: got["error"]) ?? ""
                #expect(code == member("code", of: error), "\(name): \(code) \(text)")
                #expect(text.hasPrefix(try required("message_prefix", of: error)), "\(name): \(text)")
                #expect(end.isOpen)
            }
        }
    }

    @Test("inbound.json: what is tolerated counts as the plain form")
    func tolerated() throws {
        for item in try cases("tolerated", of: "inbound.json", in: "goclaw") {
            let name: String = try required("name", of: item)
            let message: String = try required("text", of: item)
            let end = GoClawHouse {
                $0.isLocal = !message.contains("gw-secret"); if $0.isLocal { $0.token = nil }
            }
            let peer = end.connect()
            let got = object(try #require(peer.send(message).last, "\(name)"))
            #expect(member("ok", of: got) == true && peer.session.identity != nil, "\(name): \(got)")
            if name.hasPrefix("duplicate-key") { #expect(member("id", of: got) == "b") }
            if name.hasPrefix("missing-id") { #expect(member("id", of: got) == "") }
        }
    }

    /// Frames equal but for what the gateway makes up.
    private func expectFrame(_ got: String?, _ wanted: String, _ generated: [String], _ name: String) {
        guard let got else {
            Issue.record("\(name): nothing in place of \(wanted)")
            return
        }
        var (left, right) = (object(got), object(wanted))
        for member in generated {
            var (payload, other) = (left["payload"] as? [String: Any] ?? [:], right["payload"] as? [String: Any] ?? [:])
            #expect(payload[member] != nil, "\(name)")
            payload[member] = nil
            other[member] = nil
            left["payload"] = payload
            right["payload"] = other
        }
        if generated.isEmpty { #expect(got == wanted, "\(name)") }
        #expect(canonical(left) == canonical(right), "\(name)")
    }

    @Test("exchanges.json: login, refusal and pairing, frame by frame and byte by byte")
    func logins() throws {
        for item in try cases("exchanges", of: "exchanges.json", in: "goclaw") {
            let name: String = try required("name", of: item)
            let setup: [String: Any] = try required("setup", of: item)
            guard let token: String = member("gateway_token", of: setup) else { continue }
            let house = GoClawHouse { $0.token = secret(token) }
            let admin = house.admitted(user: "admin", token: token)
            let end = house.connect()
            var inbox: [String] = []
            var sender = "", code = ""
            for step in try required("steps", of: item, as: [[String: Any]].self) {
                if let sent: String = member("client", of: step) {
                    house.advance(3_000)
                    inbox += end.send(
                        sent.replacingOccurrences(of: "3f2c1d7e-5b0a-4c55-9f0e-0a1b2c3d4e5f", with: sender))
                } else if let wanted: String = member("server", of: step) {
                    let got = inbox.isEmpty ? nil : inbox.removeFirst()
                    expectFrame(got, wanted, member("generated", of: step) ?? [], name)
                    let payload: [String: Any] = member("payload", of: object(got ?? "")) ?? [:]
                    sender = payload["sender_id"] as? String ?? sender
                    code = payload["pairing_code"] as? String ?? code
                } else if step["admin"] != nil {
                    end.received = []
                    #expect(member("ok", of: admin.call("device.pair.approve", #"{"code":"\#(code)"}"#)) == true)
                    inbox += end.received
                }
            }
        }
    }
}
