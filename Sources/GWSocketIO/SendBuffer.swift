import GWBase

/// A packet that is written as a whole: its text, and the binary messages behind it.
public final class OutgoingPacket {
    public internal(set) var text = ByteBuffer()
    public internal(set) var attachments: [[UInt8]] = []
    /// It holds a credential: never compressed, wiped when it is written.
    public let isSecret: Bool
    /// The acknowledgement that its event wants, 0 for none.
    public let ack: UInt64

    init(ack: UInt64 = 0, isSecret: Bool = false) {
        self.ack = ack
        self.isSecret = isSecret
    }

    deinit {
        if isSecret { text.wipe() }
    }

    var byteCount: Int { attachments.reduce(text.count) { $0 + $1.count } }
}

/// The packets that wait until their namespace is joined.
struct SendBuffer {
    private(set) var packets: [OutgoingPacket] = []
    private(set) var byteCount = 0

    mutating func append(_ packet: OutgoingPacket) {
        packets.append(packet)
        byteCount += packet.byteCount
    }

    /// Takes out the packet whose acknowledgement nobody waits for any more; whether it was there.
    mutating func remove(ack: UInt64) -> Bool {
        guard let place = packets.firstIndex(where: { $0.ack == ack }) else { return false }
        byteCount -= packets[place].byteCount
        packets.remove(at: place)
        return true
    }

    mutating func takeAll() -> [OutgoingPacket] {
        let all = packets
        packets = []
        byteCount = 0
        return all
    }
}
