import GWBase
import GWJSON

/// A request to an embedded GoClaw gateway, by somebody who may make it.
struct GoClawCall {
    /// As JSON text.
    var id: [UInt8]
    var method: [UInt8]
    var params: GoClawObject
    var identity: GoClawGateway.Identity
    var arrival: GoClawGateway.Arrival
    var now: Instant
    var wallMilliseconds: UInt64
}

enum GoClawAnswer {
    case reply([UInt8])
    case reject(Rejection)
    /// It comes as a notice.
    case later
    case notBuiltin

    static func invalid(_ message: String) -> GoClawAnswer { .reject(Rejection("INVALID_REQUEST", message)) }
}

/// The methods that the gateway answers by itself, but for those around a conversation.
extension GoClawGateway {
    func answer(_ call: GoClawCall) -> GoClawAnswer {
        if isEqual("browser.pairing.status", call.method) { return pairingStatus(call) }
        if call.method.starts(with: "device.pair.".utf8) { return devices(call) }
        guard settings.hasBuiltinMethods else { return .notBuiltin }
        if call.method.starts(with: "chat.".utf8) || call.method.starts(with: "sessions.".utf8) {
            return conversation(call)
        }
        if isEqual("health", call.method) { return .reply(health(call)) }
        if isEqual("status", call.method) { return .reply(status()) }
        if isEqual("agents.list", call.method) { return agents(call) }
        if isEqual("logs.tail", call.method) { return logs(call) }
        return .notBuiltin
    }

    private func health(_ call: GoClawCall) -> [UInt8] {
        GoClawWriter.object { payload in
            payload.array("clients") { list in
                for member in members {
                    list.object { item in
                        item.string("id", member.name)
                        item.string("remoteAddr", member.remote)
                        item.string("userId", member.identity.userID)
                        item.string("role", "\(member.identity.role.name)")
                        item.string("connectedAt", RFC3339.text(milliseconds: member.since))
                    }
                }
            }
            payload.string("currentId", call.arrival.name)
            payload.string("database", "n/a")
            payload.string("mode", "managed")
            payload.string("status", "ok")
            payload.integer("tools", 0)
            payload.integer("uptime", call.wallMilliseconds > startedAt ? call.wallMilliseconds - startedAt : 0)
            payload.string("version", settings.version)
        }
    }

    private func status() -> [UInt8] {
        GoClawWriter.object { payload in
            payload.integer("agentTotal", 1)
            payload.array("agents") { list in
                list.object { agent in
                    agent.string("id", "default")
                    agent.bool("isRunning", !chats.runs.isEmpty)
                    agent.string("model", "echo")
                }
            }
            payload.integer("clients", members.count)
            payload.integer("sessions", chats.chats.count)
        }
    }

    private func agents(_ call: GoClawCall) -> GoClawAnswer {
        guard !call.identity.userID.isEmpty else { return .invalid("user_id is required") }
        return .reply(
            GoClawWriter.object { payload in
                payload.array("agents") { list in
                    list.object { agent in
                        agent.string("id", "default")
                        agent.string("name", "Echo")
                        agent.string("model", "echo")
                        agent.string("provider", "builtin")
                        agent.string("agentType", "open")
                        agent.string("status", "active")
                        agent.bool("isRunning", !chats.runs.isEmpty)
                    }
                }
            })
    }

    private func logs(_ call: GoClawCall) -> GoClawAnswer {
        let action = call.params.string("action")
        if isEqual("stop", action) { return .reply("{\"status\":\"stopped\"}".bytes) }
        guard isEqual("start", action) else { return .invalid("action must be 'start' or 'stop'") }
        let level = call.params.string("level")
        tell(
            .connection(call.arrival.connection), "log",
            GoClawWriter.object { payload in
                payload.string("level", "info")
                payload.string("message", "Log tailing started")
                payload.string("source", "gateway")
                payload.integer("timestamp", call.wallMilliseconds)
            })
        // Behind the event, as it is with buffered lines.
        let payload = GoClawWriter.object { payload in
            payload.string("level", level.isEmpty ? "info".bytes : level)
            payload.string("status", "tailing")
        }
        answer(call.arrival.connection, GoClawWriter.response(call.id, payload))
        return .later
    }

    // MARK: - Pairing

    private func pairingStatus(_ call: GoClawCall) -> GoClawAnswer {
        guard limiter.allows("pairing:".bytes + call.arrival.remote, call.now) else {
            return .reject(Rejection("RESOURCE_EXHAUSTED", "rate limited"))
        }
        let senderID = call.params.string("sender_id")
        guard !senderID.isEmpty else { return .invalid("sender_id is required") }
        guard GoClawPairing.isSenderID(senderID) else { return .invalid("invalid sender_id format") }
        switch pairing.state(of: senderID, call.wallMilliseconds) {
        case .pending: return .reply("{\"status\":\"pending\"}".bytes)
        case .approved: return .reply("{\"status\":\"approved\"}".bytes)
        case .expired: return .reply("{\"status\":\"expired\"}".bytes)
        }
    }

    private func devices(_ call: GoClawCall) -> GoClawAnswer {
        func isMethod(_ name: StaticString) -> Bool { isEqual(name, call.method) }
        if isMethod("device.pair.list") { return .reply(deviceList(call.wallMilliseconds)) }
        if isMethod("device.pair.request") { return requestPairing(call) }
        if isMethod("device.pair.revoke") {
            let (senderID, channel) = (call.params.string("senderId"), call.params.string("channel"))
            guard !senderID.isEmpty, !channel.isEmpty else { return .invalid("senderId and channel are required") }
            guard pairing.revoke(senderID: senderID, channel: channel) else { return notFound("device", senderID) }
            tellResolved("revoked")
            drop(senderID)
            return .reply("{\"revoked\":true}".bytes)
        }
        guard isMethod("device.pair.deny") || isMethod("device.pair.approve") else { return .notBuiltin }
        let code = call.params.string("code")
        guard !code.isEmpty else { return .invalid("code is required") }
        if isMethod("device.pair.deny") {
            guard pairing.deny(code, call.wallMilliseconds) else { return notFound("pairing code", code) }
            tellResolved("denied")
            return .reply("{\"denied\":true}".bytes)
        }
        let named = call.params.string("approvedBy")
        guard named.count <= GoClaw.nameBytes else {
            return .invalid("approvedBy has more than \(GoClaw.nameBytes) bytes")
        }
        let approver = named.isEmpty ? call.identity.userID : named
        guard let device = pairing.approve(code, by: approver, call.wallMilliseconds) else {
            return notFound("pairing code", code)
        }
        tellResolved("approved")
        return .reply(GoClawWriter.object { $0.object("paired") { GoClawGateway.write(device, &$0) } })
    }

    private func requestPairing(_ call: GoClawCall) -> GoClawAnswer {
        let (senderID, channel) = (call.params.string("senderId"), call.params.string("channel"))
        guard !senderID.isEmpty, !channel.isEmpty else { return .invalid("senderId and channel are required") }
        for name in ["senderId", "channel", "chatId", "accountId"] as [StaticString]
        where call.params.string(name).count > GoClaw.nameBytes {
            return .invalid("\(name) has more than \(GoClaw.nameBytes) bytes")
        }
        let account = call.params.string("accountId")
        let request = pairing.request(
            senderID: senderID, channel: channel, chatID: call.params.string("chatId"),
            accountID: account.isEmpty ? "default".bytes : account, call.wallMilliseconds, random)
        guard let request else { return .reject(Rejection("INTERNAL", "too many pending pairing requests")) }
        announce(request)
        return .reply(GoClawWriter.object { $0.string("code", request.code) })
    }

    private func tellResolved(_ action: StaticString) {
        tell(.all, "device.pair.resolved", GoClawWriter.object { $0.string("action", "\(action)") })
    }

    func notFound(_ what: StaticString, _ name: [UInt8]) -> GoClawAnswer {
        .reject(Rejection("NOT_FOUND".bytes, "\(what) not found: ".bytes + name))
    }

    private func deviceList(_ now: UInt64) -> [UInt8] {
        _ = pairing.isPaired([], now)
        return GoClawWriter.object { payload in
            payload.array("paired") { list in
                for device in pairing.paired { list.object { GoClawGateway.write(device, &$0) } }
            }
            payload.array("pending") { list in
                for request in pairing.pending {
                    list.object { item in
                        item.string("code", request.code)
                        item.string("sender_id", request.senderID)
                        item.string("channel", request.channel)
                        item.string("chat_id", request.chatID)
                        item.string("account_id", request.accountID)
                        item.integer("created_at", request.createdAt)
                        item.integer("expires_at", request.expiresAt)
                    }
                }
            }
        }
    }

    private static func write(_ device: GoClawPairing.Device, _ item: inout JSONWriter) {
        item.string("sender_id", device.senderID)
        item.string("channel", device.channel)
        item.string("chat_id", device.chatID)
        item.integer("paired_at", device.pairedAt)
        item.string("paired_by", device.pairedBy)
    }
}
