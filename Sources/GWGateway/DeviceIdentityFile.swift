import GWBase
import GWJSON

/// The text of an identity file: the current form with PEM keys, and the older one with raw keys.
public enum DeviceIdentityFile {
    public enum Content {
        /// PKCS#8 PEM of the private key and SPKI PEM of the public one.
        case pem(privateKey: [UInt8], publicKey: [UInt8], deviceID: [UInt8])
        /// Base64 or base64url of the 32 raw bytes of each.
        case raw(privateKey: [UInt8], publicKey: [UInt8], deviceID: [UInt8])
        /// Something else: never to be overwritten.
        case unknown(why: String)
    }

    public static func read(_ text: UnsafeRawBufferPointer) -> Content {
        var members = JSONMembers()
        guard let whole = JSON.scan(text, &members), whole.kind == .object else {
            return .unknown(why: "it is not a JSON object")
        }
        func string(_ name: StaticString) -> [UInt8]? {
            guard let value = members.find(name, in: text) else { return nil }
            return JSON.string(value, in: text)
        }
        let deviceID = string("deviceId") ?? []
        if let version = members.find("version", in: text) {
            guard JSON.integer(version, in: text) == 1 else {
                return .unknown(why: "its version is \(String(printable: text[version.range], limit: 20)), known is 1")
            }
            guard let privateKey = string("privateKeyPem"), let publicKey = string("publicKeyPem") else {
                return .unknown(why: "privateKeyPem or publicKeyPem is missing")
            }
            return .pem(privateKey: privateKey, publicKey: publicKey, deviceID: deviceID)
        }
        guard let privateKey = string("privateKey"), let publicKey = string("publicKey") else {
            return .unknown(why: "it has neither a version nor privateKey and publicKey")
        }
        return .raw(privateKey: privateKey, publicKey: publicKey, deviceID: deviceID)
    }

    /// The text to write for a key: the form that gateways' own tools write.
    public static func write(
        deviceID: [UInt8], publicKeyPEM: [UInt8], privateKeyPEM: UnsafeRawBufferPointer, createdAtMilliseconds: UInt64
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.append("{\n  \"version\": 1,\n  \"deviceId\": ")
        buffer.appendJSONString(deviceID)
        buffer.append(",\n  \"publicKeyPem\": ")
        buffer.appendJSONString(publicKeyPEM)
        buffer.append(",\n  \"privateKeyPem\": ")
        buffer.appendJSONString(privateKeyPEM)
        buffer.append(",\n  \"createdAtMs\": ")
        buffer.append(decimalText(createdAtMilliseconds))
        buffer.append("\n}\n")
        return buffer
    }
}
