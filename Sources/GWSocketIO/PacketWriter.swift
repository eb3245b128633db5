import GWBase
import GWJSON

/// Writes the beginnings of Socket.IO packets; JSON follows verbatim.
public enum PacketWriter {
    /// Type, number of attachments, namespace and id.  An empty namespace is the main one.
    public static func begin(
        _ kind: SocketIOPacket.Kind, attachments: Int = 0, namespace: [UInt8], id: UInt64? = nil,
        into buffer: inout ByteBuffer
    ) {
        buffer.append(kind.rawValue &+ 0x30)
        if kind == .binaryEvent || kind == .binaryAck {
            buffer.appendDecimal(attachments)
            buffer.append(UInt8(ascii: "-"))
        }
        if !namespace.isEmpty {
            buffer.append(namespace)
            buffer.append(UInt8(ascii: ","))
        }
        if let id { buffer.appendDecimal(id) }
    }

    /// `["name"`, and a comma if arguments follow.
    public static func eventName(
        _ name: UnsafeRawBufferPointer, hasArguments: Bool, into buffer: inout ByteBuffer
    ) {
        buffer.append(UInt8(ascii: "["))
        buffer.appendJSONString(name)
        if hasArguments { buffer.append(UInt8(ascii: ",")) }
    }

    /// The payload of a connect packet: what recovers the session of before, and the auth object over it.
    public static func connect(
        recovery: Recovery?, auth: UnsafeRawBufferPointer, into buffer: inout ByteBuffer
    ) {
        guard let recovery else { return buffer.append(auth) }
        let auth = UnsafeRawBufferPointer(rebasing: auth.drop { $0 <= 0x20 })
        let object = JSONSlice(kind: .object, range: 0..<auth.count)
        buffer.append(UInt8(ascii: "{"))
        var isFirst = true
        func member(_ name: StaticString, _ value: [UInt8]) {
            guard JSON.member(name, of: object, in: auth) == nil else { return }
            if !isFirst { buffer.append(UInt8(ascii: ",")) }
            isFirst = false
            buffer.append(UInt8(ascii: "\""))
            buffer.append(name)
            buffer.append("\":")
            buffer.append(value)
        }
        member("pid", recovery.pid)
        if !recovery.offset.isEmpty { member("offset", recovery.offset) }
        guard let first = auth.dropFirst().firstIndex(where: { $0 > 0x20 }), auth[first] != UInt8(ascii: "}") else {
            return buffer.append(UInt8(ascii: "}"))
        }
        if !isFirst { buffer.append(UInt8(ascii: ",")) }
        buffer.append(UnsafeRawBufferPointer(rebasing: auth[first...]))
    }
}

/// What resumes a session after a lost connection (connection state recovery): JSON strings, as the server wrote them.
public struct Recovery {
    public var pid: [UInt8]
    /// Of the last event that carried one; empty before that.
    public var offset: [UInt8] = []

    public init(pid: [UInt8]) { self.pid = pid }

    var count: Int { pid.count + offset.count }
}
