import GWBase
import GWJSON

/// The connect params that a peer sent, read against the closed schema.
public struct ConnectRequest {
    public struct Device {
        public var id: [UInt8]
        public var publicKey: [UInt8]
        public var signature: [UInt8]
        public var signedAtMilliseconds: UInt64
        public var nonce: [UInt8]
    }

    public var minProtocol: UInt64
    public var maxProtocol: UInt64
    public var clientID: [UInt8]
    public var clientMode: [UInt8]
    public var clientVersion: [UInt8]
    public var platform: [UInt8]
    public var deviceFamily: [UInt8]
    public var displayName: [UInt8]
    public var role: [UInt8]
    public var scopes: [[UInt8]]
    public var device: Device?
    /// Present members of `auth`; an empty string counts as present.
    public var token: [UInt8]?
    public var deviceToken: [UInt8]?
    public var bootstrapToken: [UInt8]?
    public var password: [UInt8]?

    /// The token that the device's signature covers: the first that is present.
    public var signedToken: [UInt8] { token ?? deviceToken ?? bootstrapToken ?? [] }

    /// Why params do not fit the schema, in the words of the gateway's message.
    public struct SchemaError: Error {
        public var message: String
    }

    public init(_ params: JSONSlice?, in text: UnsafeRawBufferPointer) throws(SchemaError) {
        guard let params, params.kind == .object else { throw SchemaError(message: "must be an object") }
        let object = ObjectReader(params, "", text)
        try object.allowOnly([
            "minProtocol", "maxProtocol", "client", "caps", "commands", "permissions", "pathEnv", "role", "scopes",
            "device", "auth", "locale", "userAgent", "computerUse", "workerRuns",
        ])
        minProtocol = try object.integer("minProtocol", atLeast: 1)
        maxProtocol = try object.integer("maxProtocol", atLeast: 1)

        let client = try object.object("client")
        try client.allowOnly([
            "id", "displayName", "version", "platform", "deviceFamily", "modelIdentifier", "mode", "instanceId",
            "buildId", "timeZone",
        ])
        clientID = try client.name("id")
        clientMode = try client.name("mode")
        guard isOneOf(ConnectParameters.knownClientIDs, clientID) else {
            throw SchemaError(message: "at /client/id: must be equal to one of the allowed values")
        }
        guard isOneOf(ConnectParameters.knownClientModes, clientMode) else {
            throw SchemaError(message: "at /client/mode: must be equal to one of the allowed values")
        }
        clientVersion = try client.name("version")
        platform = try client.name("platform")
        deviceFamily = try client.optionalName("deviceFamily") ?? []
        displayName = try client.optionalName("displayName") ?? []
        _ = try client.optionalName("modelIdentifier")
        _ = try client.optionalName("instanceId")
        _ = try client.optionalName("buildId", atMost: 96)
        _ = try client.optionalName("timeZone", atMost: 64)

        _ = try object.names("caps")
        _ = try object.names("commands")
        _ = try object.optionalString("pathEnv")
        _ = try object.optionalString("locale")
        _ = try object.optionalString("userAgent")
        if let permissions = try object.optionalObject("permissions") { try permissions.allBooleans() }
        _ = try object.optionalObject("computerUse")
        _ = try object.optionalObject("workerRuns")
        role = try object.optionalName("role") ?? "operator".bytes
        scopes = try object.names("scopes") ?? []

        if let device = try object.optionalObject("device") {
            try device.allowOnly(["id", "publicKey", "signature", "signedAt", "nonce"])
            self.device = Device(
                id: try device.name("id"), publicKey: try device.name("publicKey"),
                signature: try device.name("signature"),
                signedAtMilliseconds: try device.integer("signedAt", atLeast: 0),
                nonce: try device.name("nonce"))
        }
        if let auth = try object.optionalObject("auth") {
            try auth.allowOnly([
                "token", "bootstrapToken", "deviceToken", "password", "approvalRuntimeToken",
                "agentRuntimeIdentityToken",
            ])
            token = try auth.optionalString("token")
            deviceToken = try auth.optionalString("deviceToken")
            bootstrapToken = try auth.optionalString("bootstrapToken")
            password = try auth.optionalString("password")
            _ = try auth.optionalString("approvalRuntimeToken")
            _ = try auth.optionalString("agentRuntimeIdentityToken")
        }
    }
}

/// One object of the params and the path to it, for messages.
private struct ObjectReader {
    let value: JSONSlice
    let path: String
    let text: UnsafeRawBufferPointer

    init(_ value: JSONSlice, _ path: String, _ text: UnsafeRawBufferPointer) {
        self.value = value
        self.path = path
        self.text = text
    }

    private func error(_ name: StaticString, _ rule: String) -> ConnectRequest.SchemaError {
        ConnectRequest.SchemaError(message: "at \(path)/\(name): \(rule)")
    }

    private func find(_ name: StaticString) -> JSONSlice? { JSON.member(name, of: value, in: text) }

    func allowOnly(_ names: [StaticString]) throws(ConnectRequest.SchemaError) {
        guard JSON.hasOnlyMembers(names, of: value, in: text) else {
            var unknown: [UInt8] = []
            JSON.forEachMember(of: value, in: text) { key, _ in
                if unknown.isEmpty, !names.contains(where: { JSON.isKey(key, $0, in: text) }) {
                    unknown = Array(text[key])
                }
            }
            let place = path.isEmpty ? "root" : path
            throw ConnectRequest.SchemaError(
                message: "at \(place): unexpected property '\(String(printable: unknown, limit: 40))'")
        }
    }

    func integer(_ name: StaticString, atLeast minimum: Int64) throws(ConnectRequest.SchemaError) -> UInt64 {
        guard let found = find(name) else { throw error(name, "is required") }
        guard let number = JSON.integer(found, in: text), number >= minimum else {
            throw error(name, "must be an integer >= \(minimum)")
        }
        return UInt64(number)
    }

    func optionalString(_ name: StaticString) throws(ConnectRequest.SchemaError) -> [UInt8]? {
        guard let found = find(name) else { return nil }
        guard found.kind == .string, let string = JSON.string(found, in: text) else {
            throw error(name, "must be string")
        }
        return string
    }

    func optionalName(
        _ name: StaticString, atMost limit: Int = .max
    ) throws(ConnectRequest.SchemaError) -> [UInt8]? {
        guard let string = try optionalString(name) else { return nil }
        guard !string.isEmpty else { throw error(name, "must NOT have fewer than 1 characters") }
        guard limit == .max || FrameSchema.codePoints(string) <= limit else {
            throw error(name, "must NOT have more than \(limit) characters")
        }
        return string
    }

    func name(_ name: StaticString) throws(ConnectRequest.SchemaError) -> [UInt8] {
        guard let string = try optionalName(name) else { throw error(name, "is required") }
        return string
    }

    func names(_ name: StaticString) throws(ConnectRequest.SchemaError) -> [[UInt8]]? {
        guard let found = find(name) else { return nil }
        guard found.kind == .array else { throw error(name, "must be array") }
        var result: [[UInt8]] = []
        var isValid = true
        JSON.forEachElement(of: found, in: text) { element in
            if element.kind == .string, let string = JSON.string(element, in: text), !string.isEmpty {
                result.append(string)
            } else {
                isValid = false
            }
        }
        guard isValid else { throw error(name, "must hold non-empty strings") }
        return result
    }

    func optionalObject(_ name: StaticString) throws(ConnectRequest.SchemaError) -> ObjectReader? {
        guard let found = find(name) else { return nil }
        guard found.kind == .object else { throw error(name, "must be object") }
        return ObjectReader(found, "\(path)/\(name)", text)
    }

    func object(_ name: StaticString) throws(ConnectRequest.SchemaError) -> ObjectReader {
        guard let object = try optionalObject(name) else { throw error(name, "is required") }
        return object
    }

    func allBooleans() throws(ConnectRequest.SchemaError) {
        var isValid = true
        JSON.forEachMember(of: value, in: text) { key, member in
            if key.isEmpty || (member.kind != .true && member.kind != .false) { isValid = false }
        }
        guard isValid else { throw ConnectRequest.SchemaError(message: "at \(path): must hold booleans under names") }
    }
}
