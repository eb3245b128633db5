import GWBase

/// What a person can do about a failed step, where the failure itself does not say it.
enum Advice {
    static func text(for failure: Failure, at step: Diagnosis.Step) -> String? {
        advice(failure, step).map { "\($0)" }
    }

    private static func advice(_ failure: Failure, _ step: Diagnosis.Step) -> StaticString? {
        switch failure.status {
        case .resolve: "check how the name is written, and that this machine's DNS knows it"
        case .connect: "check that the gateway runs and listens on this address and port"
        case .connectTimeout:
            "nothing answered, not even with a refusal: a firewall drops the packets, or the host is off"
        case .proxy where step == .tcp: "check the proxy's address, or go without it"
        case .proxyRefused where failure.code == 407: "give user and password in the proxy's URL"
        case .proxyRefused: "who keeps the proxy must allow this target, or go without it"
        case .proxy, .proxyTimeout: "check that this is a proxy of the kind that its URL says"
        case .tlsTimeout: "something took the connection that does not speak TLS: check the port, or try ws://"
        case .upgradeRefused: refusal(failure.code)
        case .upgradeInvalid: "what listens there is no WebSocket server: check host, port and path"
        case .upgradeTimeout: "something took the connection that does not speak HTTP: check the port"
        case .challengeTimeout:
            "the WebSocket stands, but no gateway of this protocol answers: check the path, or use it as a raw WebSocket"
        case .closed where step == .challenge, .lost where step == .challenge:
            "the WebSocket stood, but whoever answers is no gateway of this protocol, or has just been stopped"
        case .lost where step == .upgrade:
            "check the port: wss:// servers hang up on ws://, and others on HTTP"
        case .connectRejected, .protocolRange: rejection(failure.name)
        case .helloTimeout: "the gateway is overloaded or still starting: look at its log"
        case .tickTimeout: "the gateway is busy, or something between holds back what it sends"
        default: nil
        }
    }

    private static func refusal(_ status: UInt32) -> StaticString? {
        switch status {
        case 300..<400: "use the URL that its Location header names"
        case 401: "the server, or a proxy before it, wants other credentials in the request's headers"
        case 403: "the server, or a proxy before it, does not let this client in: look at the body and at its log"
        case 404: "there is no WebSocket at this path: check the path of the URL"
        case 400, 405, 426: "what listens there does not take WebSockets at this path: check port and path"
        case 429: "too many attempts: wait, then try again"
        case 502, 503, 504: "the proxy before the gateway does not reach it: is the gateway running?"
        default: nil
        }
    }

    /// By the gateway's detail code.
    private static func rejection(_ code: [UInt8]) -> StaticString? {
        for (name, advice) in rejections where isEqual(name, code) { return advice }
        return nil
    }

    private static let rejections: [(StaticString, StaticString)] = [
        ("AUTH_TOKEN_MISSING", "give the gateway's token"),
        ("AUTH_TOKEN_MISMATCH", "give the token that the gateway has now"),
        ("AUTH_TOKEN_NOT_CONFIGURED", "who runs the gateway must set a token, or connect with what it wants instead"),
        ("AUTH_PASSWORD_MISSING", "give the gateway's password"),
        ("AUTH_PASSWORD_MISMATCH", "give the password that the gateway has now"),
        ("AUTH_PASSWORD_NOT_CONFIGURED", "who runs the gateway must set a password, or connect with its token"),
        ("AUTH_DEVICE_TOKEN_MISMATCH", "approve this device on the gateway anew, or give the gateway's token"),
        ("AUTH_RATE_LIMITED", "there were too many wrong credentials: wait, then give the right ones"),
        ("AUTH_REQUIRED", "give the gateway's token or password"),
        ("AUTH_UNAUTHORIZED", "give the gateway's token or password"),
        ("CONTROL_UI_ORIGIN_NOT_ALLOWED", "who runs the gateway must allow this origin"),
        ("DEVICE_IDENTITY_REQUIRED", "connect with a device identity"),
        ("DEVICE_AUTH_SIGNATURE_EXPIRED", "set the clock of this machine"),
        ("PAIRING_REQUIRED", "approve this device on the gateway, and keep its identity in a file"),
        ("PAIRING_REJECTED", "let who runs the gateway approve this device"),
        ("PAIRING_EXPIRED", "try again and approve this device sooner"),
        ("PROTOCOL_MISMATCH", "update the older of the two sides"),
    ]
}
