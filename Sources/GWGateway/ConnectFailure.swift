import GWBase
import GWJSON

/// Why a connection never reached its hello, and what that means for the next attempt.
public struct ConnectFailure {
    public var failure: Failure
    /// What the gateway says in its refusal; nil for a failure of our own finding.
    public let details: RefusalDetails?
    private let next: RefusalRule.Next

    /// A failure of our own finding, which says itself whether a retry can help.
    public init(_ failure: Failure) {
        self.failure = failure
        details = nil
        next = .retry
    }

    public init(_ error: ErrorObject, in text: UnsafeRawBufferPointer) {
        let details = RefusalDetails(error, in: text)
        let rule = RefusalRule.find(details.code)
        self.details = details
        next = rule.next

        let name = details.code.isEmpty ? error.code : details.code
        var line = "the gateway refused to connect: \(String(printable: error.message, limit: 400)) "
        line += "(\(String(printable: name, limit: 80)))"
        if !details.requestID.isEmpty { line += ", request id \(String(printable: details.requestID))" }
        var status = Status.connectRejected
        if isEqual("PROTOCOL_MISMATCH", details.code) {
            status = .protocolRange
            line += ConnectFailure.protocolNumbers(error.details, in: text)
        }
        failure = Failure(status, rule.actor, line)
        failure.name = name
        failure.retryAfterMilliseconds = error.retryAfterMilliseconds
        if details.isStarting {
            failure.retryAfterMilliseconds = min(
                max(error.hasRetryAfter ? error.retryAfterMilliseconds : 500, 100), 2000)
        }
        if let json = error.details { failure.detail = Array(text[json.range]) }
        failure.isRetryable = !stopsReconnecting
    }

    /// Which protocol the gateway speaks and which were offered, as far as it says so.
    private static func protocolNumbers(_ details: JSONSlice?, in text: UnsafeRawBufferPointer) -> String {
        func number(_ name: StaticString) -> Int64? {
            guard let details, let value = JSON.member(name, of: details, in: text) else { return nil }
            return JSON.integer(value, in: text)
        }
        guard let expected = number("expectedProtocol") else { return "" }
        guard let minimum = number("clientMinProtocol"), let maximum = number("clientMaxProtocol") else {
            return "; it speaks protocol \(expected)"
        }
        return "; it speaks protocol \(expected), offered was \(minimum) to \(maximum)"
    }

    // MARK: - The next attempt

    /// - Parameters:
    ///   - repeats: how often the gateway has refused with this code in a row, this time included.
    ///   - canShowStored: whether the stored device token is at hand for the one retry with it.
    ///   - slowMilliseconds: the delay for what will not change soon.
    public func recovery(repeats: Int, canShowStored: Bool, slowMilliseconds: UInt32) -> Recovery {
        guard let details else {
            return failure.isRetryable ? .retry(floorMilliseconds: failure.retryAfterMilliseconds) : .stop
        }
        let usual = Recovery.retry(floorMilliseconds: failure.retryAfterMilliseconds)
        if details.isStarting { return .retryAfter(milliseconds: failure.retryAfterMilliseconds) }
        let retries = canShowStored && details.invitesStoredToken
        switch next {
        case .pause:
            return waitsByItself ? usual : .pause
        case _ where retries:
            return .retryWithStoredToken
        case .pauseUnlessRetrying:
            return .pause
        case .retryUntil(let limit):
            return repeats < limit ? usual : .pause
        case .retrySlowly:
            return .retry(floorMilliseconds: max(failure.retryAfterMilliseconds, slowMilliseconds))
        case .retry:
            return usual
        }
    }

    /// Whether the gateway says that waiting is enough where somebody usually has to act.
    private var waitsByItself: Bool {
        guard let details else { return false }
        if isEqual("PAIRING_REQUIRED", details.code) {
            return details.saysWaitThenRetry || details.pausesReconnect == false
        }
        return isEqual("AUTH_RATE_LIMITED", details.code) && failure.retryAfterMilliseconds > 0
    }

    /// Whether the first refusal of this kind ends the attempts, if no stored token can be shown.
    public var stopsReconnecting: Bool {
        switch recovery(repeats: 1, canShowStored: false, slowMilliseconds: 0) {
        case .pause, .stop: true
        default: false
        }
    }
}
