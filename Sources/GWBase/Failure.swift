/// Who has to act before it can work (`GW_ACTOR_*`).
public enum Actor: UInt32, Sendable {
    case none = 0
    case program = 1
    case user = 2
    case `operator` = 3
    case network = 4
}

/// Why something ended or was refused: all that an error event carries.
public struct Failure: Error {
    public var status: Status
    public var actor: Actor
    /// One line for a person, with the values on both sides; never a secret.
    public var text: String
    /// Close code (RFC 6455 section 7.4) or HTTP status, 0 if there is none.
    public var code: UInt32 = 0
    /// The peer's own code for it, such as `AUTH_TOKEN_MISMATCH`.
    public var name: [UInt8] = []
    /// JSON with what a program may want to know, or empty.
    public var detail: [UInt8] = []
    /// Whether trying the same again later can help.
    public var isRetryable: Bool
    /// The earliest time for that, as the peer asks; 0 if it does not say.
    public var retryAfterMilliseconds: UInt32 = 0

    public init(_ status: Status, _ actor: Actor, _ text: String, isRetryable: Bool = false, code: UInt32 = 0) {
        self.status = status
        self.actor = actor
        self.text = text
        self.isRetryable = isRetryable
        self.code = code
    }

    /// What is held and what was to be added would pass a limit of the program's.
    ///
    /// One function for all of them: texts made of many pieces take kilobytes of code wherever they are made.
    @inline(never)
    public static func wouldPass(
        _ status: Status, held: Int, _ what: StaticString, more: Int, _ name: StaticString, _ limit: Int
    ) -> Failure {
        Failure(
            status, .program, "\(held) \(what), \(more) more would pass \(name) (\(limit))",
            isRetryable: status == .full)
    }

    /// What the program gave is larger than a limit whatever else there is.
    @inline(never)
    public static func tooBig(_ what: StaticString, _ size: Int, _ name: StaticString, _ limit: Int) -> Failure {
        Failure(.tooBig, .program, "\(what) has \(size) bytes, \(name) \(limit)")
    }
}
