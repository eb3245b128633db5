import GWBase
import GWJSON

/// What a refused connect request means for the next attempt: who must act, and whether trying again by itself can help.
public struct ConnectFailure {
    public var failure: Failure
    /// Do not try again until somebody has acted.
    public var stopsReconnecting: Bool
    /// The gateway is starting up: wait as long as it says, within bounds and outside of the backoff.
    public var startupDelayMilliseconds: UInt32?

    /// A failure of our own finding, which says itself whether a retry can help.
    public init(_ failure: Failure) {
        self.failure = failure
        stopsReconnecting = !failure.isRetryable
    }

    public init(_ error: ErrorObject, in text: UnsafeRawBufferPointer) {
        var code = error.detailCode
        // Gateways of protocol 3 have no code for it.
        if code.isEmpty, isEqual("protocol mismatch", error.message) { code = "PROTOCOL_MISMATCH".bytes }
        let verdict = ConnectFailure.verdict(code)
        var stops = verdict.stops
        var status = Status.connectRejected
        var numbers = ""
        if isEqual("PROTOCOL_MISMATCH", code) {
            status = .protocolRange
            numbers = ConnectFailure.protocolNumbers(error.details, in: text)
        }

        var reason: [UInt8] = []
        if let details = error.details, details.kind == .object {
            if let value = JSON.member("reason", of: details, in: text) { reason = JSON.string(value, in: text) ?? [] }
            if isEqual("PAIRING_REQUIRED", code) {
                // The gateway may say that waiting is enough.
                if let pause = JSON.member("pauseReconnect", of: details, in: text), pause.kind == .false {
                    stops = false
                }
                if let step = JSON.member("recommendedNextStep", of: details, in: text),
                    JSON.isString(step, equalTo: "wait_then_retry", in: text)
                {
                    stops = false
                }
            }
        }
        if isEqual("UNAVAILABLE", error.code), error.isRetryable, isEqual("startup-sidecars", reason) {
            startupDelayMilliseconds = min(max(error.hasRetryAfter ? error.retryAfterMilliseconds : 500, 100), 2000)
        }
        stopsReconnecting = stops

        let name = code.isEmpty ? error.code : code
        failure = Failure(
            status, verdict.actor,
            "the gateway refused to connect: \(String(printable: error.message, limit: 400)) "
                + "(\(String(printable: name, limit: 80)))\(numbers)",
            isRetryable: !stops)
        failure.name = name
        failure.retryAfterMilliseconds = error.retryAfterMilliseconds
        if let details = error.details { failure.detail = Array(text[details.range]) }
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

    /// The recovery advice of the protocol for each detail code.
    private static func verdict(_ code: [UInt8]) -> (stops: Bool, actor: Actor) {
        for (name, stops, actor) in table where isEqual(name, code) { return (stops, actor) }
        return (false, .operator)
    }

    private static let table: [(StaticString, Bool, Actor)] = [
        ("AUTH_TOKEN_MISSING", true, .user),
        ("AUTH_TOKEN_MISMATCH", true, .user),
        ("AUTH_TOKEN_NOT_CONFIGURED", false, .operator),
        ("AUTH_PASSWORD_MISSING", true, .user),
        ("AUTH_PASSWORD_MISMATCH", true, .user),
        ("AUTH_PASSWORD_NOT_CONFIGURED", false, .operator),
        ("AUTH_BOOTSTRAP_TOKEN_INVALID", true, .user),
        ("AUTH_DEVICE_TOKEN_MISMATCH", true, .user),
        ("AUTH_SCOPE_MISMATCH", true, .user),
        ("AUTH_RATE_LIMITED", true, .user),
        ("AUTH_IDENTITY_HEADER_REQUIRED", true, .operator),
        ("AUTH_REQUIRED", false, .user),
        ("AUTH_UNAUTHORIZED", false, .user),
        ("AUTH_VERIFIED_USER_REQUIRED", true, .user),
        ("CONTROL_UI_BUILD_MISMATCH", true, .program),
        ("CONTROL_UI_DEVICE_IDENTITY_REQUIRED", true, .program),
        ("CONTROL_UI_ORIGIN_NOT_ALLOWED", false, .operator),
        ("DEVICE_IDENTITY_REQUIRED", true, .program),
        ("PROTOCOL_MISMATCH", true, .program),
        ("PAIRING_REQUIRED", true, .user),
        ("PAIRING_REJECTED", true, .user),
        ("PAIRING_EXPIRED", true, .user),
        ("CLIENT_VERSION_MISMATCH", true, .program),
        ("DEVICE_AUTH_SIGNATURE_EXPIRED", false, .user),
    ]
}
