import GWBase

/// How a client proves itself to its gateway over all its connections: the host's credentials, the device tokens that the
/// gateway issues, and what a refusal means for both.
public final class ClientAuthentication {
    /// The one retry with the stored token that each hello, and each start by the host, gives anew.
    private enum Retry {
        case unused
        case pending
        case used
    }

    private let role: [UInt8]
    private let scopes: [[UInt8]]?
    /// The delay after a refusal that will not change soon.
    private let slowMilliseconds: UInt32
    /// nil without a device, to which alone tokens are issued.
    private let keeper: (any DeviceTokenKeeper)?
    private var given: Credentials
    /// Whether the host is asked for credentials at each attempt, and how often it was.
    private let asks: Bool
    private var questions: UInt64 = 0
    private var retry = Retry.unused
    /// Of the attempt under way.
    private var choice: CredentialChoice?
    /// Whether the gateway at the other end is this machine, or known by its pin.  Only there the stored token is shown to a
    /// gateway that has refused the shared one.
    public var isTrustedEndpoint = false
    /// The code of the last refusal, and how many in a row had it.
    private var refusals: (code: [UInt8], count: Int) = ([], 0)

    public init(
        _ given: Credentials, keeper: (any DeviceTokenKeeper)?, role: [UInt8], scopes: [[UInt8]]?,
        asks: Bool = false, slowMilliseconds: UInt32 = Limits.reconnectMaximumMilliseconds
    ) {
        self.asks = asks
        self.given = given
        self.keeper = keeper
        self.role = role
        self.scopes = scopes
        self.slowMilliseconds = slowMilliseconds
    }

    /// Takes effect with the next attempt.
    public func replace(_ credentials: Credentials) { given = credentials }

    /// The number of the question to the host that goes before the connect request; nil: there is none.
    func question() -> UInt64? {
        guard asks else { return nil }
        questions += 1
        return questions
    }

    /// What to present in the connect request of this attempt.
    public func choose() -> CredentialChoice {
        let choice = CredentialChoice(
            given, stored: keeper?.token(role: role), retries: retry == .pending && isTrustedEndpoint,
            requestedScopes: scopes)
        if retry == .pending { retry = .used }
        self.choice = choice
        return choice
    }

    /// The gateway said hello.  A failure if the tokens that it issued will not outlive the client.
    public func accepted(_ hello: Hello, wallMilliseconds: UInt64) -> Failure? {
        restart()
        choice = nil
        guard !hello.deviceTokens.isEmpty else { return nil }
        let role = hello.role.isEmpty ? role : hello.role
        return keeper?.keep(hello.deviceTokens, role: role, wallMilliseconds: wallMilliseconds)
    }

    /// The host lets the client try anew.
    public func restart() {
        retry = .unused
        refusals = ([], 0)
    }

    /// The gateway refused the connect request, or the attempt failed before that.
    public func refused(_ refused: inout ConnectFailure) -> Recovery {
        let choice = choice
        self.choice = nil
        if let details = refused.details {
            let isSame = details.code.elementsEqual(refusals.code)
            refusals = (details.code, isSame ? refusals.count + 1 : 1)
            if isEqual("AUTH_DEVICE_TOKEN_MISMATCH", details.code) { forget(choice, &refused.failure) }
        }
        let canShowStored =
            retry == .unused && isTrustedEndpoint && choice?.hasToken == true && choice?.hasDeviceToken == false
            && keeper?.token(role: role) != nil
        let recovery = refused.recovery(
            repeats: refusals.count, canShowStored: canShowStored, slowMilliseconds: slowMilliseconds)
        switch recovery {
        case .retryWithStoredToken:
            retry = .pending
            refused.failure.isRetryable = true
        case .pause, .stop: refused.failure.isRetryable = false
        case .retry, .retryAfter: refused.failure.isRetryable = true
        }
        return recovery
    }

    /// The connection ended before the gateway had answered the connect request.
    public func lost(_ failure: inout Failure) {
        guard let choice, !choice.hasToken, !choice.hasPassword, failure.status == .closed, failure.code == 1008 else {
            return
        }
        self.choice = nil
        if ClientAuthentication.isDeviceTokenMismatch(failure.text.bytes) { forget(choice, &failure) }
    }

    /// Removes the stored token that was shown and refused, so that it is not shown again.
    private func forget(_ choice: CredentialChoice?, _ failure: inout Failure) {
        guard let stored = choice?.storedToken, let problem = keeper?.forget(stored) else { return }
        failure.text += "; the refused token could not be removed: \(problem.text)"
    }

    private static func isDeviceTokenMismatch(_ reason: [UInt8]) -> Bool {
        let wanted: StaticString = "device token mismatch"
        let needle = UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount)
        guard reason.count >= needle.count else { return false }
        return (0...reason.count - needle.count).contains { start in
            reason[start...].prefix(needle.count).elementsEqual(needle) { $0.asciiLowercased == $1 }
        }
    }
}
