import GWBase
import GWJSON

/// What the answers of a GoClaw gateway to a connect request mean for the next attempt.
extension ConnectFailure {
    /// A refused connect request.  Only the code counts: the message comes in the language of the locale.
    static func goClaw(
        _ error: ErrorObject, in text: UnsafeRawBufferPointer, hadToken: Bool
    ) -> ConnectFailure {
        var stops = !error.isRetryable
        var actor = Actor.operator
        var advice = ""
        if isEqual("TENANT_ACCESS_REVOKED", error.code) {
            advice = "; this user is no member of the tenant any more"
        } else if isEqual("UNAUTHORIZED", error.code) {
            actor = hadToken ? .user : .operator
            advice =
                hadToken
                ? "; it does not know this token"
                : "; without a token it takes paired clients only, and it takes no further pairing request now: "
                    + "an admin must approve or deny those that wait"
        } else if isEqual("INTERNAL", error.code) {
            stops = false
        } else {
            actor = .program
        }
        var failure = Failure(
            .connectRejected, actor,
            "the gateway refused to connect: \(String(printable: error.message, limit: 400)) "
                + "(\(String(printable: error.code, limit: 80)))\(advice)", isRetryable: !stops)
        failure.name = error.code
        failure.retryAfterMilliseconds = error.retryAfterMilliseconds
        if let details = error.details { failure.detail = Array(text[details.range]) }
        return ConnectFailure(failure)
    }

    /// Gateways from before 18 April 2026 let whoever brings a wrong token in as a viewer.
    static var viewerDespiteToken: ConnectFailure {
        var failure = Failure(
            .connectRejected, .user,
            "the gateway let the client in as viewer although it brought a token: "
                + "it is of an age at which that means that it does not know the token")
        failure.name = "UNAUTHORIZED".bytes
        return ConnectFailure(failure)
    }

    static func pairing(_ name: StaticString, _ text: String) -> ConnectFailure {
        var failure = Failure(.connectRejected, .user, text)
        failure.name = "\(name)".bytes
        return ConnectFailure(failure)
    }

    /// The gateway says that this user's membership of the tenant has ended.
    static var tenantRevoked: ConnectFailure {
        var failure = Failure(
            .connectRejected, .operator, "the gateway ended the login: this user is no member of the tenant any more")
        failure.name = "TENANT_ACCESS_REVOKED".bytes
        return ConnectFailure(failure)
    }
}
