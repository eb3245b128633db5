import GWBase
import GWJSON

/// Reads Socket.IO packets where they lie: the header byte by byte, the payload checked once.
public enum PacketDecoder {
    public enum Reading {
        case packet(SocketIOPacket)
        /// No packet: what is wrong with it.
        case refused(StaticString)
        /// More binary messages would follow than are taken.
        case tooManyAttachments(UInt64)
    }

    private static let longestID = 19
    private static let longestCount = 10

    /// `text` is the data of an Engine.IO message.
    @inline(__always)
    public static func read(_ text: UnsafeRawBufferPointer, maxAttachments: Int) -> Reading {
        guard let first = text.first, let kind = SocketIOPacket.Kind(rawValue: first &- 0x30) else {
            return .refused("no type from 0 to 6")
        }
        var packet = SocketIOPacket(kind: kind)
        var at = 1
        if kind == .binaryEvent || kind == .binaryAck {
            guard let count = number(text, &at, longest: longestCount), at < text.count, text[at] == UInt8(ascii: "-")
            else { return .refused("a binary packet without the number of its attachments") }
            guard count <= UInt64(max(maxAttachments, 0)) else { return .tooManyAttachments(count) }
            packet.attachments = Int(truncatingIfNeeded: count)
            at &+= 1
        }
        if at < text.count, text[at] == UInt8(ascii: "/") {
            let start = at
            while at < text.count, text[at] != UInt8(ascii: ",") { at &+= 1 }
            packet.namespace = at &- start == 1 ? 0..<0 : start..<at
            if at < text.count { at &+= 1 }
        }
        if at < text.count, text[at].isASCIIDigit {
            guard let id = number(text, &at, longest: longestID) else {
                return .refused("an id of more than 19 digits")
            }
            packet.id = id
        }
        if at < text.count {
            guard let payload = payload(text, at) else { return .refused("a payload that is not JSON") }
            packet.payload = payload
        }
        return check(packet, text)
    }

    /// The digits at `at`, which is moved behind them; nil for none or too many.
    private static func number(_ text: UnsafeRawBufferPointer, _ at: inout Int, longest: Int) -> UInt64? {
        let start = at
        var number: UInt64 = 0
        while at < text.count, text[at].isASCIIDigit {
            // Up to 19 digits always fit.
            guard at &- start < longest else { return nil }
            number = number &* 10 &+ UInt64(text[at] &- 0x30)
            at &+= 1
        }
        return at > start ? number : nil
    }

    private static func payload(_ text: UnsafeRawBufferPointer, _ start: Int) -> JSONSlice? {
        guard JSON.isValid(UnsafeRawBufferPointer(rebasing: text[start...])) else { return nil }
        var range = start..<text.count
        while let byte = range.first.map({ text[$0] }), byte <= 0x20 { range = range.dropFirst() }
        while let byte = range.last.map({ text[$0] }), byte <= 0x20 { range = range.dropLast() }
        guard let first = range.first else { return nil }
        return JSONSlice(kind: kind(text[first]), range: range)
    }

    /// Of a value that was checked.
    private static func kind(_ first: UInt8) -> JSONKind {
        switch first {
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"): .true
        case UInt8(ascii: "f"): .false
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// Whether the payload is one that the type may have.
    @inline(__always)
    private static func check(_ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer) -> Reading {
        var packet = packet
        switch packet.kind {
        case .event, .binaryEvent:
            guard let payload = packet.payload, payload.isArray,
                let name = JSON.firstElement(of: payload, in: text), name.isString || name.kind == .number
            else { return .refused("an event that is no array with a name in front") }
            guard !ReservedEvent.contains(name, in: text) else { return .refused("an event with a reserved name") }
            packet.name = name
        case .ack, .binaryAck:
            guard packet.id != nil else { return .refused("an acknowledgement without an id") }
            guard packet.payload?.isArray ?? true else { return .refused("an acknowledgement that is no array") }
        case .connect:
            guard packet.payload?.isObject ?? true else { return .refused("a connect packet that is no object") }
        case .connectError:
            guard packet.payload.map({ $0.isObject || $0.isString }) ?? true else {
                return .refused("a connect error that is neither object nor string")
            }
        case .disconnect:
            break
        }
        if packet.kind == .binaryEvent || packet.kind == .binaryAck {
            guard Placeholders.areValid(in: packet.payload, text, count: packet.attachments) else {
                return .refused("a placeholder for an attachment that does not come")
            }
        }
        return .packet(packet)
    }
}
