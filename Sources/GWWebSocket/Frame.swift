/// Which end of the connection this is: the client masks what it sends, the server does not (RFC 6455 section 5.1).
public enum Role: Sendable {
    case client
    case server
}

public enum MessageKind: Sendable {
    case text
    case binary
}

/// Opcodes (RFC 6455 section 5.2).
enum Opcode {
    static let continuation: UInt8 = 0x0
    static let text: UInt8 = 0x1
    static let binary: UInt8 = 0x2
    static let close: UInt8 = 0x8
    static let ping: UInt8 = 0x9
    static let pong: UInt8 = 0xa

    static func of(_ kind: MessageKind) -> UInt8 { kind == .text ? text : binary }
}

/// Bits of the first two bytes of a frame (RFC 6455 section 5.2).
enum FrameBit {
    static let final: UInt8 = 0x80
    /// With permessage-deflate on the first frame of a message: compressed (RFC 7692 section 6).
    static let reserved1: UInt8 = 0x40
    static let reserved2And3: UInt8 = 0x30
    static let opcode: UInt8 = 0x0f
    static let control: UInt8 = 0x08
    /// In the second byte.
    static let mask: UInt8 = 0x80
    static let length: UInt8 = 0x7f
}

enum FrameSize {
    /// Greatest payload of a control frame (section 5.5), and of the shortest length form.
    static let controlPayload = 125
    static let length16: UInt8 = 126
    static let length64: UInt8 = 127
    /// Two bytes, eight of length, four of key.
    static let largestHeader = 14
}

/// A frame's header, all its rules checked.
struct FrameHeader {
    var opcode: UInt8
    var isFinal: Bool
    var isCompressed: Bool
    /// Masking key as it lies on the wire, loaded as one word; 0 without mask.
    var key: UInt32
    var length: Int
    /// Bytes of the header itself.
    var size: Int

    var isControl: Bool { opcode & FrameBit.control != 0 }
}
