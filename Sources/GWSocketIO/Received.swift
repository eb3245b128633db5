import GWBase
import GWJSON

/// An event or an acknowledgement that has come, for the host.  Ranges are those of the text that it lies in.
public struct Received {
    public enum Kind {
        /// `ack` is what the host answers it with, 0 where the server asks for no answer.
        case event(ack: UInt64)
        case ack(id: UInt64)
    }

    public var kind: Kind
    public var namespace: UInt64
    public var userData: UInt
    /// Of an event: a string with its quotes, or a number.
    public var name: JSONSlice?
    /// A JSON array; nil for an empty one.
    public var arguments: Range<Int>?
    public var attachments: [Range<Int>] = []
}

/// A packet that had to be kept, because its attachments or the answer to a connect packet were still to come.
public final class StoredPacket {
    let packet: SocketIOPacket
    /// The text, then the attachments one after the other.
    public var memory = ByteBuffer()
    private(set) var attachments: [Range<Int>] = []

    init(_ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer) {
        self.packet = packet
        memory.append(text)
    }

    func append(_ attachment: UnsafeRawBufferPointer) {
        let start = memory.count
        memory.append(attachment)
        attachments.append(start..<memory.count)
    }

    var missing: Int { packet.attachments - attachments.count }
    var isComplete: Bool { missing <= 0 }
}
