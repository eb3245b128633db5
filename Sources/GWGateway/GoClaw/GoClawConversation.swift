import GWBase
import GWJSON

/// The methods around a conversation, with the rule whose it is.
extension GoClawGateway {
    private static let stopWords: [StaticString] = [
        "stop", "cancel", "abort", "nevermind", "never mind", "thôi", "dừng", "hủy", "取消", "停",
    ]

    func conversation(_ call: GoClawCall) -> GoClawAnswer {
        func isMethod(_ name: StaticString) -> Bool { isEqual(name, call.method) }
        if isMethod("chat.send") { return send(call) }
        if isMethod("chat.session.status") { return runStatus(call) }
        if isMethod("sessions.list") { return .reply(sessionList(call)) }
        if isMethod("chat.history") || isMethod("chat.inject") || isMethod("chat.abort") {
            guard call.params.isThere else { return .invalid("invalid JSON") }
            if isMethod("chat.history") { return history(call) }
            return isMethod("chat.inject") ? inject(call) : abort(call)
        }
        let isPreview = isMethod("sessions.preview")
        guard isPreview || isMethod("sessions.patch") || isMethod("sessions.delete") || isMethod("sessions.reset")
        else { return .notBuiltin }
        guard call.params.isThere else { return .invalid("invalid JSON") }
        let key = call.params.string("key")
        guard !key.isEmpty else { return .invalid("key is required") }
        guard let place = chats.find(key) else { return notFound("session", key) }
        if let refusal = refusal(key, call) { return refusal }
        if isPreview {
            return .reply(
                GoClawWriter.object { payload in
                    payload.string("key", key)
                    GoClawGateway.write(chats.chats[place].messages, &payload)
                    payload.string("summary", "")
                })
        }
        if isMethod("sessions.patch") {
            let label = call.params.string("label")
            guard label.count <= GoClaw.nameBytes else {
                return .invalid("label has more than \(GoClaw.nameBytes) bytes")
            }
            if call.params.member("label") != nil { chats.label(key, label) }
            return .reply(
                GoClawWriter.object { payload in
                    payload.string("key", key)
                    payload.bool("ok", true)
                })
        }
        if isMethod("sessions.reset") { chats.reset(key) } else { chats.delete(key) }
        return .reply("{\"ok\":true}".bytes)
    }

    // MARK: - Whose it is

    /// Why the caller may not have this session; nil if he may, or if there is none.
    private func refusal(_ key: [UInt8], _ call: GoClawCall) -> GoClawAnswer? {
        guard let place = chats.find(key), !seesAll(call.identity), chats.chats[place].owner != call.identity.userID
        else { return nil }
        return .reject(settings.ownership)
    }

    /// The same, where there must be one.
    private func refusalOfKnown(_ key: [UInt8], _ call: GoClawCall) -> GoClawAnswer? {
        if chats.find(key) == nil, !seesAll(call.identity) { return notFound("session", key) }
        return refusal(key, call)
    }

    // MARK: - chat.*

    private func send(_ call: GoClawCall) -> GoClawAnswer {
        let user = call.identity.userID
        guard limiter.allows(user.isEmpty ? call.arrival.name : user, call.now) else {
            return .invalid("rate limit exceeded — please wait")
        }
        guard call.params.isThere else { return .invalid("invalid JSON") }
        var key = call.params.string("sessionKey")
        let agent = GoClawGateway.agent(call.params.string("agentId"), key)
        guard isEqual("default", agent) else { return notFound("agent", agent) }
        guard !user.isEmpty else { return .invalid("user_id is required") }
        let message = call.params.string("message")
        guard !message.isEmpty || call.params.member("media") != nil else { return .invalid("message is required") }
        guard FrameSchema.codePoints(key) <= 512 else { return .invalid("invalid sessionKey") }
        if let refusal = refusal(key, call) { return refusal }

        if let run = chats.run(in: key), !key.isEmpty {
            if GoClawGateway.isStopWord(message) {
                let ended = stop(sessionKey: key, runID: [])
                return .reply("{\"aborted\":\(!ended.isEmpty),\"cancelled\":true}".bytes)
            }
            if call.params.member("media") == nil {
                chats.add("user", message, to: key, call.wallMilliseconds)
                tell(.user(user), "agent", run.injected(message))
                return .reply("{\"injected\":true}".bytes)
            }
        }
        guard chats.hasRoom else { return .reject(Rejection("INTERNAL", "internal error: too many runs")) }
        if key.isEmpty { key = "agent:default:ws:direct:".bytes + random.uuid() }
        chats.open(key, owner: user, call.wallMilliseconds)
        chats.add("user", message, to: key, call.wallMilliseconds)
        let run = GoClawRun(
            runID: random.uuid(), sessionKey: key, userID: user, message: message,
            streams: call.params.isTrue("stream"), connection: call.arrival.connection, wireID: call.id, call.now)
        tell(.user(user), "agent", run.started)
        chats.start(run)
        return .later
    }

    /// The agent that is asked: named, or by the key of its session.
    private static func agent(_ named: [UInt8], _ key: [UInt8]) -> [UInt8] {
        if !named.isEmpty { return named }
        let parts = key.split(separator: 0x3a, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, isEqual("agent", Array(parts[0])) else { return "default".bytes }
        return Array(parts[1])
    }

    private static func isStopWord(_ message: [UInt8]) -> Bool {
        let space: [UInt8] = [0x20, 0x09, 0x0a, 0x0d]
        guard let first = message.firstIndex(where: { !space.contains($0) }),
            let last = message.lastIndex(where: { !space.contains($0) })
        else { return false }
        let word = message[first...last].map { $0.asciiLowercased }
        return stopWords.contains { isEqual($0, word) }
    }

    /// Ends runs, whose callers are told.
    private func stop(sessionKey: [UInt8], runID: [UInt8]) -> [GoClawRun] {
        let ended = chats.abort(sessionKey: sessionKey, runID: runID)
        for run in ended {
            tell(.user(run.userID), "agent", run.cancelled)
            answer(run.connection, GoClawWriter.response(run.wireID, "{\"cancelled\":true}".bytes))
        }
        return ended
    }

    private func history(_ call: GoClawCall) -> GoClawAnswer {
        let key = call.params.string("sessionKey")
        guard !key.isEmpty else { return .reply("{\"messages\":null}".bytes) }
        if let refusal = refusalOfKnown(key, call) { return refusal }
        let messages = chats.find(key).map { chats.chats[$0].messages } ?? []
        return .reply(GoClawWriter.object { GoClawGateway.write(messages, &$0) })
    }

    private func inject(_ call: GoClawCall) -> GoClawAnswer {
        let key = call.params.string("sessionKey")
        guard !key.isEmpty else { return .invalid("sessionKey is required") }
        let message = call.params.string("message")
        guard !message.isEmpty else { return .invalid("message is required") }
        if let refusal = refusalOfKnown(key, call) { return refusal }
        chats.add("assistant", message, to: key, call.wallMilliseconds)
        return .reply(
            GoClawWriter.object { payload in
                payload.string("messageId", random.uuid())
                payload.bool("ok", true)
            })
    }

    private func abort(_ call: GoClawCall) -> GoClawAnswer {
        let (key, runID) = (call.params.string("sessionKey"), call.params.string("runId"))
        if key.isEmpty {
            guard seesAll(call.identity) else { return .invalid("sessionKey is required") }
            guard !runID.isEmpty else { return .invalid("sessionKey or runId is required") }
        } else if let refusal = refusalOfKnown(key, call) {
            return refusal
        }
        let ended = stop(sessionKey: key, runID: runID)
        let reply = GoClawWriter.object { payload in
            payload.bool("aborted", !ended.isEmpty)
            payload.bool("alreadyAborting", false)
            payload.bool("forced", false)
            payload.bool("notFound", false)
            payload.bool("ok", true)
            if ended.isEmpty {
                payload.null("runIds")
            } else {
                payload.array("runIds") { list in for run in ended { list.string(run.runID) } }
            }
            payload.bool("stopped", !ended.isEmpty)
            payload.bool("unauthorized", false)
        }
        // Behind the answers of the runs.
        answer(call.arrival.connection, GoClawWriter.response(call.id, reply))
        return .later
    }

    private func runStatus(_ call: GoClawCall) -> GoClawAnswer {
        let key = call.params.string("sessionKey")
        guard !key.isEmpty else { return .invalid("sessionKey is required") }
        if let refusal = refusalOfKnown(key, call) { return refusal }
        let run = chats.run(in: key)
        return .reply(
            GoClawWriter.object { payload in
                payload.null("activity")
                payload.bool("isRunning", run != nil)
                payload.string("runId", run?.runID ?? [])
            })
    }

    // MARK: - sessions.*

    private func sessionList(_ call: GoClawCall) -> [UInt8] {
        let wished = call.params.integer("limit") ?? 0
        let limit = wished <= 0 ? 20 : Int(clamping: wished)
        let offset = Int(clamping: max(call.params.integer("offset") ?? 0, 0))
        let seen = chats.chats.filter { seesAll(call.identity) || $0.owner == call.identity.userID }
        return GoClawWriter.object { payload in
            payload.integer("limit", limit)
            payload.integer("offset", offset)
            payload.array("sessions") { list in
                for chat in seen.dropFirst(offset).prefix(limit) {
                    list.object { item in
                        item.string("key", chat.key)
                        item.integer("messageCount", chat.messages.count)
                        item.string("created", RFC3339.text(milliseconds: chat.created))
                        item.string("updated", RFC3339.text(milliseconds: chat.updated))
                        if !chat.label.isEmpty { item.string("label", chat.label) }
                        item.string("channel", "ws")
                        item.string("userID", chat.owner)
                    }
                }
            }
            payload.integer("total", seen.count)
        }
    }

    private static func write(_ messages: [GoClawChats.Message], _ payload: inout JSONWriter) {
        guard !messages.isEmpty else { return payload.null("messages") }
        payload.array("messages") { list in
            for message in messages {
                list.object { item in
                    item.string("role", "\(message.role)")
                    item.string("content", message.content)
                }
            }
        }
    }
}
