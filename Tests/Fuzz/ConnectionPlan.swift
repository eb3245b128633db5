import GWBase
import GWDeflate
import GWWebSocket

/// A connection and what happens to it, read off the front of an input; the rest of the input is what the peer sends.
struct ConnectionPlan {
    enum Action {
        case send(MessageKind, size: Int, compress: Bool)
        case sendWrongLength
        case beginFragments(MessageKind, compress: Bool)
        case appendFragment(size: Int, isFinal: Bool)
        case ping(size: Int)
        case pong(size: Int)
        case close(UInt16, reasonSize: Int)
        case tick(milliseconds: UInt32)
        case drain(Int)
        case releaseMemory
        case holdReading
        case probe
        /// The host ends it at once.
        case abort
        case limit(UInt32)
        /// The peer sends this many bytes of its own making, all the same.
        case filler(UInt8, Int)
        case endOfStream
    }

    var role = Role.client
    var settings = WebSocketSettings()
    var deflate: DeflateParameters?
    /// What happens behind so many further bytes of the stream.
    var steps: [(skip: Int, action: Action)] = []
    var stream: [UInt8] = []

    /// Whether every cutting of the stream must give the same.
    var isComparable: Bool { settings.maxMemoryBytes == .max }

    init(_ input: UnsafeRawBufferPointer) {
        var choices = Choices(input)
        let flags = choices.byte()
        role = flags & 1 == 0 ? .client : .server
        settings.reportsControlFrames = flags & 2 != 0
        settings.maxMessageBytes = flags & 4 == 0 ? 1 << 20 : 200
        if flags & 8 != 0 { settings.maxFragments = 3 }
        let extensions = choices.byte()
        settings.deflate.thresholdBytes = UInt32(extensions & 1) * 30
        settings.deflate.memoryLevel = 1
        settings.deflate.serverNoContextTakeover = extensions & 2 != 0
        settings.deflate.clientNoContextTakeover = extensions & 4 != 0
        // Only one of them: where memory ends depends on what lies whole in the window, and so on the cutting.
        switch extensions >> 6 {
        case 1: settings.maxFrameBytes = 150
        case 2: settings.partBytes = 50
        case 3: settings.maxMemoryBytes = 60_000
        default: break
        }
        if flags & 16 != 0 {
            // The window for what comes is the greatest, because what refers behind a smaller one may be refused or not.
            let bits = extensions & 32 == 0 ? 15 : 8 + flags >> 5
            deflate = DeflateParameters(
                serverNoContextTakeover: extensions & 8 != 0, clientNoContextTakeover: extensions & 16 != 0,
                serverMaxWindowBits: role == .server ? bits : 15, clientMaxWindowBits: role == .client ? bits : 15)
        }
        for _ in 0..<choices.byte() & 15 {
            let skip = Int(choices.byte())
            steps.append((skip, ConnectionPlan.action(choices.byte(), choices.byte())))
        }
        stream = choices.all()
    }

    private static func action(_ kind: UInt8, _ value: UInt8) -> Action {
        let message: MessageKind = value & 1 == 0 ? .text : .binary
        switch kind & 15 {
        case 0: return .send(message, size: Int(value), compress: false)
        case 1: return .send(message, size: Int(value) * 4, compress: true)
        case 2: return .send(message, size: Int(value) * 300, compress: value & 2 != 0)
        case 3: return .beginFragments(message, compress: value & 2 != 0)
        case 4: return .appendFragment(size: Int(value), isFinal: false)
        case 5: return .appendFragment(size: Int(value), isFinal: true)
        case 6: return .ping(size: Int(value))
        case 7: return .pong(size: Int(value))
        case 8: return .close([0, 1000, 1001, 1005, 1010, 1011, 3000, 4999][Int(value & 7)], reasonSize: Int(value))
        case 9: return .tick(milliseconds: UInt32(value) * 1000)
        case 10: return .drain(Int(value))
        case 11: return [.releaseMemory, .holdReading, .probe, .abort][Int(value & 3)]
        case 12: return .limit(UInt32(value) * 16)
        case 13: return .filler(value & 1 == 0 ? 0 : 0x61, Int(value) * 1024)
        case 14: return value == 0 ? .endOfStream : .sendWrongLength
        default: return .drain(.max)
        }
    }
}
