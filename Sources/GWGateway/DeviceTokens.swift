import GWBase
import GWJSON

/// The tokens that one gateway has issued to one device, one for each role.
public struct DeviceTokens {
    public private(set) var deviceID: [UInt8]
    public private(set) var all: [DeviceToken] = []

    public init(deviceID: [UInt8]) { self.deviceID = deviceID }

    public func token(deviceID: [UInt8], role: [UInt8]) -> DeviceToken? {
        guard self.deviceID.elementsEqual(deviceID) else { return nil }
        let role = DeviceAuth.trimmed(role)
        return all.first { $0.role.elementsEqual(role) }
    }

    /// Stores a token in place of the one for its role.  Those of another device are worth nothing to this one, and go.
    public mutating func store(_ token: DeviceToken, deviceID: [UInt8]) {
        if !self.deviceID.elementsEqual(deviceID) {
            self.deviceID = deviceID
            all = []
        }
        guard !token.role.isEmpty, !token.token.isEmpty else { return }
        all.removeAll { $0.role.elementsEqual(token.role) }
        all.append(token)
    }

    /// Stores what a hello brought, those without a role under `role`.  A gateway that gives the same token again says less about its scopes than it did when it
    /// issued it.
    public mutating func keep(_ issued: [DeviceToken], role: [UInt8], wallMilliseconds: UInt64) {
        for issued in issued {
            let role = issued.role.isEmpty ? role : issued.role
            let stored = token(deviceID: deviceID, role: role)
            let isSame = stored?.token.elementsEqual(issued.token) ?? false
            let scopes = isSame ? stored?.scopes ?? [] : issued.scopes
            store(
                issued.copy(role: role, scopes: scopes, updatedAtMilliseconds: wallMilliseconds), deviceID: deviceID)
        }
    }

    /// Removes a token that was refused, but not another one that has taken its place meanwhile; whether it was there.
    public mutating func forget(_ refused: DeviceToken) -> Bool {
        let count = all.count
        all.removeAll { $0.role.elementsEqual(refused.role) && $0.token.elementsEqual(refused.token) }
        return all.count < count
    }

    // MARK: - Text

    /// Reads `{"version":1,"deviceId":"...","tokens":{"<role>":{"token":"...","scopes":[...],"updatedAtMs":0}}}`; nil if it is
    /// none.  Entries that make no sense are left out.
    public init?(_ value: JSONSlice, in text: UnsafeRawBufferPointer) {
        guard value.kind == .object, let version = JSON.member("version", of: value, in: text),
            JSON.integer(version, in: text) == 1,
            let deviceID = JSON.member("deviceId", of: value, in: text).flatMap({ JSON.string($0, in: text) }),
            !deviceID.isEmpty, let tokens = JSON.member("tokens", of: value, in: text), tokens.kind == .object
        else { return nil }
        var read = DeviceTokens(deviceID: deviceID)
        JSON.forEachMember(of: tokens, in: text) { key, entry in
            guard let token = DeviceTokens.entry(key, entry, text) else { return }
            read.store(token, deviceID: deviceID)
        }
        self = read
    }

    private static func entry(
        _ key: Range<Int>, _ entry: JSONSlice, _ text: UnsafeRawBufferPointer
    ) -> DeviceToken? {
        // The key with the quotes around it is a string like any other.
        let quoted = JSONSlice(kind: .string, range: key.lowerBound - 1..<key.upperBound + 1)
        guard entry.kind == .object, let role = JSON.string(quoted, in: text),
            let token = JSON.member("token", of: entry, in: text).flatMap({ JSON.string($0, in: text) })
        else { return nil }
        let time = JSON.member("updatedAtMs", of: entry, in: text).flatMap { JSON.integer($0, in: text) } ?? 0
        return DeviceToken(
            role: role, token: token, scopes: Scope.list(JSON.member("scopes", of: entry, in: text), in: text),
            updatedAtMilliseconds: time > 0 ? UInt64(time) : 0)
    }

    /// At most how long the text is.
    var textSize: Int {
        var size = 128 + JSON.stringLength(deviceID)
        for token in all {
            size += 160 + 2 * JSON.stringLength(token.role) + JSON.stringLength(token.token)
            for scope in token.scopes { size += JSON.stringLength(scope) + 4 }
        }
        return size
    }

    /// Appends the members of the text, without the braces around them.
    func write(into buffer: inout ByteBuffer) {
        buffer.append("\"version\": 1, \"deviceId\": ")
        buffer.appendJSONString(deviceID)
        buffer.append(", \"tokens\": {")
        for (index, token) in all.enumerated() {
            buffer.append(index == 0 ? "\n    " : ",\n    ")
            buffer.appendJSONString(token.role)
            buffer.append(": {\"token\": ")
            buffer.appendJSONString(token.token)
            buffer.append(", \"role\": ")
            buffer.appendJSONString(token.role)
            buffer.append(", \"scopes\": [")
            for (place, scope) in token.scopes.enumerated() {
                if place > 0 { buffer.append(", ") }
                buffer.appendJSONString(scope)
            }
            buffer.append("], \"updatedAtMs\": ")
            buffer.append(decimalText(token.updatedAtMilliseconds))
            buffer.append(0x7d)
        }
        buffer.append("}")
    }
}
