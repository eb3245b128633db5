import GWBase
import GWJSON

/// A Socket.IO packet (protocol 5) as it stands in its text.
public struct SocketIOPacket {
    public enum Kind: UInt8, Sendable {
        case connect = 0
        case disconnect = 1
        case event = 2
        case ack = 3
        case connectError = 4
        case binaryEvent = 5
        case binaryAck = 6
    }

    public var kind: Kind
    /// How many binary messages follow.
    public var attachments = 0
    /// Empty for the main one, `/`.
    public var namespace = 0..<0
    public var id: UInt64?
    /// JSON that was checked.
    public var payload: JSONSlice?
    /// Of an event: a string or a number, the first element of the payload.
    public var name: JSONSlice?

    /// The arguments of an event or of an acknowledgement: a JSON array as soon as its first byte is made a bracket, which for an
    /// event is the comma behind the name.  Nil for none.
    public func arguments(in text: UnsafeRawBufferPointer) -> Range<Int>? {
        guard let payload else { return nil }
        guard let name else { return payload.range }
        let end = min(payload.range.upperBound, text.count)
        var start = name.range.upperBound
        while start < end, text[start] != UInt8(ascii: ",") {
            guard text[start] != UInt8(ascii: "]") else { return nil }
            start &+= 1
        }
        return start < end ? start..<end : nil
    }
}

/// Names that the protocol keeps for itself: never sent as the name of an event, and refused where one comes.
public enum ReservedEvent {
    private static let names: [StaticString] = [
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
    ]

    static func contains(_ name: JSONSlice, in text: UnsafeRawBufferPointer) -> Bool {
        // The first letters tell nearly all others apart; an escape may stand for one of them.
        guard name.isString, name.range.upperBound <= text.count, name.range.count > 2 else { return false }
        switch text[name.range.lowerBound &+ 1] {
        case UInt8(ascii: "c"), UInt8(ascii: "d"), UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "\\"): break
        default: return false
        }
        for reserved in names where JSON.isString(name, equalTo: reserved, in: text) { return true }
        return false
    }

    public static func contains(_ name: UnsafeRawBufferPointer) -> Bool {
        for reserved in names {
            let bytes = UnsafeRawBufferPointer(start: reserved.utf8Start, count: reserved.utf8CodeUnitCount)
            if name.elementsEqual(bytes) { return true }
        }
        return false
    }
}
