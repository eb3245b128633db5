import GWBase
import GWJSON

/// The methods that the embedded gateway answers by itself, from small data of its own.
public struct BuiltinMethods {
    public enum Answer {
        case reply([UInt8])
        case reject(Rejection)
        /// An accepted answer now, then chat events, then the final answer.
        case run(ChatRun)
        case notBuiltin
    }

    public static let names: [StaticString] = ["health", "agents.list", "sessions.list", "chat.send"]

    /// What one `chat.send` may say: each event of its answer holds all that was said so far.
    private static let messageBytes = 262_144

    private let startedMilliseconds: UInt64

    public init(wallMilliseconds: UInt64) { startedMilliseconds = wallMilliseconds }

    public func answer(
        _ method: UnsafeRawBufferPointer, _ params: JSONSlice?, in text: UnsafeRawBufferPointer, scopes: [[UInt8]],
        protocolVersion: UInt32, wallMilliseconds: UInt64, now: Instant
    ) -> Answer {
        func isMethod(_ name: StaticString) -> Bool {
            method.count == name.utf8CodeUnitCount
                && method.elementsEqual(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        }
        if isMethod("health") {
            return scoped("operator.read", scopes, protocolVersion) ?? .reply(health(wallMilliseconds))
        }
        if isMethod("agents.list") {
            return scoped("operator.read", scopes, protocolVersion) ?? .reply(Array(BuiltinMethods.agents.utf8))
        }
        if isMethod("sessions.list") {
            return scoped("operator.read", scopes, protocolVersion) ?? .reply(sessions(wallMilliseconds))
        }
        if isMethod("chat.send") {
            return scoped("operator.write", scopes, protocolVersion) ?? chatSend(params, in: text, protocolVersion, now)
        }
        return .notBuiltin
    }

    private func scoped(_ needed: StaticString, _ scopes: [[UInt8]], _ protocolVersion: UInt32) -> Answer? {
        guard !Scope.allows(scopes, needed) else { return nil }
        return .reject(
            Rejection(
                protocolVersion < 4 ? "INVALID_REQUEST" : "FORBIDDEN", "missing scope: \(needed)",
                details: protocolVersion < 4
                    ? ""
                    : "{\"code\":\"MISSING_SCOPE\",\"missingScope\":\"\(needed)\",\"requiredScopes\":[\"\(needed)\"]}"))
    }

    private func health(_ now: UInt64) -> [UInt8] {
        Array(
            ("{\"ok\":true,\"ts\":\(now),\"durationMs\":0,\"channels\":{},\"channelOrder\":[],\"channelLabels\":{},"
                + "\"heartbeatSeconds\":0,\"defaultAgentId\":\"main\",\"agents\":[{\"agentId\":\"main\",\"isDefault\":true}],"
                + "\"sessions\":{\"path\":\"memory\",\"count\":1,\"recent\":[]}}").utf8)
    }

    private static let agents =
        "{\"defaultId\":\"main\",\"mainKey\":\"main\",\"scope\":\"per-sender\",\"agents\":["
        + "{\"id\":\"main\",\"name\":\"Main\",\"identity\":{\"name\":\"Echo\",\"emoji\":\"🦜\"}}]}"

    private func sessions(_ now: UInt64) -> [UInt8] {
        Array(
            ("{\"ts\":\(now),\"path\":\"memory\",\"count\":1,\"totalCount\":1,\"defaults\":{\"modelProvider\":\"builtin\","
                + "\"model\":\"echo\",\"contextTokens\":null},\"sessions\":[{\"key\":\"agent:main:main\",\"kind\":\"direct\","
                + "\"displayName\":\"Main\",\"updatedAt\":\(startedMilliseconds),\"sessionId\":\"main\",\"status\":\"done\","
                + "\"model\":\"echo\",\"modelProvider\":\"builtin\"}]}").utf8)
    }

    private func chatSend(
        _ params: JSONSlice?, in text: UnsafeRawBufferPointer, _ protocolVersion: UInt32, _ now: Instant
    ) -> Answer {
        func required(_ name: StaticString) -> [UInt8]? {
            guard let params, params.kind == .object, let value = JSON.member(name, of: params, in: text) else {
                return nil
            }
            return JSON.string(value, in: text)
        }
        for name in ["sessionKey", "message", "idempotencyKey"] as [StaticString] {
            guard let value = required(name), !value.isEmpty else {
                return .reject(
                    Rejection(
                        "INVALID_REQUEST",
                        "invalid chat.send params: must have required property '\(name)', a non-empty string"))
            }
        }
        let sessionKey = required("sessionKey") ?? []
        guard FrameSchema.codePoints(sessionKey) <= 512 else {
            return .reject(
                Rejection("INVALID_REQUEST", "invalid chat.send params: sessionKey must have at most 512 characters"))
        }
        let message = required("message") ?? []
        guard message.count <= BuiltinMethods.messageBytes else {
            return .reject(
                Rejection(
                    "INVALID_REQUEST",
                    "the message has \(message.count) bytes, the built-in agent takes at most \(BuiltinMethods.messageBytes)"
                ))
        }
        return .run(
            ChatRun(
                runID: required("idempotencyKey") ?? [], sessionKey: sessionKey, message: message,
                protocolVersion: protocolVersion, now: now))
    }
}

/// One answer of the built-in agent, which says back what it was told: word by word as chat events, then as a whole.
public struct ChatRun {
    private static let stepMilliseconds: UInt32 = 15
    /// At most that many deltas, however long the answer is.
    private static let maxDeltas = 64

    public let runID: [UInt8]
    private let sessionKey: [UInt8]
    private let protocolVersion: UInt32
    private let answer: [UInt8]
    private var said = 0
    private var sequence: UInt64 = 0
    public private(set) var nextStep: Instant

    init(runID: [UInt8], sessionKey: [UInt8], message: [UInt8], protocolVersion: UInt32, now: Instant) {
        self.runID = runID
        self.sessionKey = sessionKey
        self.protocolVersion = protocolVersion
        answer = "You said: ".bytes + message
        nextStep = now.adding(milliseconds: ChatRun.stepMilliseconds)
    }

    /// The payload of the first answer.
    public func accepted(wallMilliseconds: UInt64) -> [UInt8] {
        payload { object, run in
            object.string("runId", run.runID)
            object.string("status", "accepted")
            object.integer("acceptedAt", wallMilliseconds)
        }
    }

    public enum StepAction {
        case wait
        /// The payload of a chat event; `isFinal`: no more follow, and the final answer is due.
        case event([UInt8], isFinal: Bool)
    }

    public mutating func step(_ now: Instant, wallMilliseconds: UInt64) -> StepAction {
        guard nextStep <= now else { return .wait }
        nextStep = now.adding(milliseconds: ChatRun.stepMilliseconds)
        sequence += 1
        guard said < answer.count else {
            return .event(event("final", delta: nil, wallMilliseconds), isFinal: true)
        }
        let start = said
        said = endOfPiece(from: start)
        return .event(event("delta", delta: Array(answer[start..<said]), wallMilliseconds), isFinal: false)
    }

    /// A word and the spaces behind it, or several words of a long answer; words beyond all measure are cut, but between
    /// code points.
    private func endOfPiece(from start: Int) -> Int {
        let shortest = (answer.count + ChatRun.maxDeltas - 1) / ChatRun.maxDeltas
        var end = min(start + max(shortest, 1), answer.count)
        let longest = min(end + 64, answer.count)
        // A space that ended it has spaces behind it to take along, a letter the rest of its word.
        if answer[end - 1] != 0x20 { while end < longest, answer[end] != 0x20 { end += 1 } }
        while end < longest, answer[end] == 0x20 { end += 1 }
        while end < answer.count, answer[end] & 0xc0 == 0x80 { end += 1 }
        return end
    }

    /// The payload of the final answer.
    public func final() -> [UInt8] {
        payload { object, run in
            object.string("runId", run.runID)
            object.string("status", "ok")
            object.string("summary", "completed")
        }
    }

    private func event(_ state: StaticString, delta: [UInt8]?, _ wallMilliseconds: UInt64) -> [UInt8] {
        payload { object, run in
            object.string("runId", run.runID)
            object.string("sessionKey", run.sessionKey)
            object.integer("seq", run.sequence)
            object.string("state", "\(state)")
            if let delta, run.protocolVersion >= 4 { object.string("deltaText", delta) }
            object.object("message") { message in
                message.string("role", "assistant")
                message.array("content") { parts in
                    parts.object { part in
                        part.string("type", "text")
                        part.string("text", Array(run.answer[0..<run.said]))
                    }
                }
                message.integer("timestamp", wallMilliseconds)
            }
        }
    }

    private func payload(_ body: (inout JSONWriter, ChatRun) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.appendJSONObject { object in body(&object, self) }
        return Array(buffer.readable)
    }
}
