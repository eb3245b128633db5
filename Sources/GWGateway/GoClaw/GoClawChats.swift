import GWBase
import GWJSON

/// The conversations of an embedded gateway and what runs in them.
struct GoClawChats {
    struct Message {
        var role: StaticString
        var content: [UInt8]
    }

    struct Chat {
        var key: [UInt8]
        var owner: [UInt8]
        var label: [UInt8] = []
        var messages: [Message] = []
        var created: UInt64
        var updated: UInt64
    }

    private static let mostChats = 1024
    private static let mostMessages = 256
    private static let mostRuns = 1024
    /// All messages together, and all runs.
    private static let mostBytes = 16_777_216

    private var heldBytes = 0
    private(set) var chats: [Chat] = []
    private(set) var runs: [GoClawRun] = []

    // MARK: - Conversations

    func find(_ key: [UInt8]) -> Int? { chats.firstIndex { $0.key == key } }

    /// Makes the conversation if there is none; the oldest one goes where there are too many.
    mutating func open(_ key: [UInt8], owner: [UInt8], _ now: UInt64) {
        guard find(key) == nil else { return }
        if chats.count >= GoClawChats.mostChats { dropFirst() }
        chats.append(Chat(key: key, owner: owner, created: now, updated: now))
    }

    mutating func add(_ role: StaticString, _ content: [UInt8], to key: [UInt8], _ now: UInt64) {
        while heldBytes + content.count > GoClawChats.mostBytes, chats.count > 1 { dropFirst() }
        guard let place = find(key) else { return }
        if chats[place].messages.count >= GoClawChats.mostMessages {
            heldBytes -= chats[place].messages.removeFirst().content.count
        }
        heldBytes += content.count
        chats[place].messages.append(Message(role: role, content: content))
        chats[place].updated = now
    }

    private mutating func dropFirst() {
        guard let first = chats.first else { return }
        delete(first.key)
    }

    mutating func label(_ key: [UInt8], _ label: [UInt8]) {
        guard let place = find(key) else { return }
        chats[place].label = label
    }

    mutating func reset(_ key: [UInt8]) {
        guard let place = find(key) else { return }
        for message in chats[place].messages { heldBytes -= message.content.count }
        chats[place].messages = []
    }

    mutating func delete(_ key: [UInt8]) {
        reset(key)
        chats.removeAll { $0.key == key }
    }

    // MARK: - Runs

    var hasRoom: Bool {
        runs.count < GoClawChats.mostRuns
            && runs.reduce(0) { $0 + $1.answer.count } < GoClawChats.mostBytes
    }

    func run(in key: [UInt8]) -> GoClawRun? { runs.first { $0.sessionKey == key } }

    mutating func start(_ run: GoClawRun) { runs.append(run) }

    /// Takes the runs of a conversation, or the one of an id, out.
    mutating func abort(sessionKey: [UInt8], runID: [UInt8]) -> [GoClawRun] {
        func isMeant(_ run: GoClawRun) -> Bool {
            (sessionKey.isEmpty || run.sessionKey == sessionKey) && (runID.isEmpty || run.runID == runID)
        }
        let ended = runs.filter(isMeant)
        runs.removeAll(where: isMeant)
        return ended
    }

    var nextStep: Instant { runs.reduce(.never) { min($0, $1.nextStep) } }

    /// What one run has to say, and that run; nil when none has anything to say yet.  To be called until then.
    mutating func step(_ now: Instant) -> (GoClawRun, GoClawRun.StepAction)? {
        for place in runs.indices {
            let action = runs[place].step(now)
            switch action {
            case .wait: continue
            case .chunk: return (runs[place], action)
            case .completed: return (runs.remove(at: place), action)
            }
        }
        return nil
    }
}
