import GWBase

/// What one text message of the WebSocket carries (Engine.IO 4, "Packet encoding").  A binary message is always a message, all of it.
///
/// Ranges are those of the data behind the type.
public enum EngineIOPacket: Equatable {
    case open(Range<Int>)
    case close
    case ping(Range<Int>)
    case pong(Range<Int>)
    case message(Range<Int>)
    case upgrade
    case noop
    /// A binary message in base64, as it is written where only text can be sent.
    case base64(Range<Int>)

    /// Nil: no packet of this protocol.
    @inline(__always)
    public static func read(_ text: UnsafeRawBufferPointer) -> EngineIOPacket? {
        guard let type = text.first else { return nil }
        let data = Range(uncheckedBounds: (1, text.count))
        switch type {
        case UInt8(ascii: "4"): return .message(data)
        case UInt8(ascii: "2"): return .ping(data)
        case UInt8(ascii: "0"): return .open(data)
        case UInt8(ascii: "1"): return .close
        case UInt8(ascii: "3"): return .pong(data)
        case UInt8(ascii: "5"): return .upgrade
        case UInt8(ascii: "6"): return .noop
        case UInt8(ascii: "b"): return .base64(data)
        default: return nil
        }
    }

    /// What stands in front of a Socket.IO packet.
    static let messageType = UInt8(ascii: "4")
    static let pongType = UInt8(ascii: "3")
}
