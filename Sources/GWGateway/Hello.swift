import GWBase
import GWJSON

/// The parts of a hello-ok that the client acts on.
public struct Hello {
    public var protocolVersion: UInt32
    public var connectionID: [UInt8]
    public var serverVersion: [UInt8]
    public var role: [UInt8]
    /// nil where the gateway does not say (protocol 3 without auth).
    public var scopes: [[UInt8]]?
    /// What the gateway issues to this device; the first one's role is empty where the gateway does not say it.
    public var deviceTokens: [DeviceToken]
    public var tickMilliseconds: UInt32
    public var maxPayloadBytes: UInt32
    /// The hello as JSON with the device tokens in it replaced by null.
    public var redacted: [UInt8]

    /// Reads both the current shape and the older one with `connId` at the top; a failure if it cannot be a hello.
    public init(_ payload: JSONSlice?, in text: UnsafeRawBufferPointer, offered: ClosedRange<UInt32>) throws(Failure) {
        guard let payload, payload.kind == .object else {
            throw Hello.invalid("its payload is not an object")
        }
        protocolVersion = offered.upperBound
        if let value = JSON.member("protocol", of: payload, in: text) {
            guard let number = JSON.integer(value, in: text), let version = UInt32(exactly: number),
                offered.contains(version)
            else {
                let seen = String(printable: text[value.range], limit: 20)
                var failure = Hello.invalid(
                    "it names protocol \(seen), offered was \(offered.lowerBound) to \(offered.upperBound)")
                failure.status = .protocolRange
                throw failure
            }
            protocolVersion = version
        }
        func string(_ name: StaticString, in object: JSONSlice?) -> [UInt8] {
            guard let object, object.kind == .object, let value = JSON.member(name, of: object, in: text) else {
                return []
            }
            return JSON.string(value, in: text) ?? []
        }
        let server = JSON.member("server", of: payload, in: text)
        connectionID = string("connId", in: server)
        if connectionID.isEmpty { connectionID = string("connId", in: payload) }
        serverVersion = string("version", in: server)

        let auth = JSON.member("auth", of: payload, in: text)
        role = string("role", in: auth)
        if let auth, auth.kind == .object, let list = JSON.member("scopes", of: auth, in: text), list.kind == .array {
            scopes = Scope.list(list, in: text)
        }
        deviceTokens = Hello.deviceTokens(auth, text)

        tickMilliseconds = Limits.tickMilliseconds
        maxPayloadBytes = Limits.messageBytes
        if let policy = JSON.member("policy", of: payload, in: text), policy.kind == .object {
            if let value = JSON.member("tickIntervalMs", of: policy, in: text),
                let number = JSON.integer(value, in: text),
                number >= 1
            {
                tickMilliseconds = UInt32(clamping: min(number, Int64(Int32.max)))
            }
            if let value = JSON.member("maxPayload", of: policy, in: text), let number = JSON.integer(value, in: text),
                number >= 1
            {
                maxPayloadBytes = UInt32(clamping: number)
            }
        }
        redacted = Redaction.copy(of: payload, without: "deviceToken", in: text)
    }

    private static func deviceTokens(_ auth: JSONSlice?, _ text: UnsafeRawBufferPointer) -> [DeviceToken] {
        var tokens: [DeviceToken] = []
        func add(_ entry: JSONSlice) {
            guard tokens.count < Limits.deviceTokens, let value = JSON.member("deviceToken", of: entry, in: text),
                value.range.count <= Limits.deviceTokenBytes, let token = JSON.string(value, in: text)
            else { return }
            let role = JSON.member("role", of: entry, in: text).flatMap { JSON.string($0, in: text) }
            tokens.append(
                DeviceToken(
                    role: role ?? [], token: token,
                    scopes: Scope.list(JSON.member("scopes", of: entry, in: text), in: text)))
        }
        guard let auth, auth.kind == .object else { return [] }
        add(auth)
        if let more = JSON.member("deviceTokens", of: auth, in: text), more.kind == .array {
            JSON.forEachElement(of: more, in: text) { entry in
                if entry.kind == .object { add(entry) }
            }
        }
        return tokens
    }

    private static func invalid(_ why: String) -> Failure {
        Failure(.hello, .operator, "the gateway's hello cannot be used: \(why)")
    }
}
