import GWBase
import GWJSON

/// One turn of the built-in agent, which says back what it was told: as "agent" events, and then as the answer to chat.send.
struct GoClawRun {
    private static let stepMilliseconds: UInt32 = 15
    private static let mostChunks = 64

    let runID: [UInt8]
    let sessionKey: [UInt8]
    let userID: [UInt8]
    /// Whom the answer goes to, if it is still there.
    let connection: UInt64
    let wireID: [UInt8]
    let answer: [UInt8]
    private let message: [UInt8]
    private let streams: Bool
    private var said = 0
    private(set) var nextStep: Instant

    init(
        runID: [UInt8], sessionKey: [UInt8], userID: [UInt8], message: [UInt8], streams: Bool, connection: UInt64,
        wireID: [UInt8], _ now: Instant
    ) {
        self.runID = runID
        self.sessionKey = sessionKey
        self.userID = userID
        self.message = message
        self.streams = streams
        self.connection = connection
        self.wireID = wireID
        answer = "You said: ".bytes + message
        nextStep = now.adding(milliseconds: GoClawRun.stepMilliseconds)
    }

    enum StepAction {
        case wait
        /// The payload of an event.
        case chunk([UInt8])
        /// The payload of the last event, and that of the answer.
        case completed(event: [UInt8], answer: [UInt8])
    }

    mutating func step(_ now: Instant) -> StepAction {
        guard nextStep <= now else { return .wait }
        nextStep = now.adding(milliseconds: GoClawRun.stepMilliseconds)
        guard said < answer.count else { return .completed(event: completed, answer: result) }
        let start = said
        said = streams ? endOfPiece(from: start) : answer.count
        let piece = Array(answer[start..<said])
        return .chunk(event("chunk") { $0.string("content", piece) })
    }

    /// A word and the space behind it, or more of a long answer; never inside a code point.
    private func endOfPiece(from start: Int) -> Int {
        let shortest = max(answer.count / GoClawRun.mostChunks, 1)
        var end = min(start + shortest, answer.count)
        let longest = min(end + 64, answer.count)
        while end < longest, answer[end - 1] != 0x20 { end += 1 }
        while end < answer.count, answer[end] & 0xc0 == 0x80 { end += 1 }
        return end
    }

    var started: [UInt8] { event("run.started") { $0.string("message", message) } }

    var cancelled: [UInt8] { event("run.cancelled", nil) }

    func injected(_ text: [UInt8]) -> [UInt8] {
        event("activity") { payload in
            payload.string("content", text)
            payload.string("phase", "injected_message")
        }
    }

    private var tokens: (prompt: Int, completion: Int) {
        func words(_ text: [UInt8]) -> Int { text.split(separator: 0x20).count }
        return (words(message), words(answer))
    }

    private var completed: [UInt8] {
        let (prompt, completion) = tokens
        return event("run.completed") { payload in
            payload.string("content", answer)
            payload.object("usage") { usage in
                usage.integer("cache_creation_tokens", 0)
                usage.integer("cache_read_tokens", 0)
                usage.integer("completion_tokens", completion)
                usage.integer("prompt_tokens", prompt)
                usage.integer("total_tokens", prompt + completion)
            }
        }
    }

    private var result: [UInt8] {
        let (prompt, completion) = tokens
        return GoClawWriter.object { payload in
            payload.string("content", answer)
            payload.string("runId", runID)
            payload.object("usage") { usage in
                usage.integer("completion_tokens", completion)
                usage.integer("prompt_tokens", prompt)
                usage.integer("total_tokens", prompt + completion)
            }
        }
    }

    private func event(_ type: StaticString, _ body: ((inout JSONWriter) -> Void)?) -> [UInt8] {
        GoClawWriter.object { envelope in
            envelope.string("type", "\(type)")
            envelope.string("agentId", "default")
            envelope.string("runId", runID)
            if let body { envelope.object("payload", body) }
            envelope.string("userId", userID)
            envelope.string("channel", "ws")
            envelope.string("chatId", userID)
            envelope.string("sessionKey", sessionKey)
        }
    }
}
