import GWBase
import GWJSON

/// Who a client says that it is in a GoClaw gateway's connect request.
public struct GoClawParameters {
    public var userID: [UInt8] = []
    /// Of a pairing that was approved earlier.
    public var senderID: [UInt8] = []
    public var tenantID: [UInt8] = []
    public var tenantHint: [UInt8] = []
    public var locale: [UInt8] = []

    public init() {}

    /// Writes the whole connect request; what is empty is left out.
    func request(id: UInt64, token: [UInt8], senderID: [UInt8]) -> ByteBuffer {
        let parts: [(StaticString, [UInt8])] = [
            ("token", token), ("user_id", userID), ("sender_id", senderID), ("tenant_id", tenantID),
            ("tenant_hint", tenantHint), ("locale", locale),
        ]
        var buffer = ByteBuffer()
        // All of it at once, so that growing leaves no copy of the token behind.
        var size = 160
        for (_, value) in parts { size += JSON.stringLength(value) + 16 }
        _ = buffer.reserve(size)
        GoClawParameters.begin(id, "connect", into: &buffer)
        buffer.appendJSONObject { params in
            for (name, value) in parts where !value.isEmpty { params.string(name, value) }
        }
        buffer.append(0x7d)
        return buffer
    }

    /// Asks whether a pairing was approved.
    static func statusRequest(id: UInt64, senderID: [UInt8]) -> ByteBuffer {
        var buffer = ByteBuffer()
        begin(id, "browser.pairing.status", into: &buffer)
        buffer.appendJSONObject { $0.string("sender_id", senderID) }
        buffer.append(0x7d)
        return buffer
    }

    private static func begin(_ id: UInt64, _ method: StaticString, into buffer: inout ByteBuffer) {
        FrameWriter.request(
            id: id, method: UnsafeRawBufferPointer(start: method.utf8Start, count: method.utf8CodeUnitCount),
            hasParams: true, into: &buffer)
    }
}
