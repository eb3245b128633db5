import GWBase
import GWJSON

/// What a client does after a refused connect request.
public enum Recovery: Equatable {
    /// Try again after the usual delay, but not before this time.
    case retry(floorMilliseconds: UInt32)
    /// Try again soon, once, with the stored device token.
    case retryWithStoredToken
    /// Try again after just this time, outside of the backoff.
    case retryAfter(milliseconds: UInt32)
    /// Try again when somebody has acted: given other credentials, approved the device, configured the gateway.
    case pause
    /// Nothing that can be done while this client lives would help.
    case stop
}

/// What the details of a refused connect request say about the next attempt.
public struct RefusalDetails {
    public var code: [UInt8] = []
    public var canRetryWithDeviceToken = false
    public var saysRetryWithDeviceToken = false
    public var saysWaitThenRetry = false
    /// nil where the gateway does not say.
    public var pausesReconnect: Bool?
    /// By which a person finds the request to approve; empty if there is none of the known form.
    public var requestID: [UInt8] = []
    /// The gateway still starts up.
    public var isStarting = false

    public init(_ error: ErrorObject, in text: UnsafeRawBufferPointer) {
        code = error.detailCode
        // Gateways of protocol 3 have no code for it.
        if code.isEmpty, isEqual("protocol mismatch", error.message) { code = "PROTOCOL_MISMATCH".bytes }
        guard let details = error.details, details.kind == .object else { return }
        func has(_ name: StaticString, _ wanted: StaticString) -> Bool {
            guard let value = JSON.member(name, of: details, in: text) else { return false }
            return JSON.isString(value, equalTo: wanted, in: text)
        }
        canRetryWithDeviceToken = JSON.member("canRetryWithDeviceToken", of: details, in: text)?.kind == .true
        saysRetryWithDeviceToken = has("recommendedNextStep", "retry_with_device_token")
        saysWaitThenRetry = has("recommendedNextStep", "wait_then_retry")
        switch JSON.member("pauseReconnect", of: details, in: text)?.kind {
        case .true: pausesReconnect = true
        case .false: pausesReconnect = false
        default: break
        }
        if let value = JSON.member("requestId", of: details, in: text), let id = JSON.string(value, in: text),
            RefusalDetails.isRequestID(id)
        {
            requestID = id
        }
        isStarting =
            isEqual("UNAVAILABLE", error.code) && error.isRetryable && has("reason", "startup-sidecars")
    }

    private static func isRequestID(_ id: [UInt8]) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            byte.isASCIIDigit || (byte.asciiLowercased >= 0x61 && byte.asciiLowercased <= 0x7a)
        }
        guard let first = id.first, isAlphanumeric(first), id.count <= 128 else { return false }
        return id.allSatisfy { isAlphanumeric($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x3a || $0 == 0x2d }
    }

    /// Whether the stored device token, shown beside the shared one, is worth a try, by the gateway's word.
    public var invitesStoredToken: Bool {
        canRetryWithDeviceToken || saysRetryWithDeviceToken || isEqual("AUTH_TOKEN_MISMATCH", code)
    }
}

/// What each detail code of the protocol means for the next attempt, and who must act.
struct RefusalRule {
    enum Next {
        case retry
        /// The gateway's configuration may change, but not soon.
        case retrySlowly
        /// The same refusal for the nth time in a row will not be the last.
        case retryUntil(Int)
        case pause
        /// Unless the stored token is tried next.
        case pauseUnlessRetrying
    }

    let code: StaticString
    let next: Next
    let actor: Actor

    private init(_ code: StaticString, _ next: Next, _ actor: Actor) {
        self.code = code
        self.next = next
        self.actor = actor
    }

    static func find(_ code: [UInt8]) -> RefusalRule {
        all.first { isEqual($0.code, code) } ?? RefusalRule("", .retry, .operator)
    }

    private static let all: [RefusalRule] = [
        RefusalRule("AUTH_REQUIRED", .pauseUnlessRetrying, .user),
        RefusalRule("AUTH_UNAUTHORIZED", .retryUntil(3), .user),
        RefusalRule("AUTH_TOKEN_MISSING", .pause, .user),
        RefusalRule("AUTH_TOKEN_MISMATCH", .pauseUnlessRetrying, .user),
        RefusalRule("AUTH_TOKEN_NOT_CONFIGURED", .retrySlowly, .operator),
        RefusalRule("AUTH_PASSWORD_MISSING", .pause, .user),
        RefusalRule("AUTH_PASSWORD_MISMATCH", .pause, .user),
        RefusalRule("AUTH_PASSWORD_NOT_CONFIGURED", .retrySlowly, .operator),
        RefusalRule("AUTH_BOOTSTRAP_TOKEN_INVALID", .pause, .user),
        RefusalRule("AUTH_DEVICE_TOKEN_MISMATCH", .pause, .user),
        RefusalRule("AUTH_SCOPE_MISMATCH", .pause, .user),
        RefusalRule("AUTH_RATE_LIMITED", .pause, .user),
        RefusalRule("AUTH_IDENTITY_HEADER_REQUIRED", .pauseUnlessRetrying, .operator),
        RefusalRule("AUTH_VERIFIED_USER_REQUIRED", .pause, .user),
        RefusalRule("CONTROL_UI_BUILD_MISMATCH", .pause, .program),
        RefusalRule("CONTROL_UI_DEVICE_IDENTITY_REQUIRED", .pause, .program),
        RefusalRule("CONTROL_UI_ORIGIN_NOT_ALLOWED", .pauseUnlessRetrying, .operator),
        RefusalRule("PROTOCOL_MISMATCH", .pause, .program),
        RefusalRule("CLIENT_VERSION_MISMATCH", .pause, .program),
        RefusalRule("DEVICE_IDENTITY_REQUIRED", .pause, .program),
        RefusalRule("DEVICE_AUTH_INVALID", .pauseUnlessRetrying, .program),
        RefusalRule("DEVICE_AUTH_DEVICE_ID_MISMATCH", .pauseUnlessRetrying, .program),
        RefusalRule("DEVICE_AUTH_SIGNATURE_INVALID", .pauseUnlessRetrying, .program),
        RefusalRule("DEVICE_AUTH_PUBLIC_KEY_INVALID", .pauseUnlessRetrying, .program),
        RefusalRule("DEVICE_AUTH_NONCE_REQUIRED", .retryUntil(2), .program),
        RefusalRule("DEVICE_AUTH_NONCE_MISMATCH", .retryUntil(2), .program),
        RefusalRule("DEVICE_AUTH_SIGNATURE_EXPIRED", .retry, .user),
        RefusalRule("PAIRING_REQUIRED", .pause, .user),
        RefusalRule("PAIRING_REJECTED", .pauseUnlessRetrying, .user),
        RefusalRule("PAIRING_EXPIRED", .pauseUnlessRetrying, .user),
    ]
}
