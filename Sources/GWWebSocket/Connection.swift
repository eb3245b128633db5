import GWBase
import GWDeflate

/// One open WebSocket connection (RFC 6455, with permessage-deflate RFC 7692) in either role, from the byte after the upgrade's head to
/// the end of the transport.
///
/// A pure machine: it is given bytes, the time and a random pool, and leaves what is to be sent in `output`.  Receiving is in
/// `Connection+Receiving.swift`, sending in `Connection+Sending.swift`.
public final class WebSocketConnection {
    public let role: Role
    public let settings: WebSocketSettings

    /// Bytes to be sent; the transport consumes them, but not between `beginMessage` and `endMessage`.
    public var output = ByteBuffer()

    /// What the close frame says of a message above the limit, where the protocol above has words of its own.
    public var tooBigReason: [UInt8]?

    /// The beginning of a frame header or control frame that is not complete: it must stand in front of the next input.
    /// The transport takes it with `takeCarried` before it receives.
    public var carried = ByteBuffer()

    /// Most bytes that `carried` holds: a control frame without its last byte.
    public static let mostCarriedBytes = FrameSize.largestHeader + FrameSize.controlPayload

    /// When the last byte arrived.
    public internal(set) var lastReceived: Instant

    // Receiving
    enum Phase: UInt8 {
        /// A frame comes next, and no message is open.
        case messageStart
        /// A frame comes next, inside a fragmented message.
        case betweenFrames
        /// Payload of a data frame comes next.
        case payload
        /// Everything is ignored: the peer has closed, or the connection has failed.
        case ignoring
    }

    var phase = Phase.messageStart
    let decoder: FrameDecoder
    /// The mask bit as the second byte of the peer's frames must have it, and the bytes of a key.
    let peerMaskBit: UInt8
    let peerKeySize: Int
    var assembler: MessageAssembler
    /// Of the frame whose payload comes.
    var payloadLeft = 0
    var payloadKey: UInt32 = 0
    var payloadIsFinal = false
    let inflator: Inflator?

    /// What the peer broke; the connection fails with the next tick, so that what came before it can still be answered.
    var broken: Violation?

    // Sending
    enum Sending {
        case nothing
        /// A message of known length, of which `sendingLeft` bytes are to come.
        case plain
        case compressed
        /// A message in fragments.
        case fragments(isCompressed: Bool)
    }

    let encoder: FrameEncoder
    var sending = Sending.nothing
    var sendingLeft = 0
    var sendingKey: UInt32 = 0
    /// Size of `output` when the message began, and bytes left free for its header.
    var sendingStart = 0
    var sendingReserved = 0
    /// First byte of the next frame of the message in fragments.
    var fragmentFirst: UInt8 = 0
    /// More was offered, or less, than was announced.
    var sendingMismatch = false
    /// The message that the host gives cannot be sent; its pieces are dropped.
    var isRefused = false
    let deflator: Deflator?
    /// All bytes that were ever put into `output`.
    var appended: UInt64 = 0
    /// Pongs in `output` that were put there since it was last empty, and the size of the newest if nothing came behind it.
    var queuedPongs = 0
    var lastPongSize = 0

    /// Size of the message that is being sent.
    var sendingSize = 0

    var close: CloseHandshake
    var keepalive: Keepalive
    /// Compressed messages came or went since the last ping.
    var usedDeflate = false
    var traffic = Traffic()

    /// What was agreed of permessage-deflate, nil for nothing.
    public let deflate: DeflateParameters?

    public init(
        role: Role, settings: WebSocketSettings, deflate: DeflateParameters?, random: RandomPool, now: Instant
    ) {
        self.role = role
        self.settings = settings
        self.deflate = deflate
        lastReceived = now
        decoder = FrameDecoder(role: role, isDeflateAgreed: deflate != nil)
        encoder = FrameEncoder(role: role, random: random)
        peerMaskBit = role == .server ? FrameBit.mask : 0
        peerKeySize = role == .server ? 4 : 0
        assembler = MessageAssembler(settings)
        close = CloseHandshake(role: role, limitMilliseconds: settings.closeMilliseconds)
        keepalive = Keepalive(
            intervalMilliseconds: settings.pingMilliseconds, pongMilliseconds: settings.pongMilliseconds, now)
        guard let deflate else {
            inflator = nil
            deflator = nil
            return
        }
        let isClient = role == .client
        inflator = Inflator(
            windowBits: isClient ? deflate.serverMaxWindowBits : deflate.clientMaxWindowBits,
            noContextTakeover: isClient ? deflate.serverNoContextTakeover : deflate.clientNoContextTakeover)
        // A smaller window than was agreed is always allowed.
        let windowBits =
            isClient
            ? min(deflate.clientMaxWindowBits, settings.deflate.clientMaxWindowBits)
            : min(deflate.serverMaxWindowBits, settings.deflate.serverMaxWindowBits)
        // Forgetting more than was agreed is always allowed.
        let forgets =
            isClient
            ? deflate.clientNoContextTakeover || settings.deflate.clientNoContextTakeover
            : deflate.serverNoContextTakeover || settings.deflate.serverNoContextTakeover
        deflator =
            Deflator.canDeflate(windowBits: windowBits)
            ? Deflator(settings.deflate, windowBits: windowBits, noContextTakeover: forgets) : nil
    }

    // MARK: State

    /// permessage-deflate was agreed.
    public var isDeflating: Bool { inflator != nil }

    /// Messages can be sent.
    public var isOpen: Bool { close.isOpen && (phase != .ignoring || broken != nil) }

    /// Nothing more will be decoded or has to be sent but what is in `output`; the transport can be closed after it.
    public var isEnded: Bool { close.isEnded }

    /// How closing has gone so far.
    public var closeSummary: CloseSummary { close.summary }

    /// Bytes that wait to be sent.
    public var bufferedAmount: Int { output.count }

    /// What has gone through so far; what is queued to be sent counts as sent.
    public var statistics: Traffic {
        var sum = traffic
        sum.wireBytesSent = appended
        return sum
    }

    /// What counts against `maxMemoryBytes`.
    public var heldBytes: Int { output.count &+ assembler.heldBytes &+ streamBytes }

    private var streamBytes: Int {
        var sum = 0
        if let inflator, inflator.isAllocated { sum &+= inflator.streamBytes }
        if let deflator, deflator.isAllocated { sum &+= deflator.streamBytes }
        return sum
    }

    /// What an unfinished message may take.
    var memoryRoom: Int { max(settings.maxMemoryBytes &- output.count &- streamBytes, 0) }

    /// Of the last ping that was answered, 0 if none was.
    public var roundTripMicroseconds: UInt64 { keepalive.roundTripMicroseconds }

    /// Greatest message to receive.  Takes effect with the next frame.
    public var maxMessageBytes: UInt32 {
        get { UInt32(truncatingIfNeeded: assembler.maxBytes) }
        set { assembler.maxBytes = Int(newValue) }
    }

    // MARK: Time

    /// When `tick` must be called at the latest.
    public var deadline: Instant {
        if close.isEnded { return .never }
        if broken != nil { return lastReceived }
        return close.isOpen ? keepalive.deadline : close.deadline
    }

    /// Our side does not read at present, so silence says nothing about the peer.
    public func readingIsHeld(_ now: Instant) { lastReceived = now }

    /// The way to the peer may have gone: the next `tick`, which is due now, asks for a sign of life within a short limit.
    public func probe(_ now: Instant) { keepalive.probe(now, milliseconds: Limits.probeMilliseconds) }

    /// Does what is due: a ping, or the end of a connection whose peer is silent or does not close.
    public func tick(_ now: Instant) -> Input {
        if let failed = failBroken() { return failed }
        if close.tick(now) {
            phase = .ignoring
            return .closed(close.summary)
        }
        guard close.isOpen, phase != .ignoring else { return .needMore }
        switch keepalive.tick(now, lastReceived: lastReceived, appended: appended, queued: output.count) {
        case .none:
            break
        case .ping(let number):
            if !usedDeflate { releaseMemory() }
            usedDeflate = false
            var payload = number.bigEndian
            withUnsafeBytes(of: &payload) { sendControl(Opcode.ping, $0) }
            keepalive.pingSent(now, lastReceived: lastReceived, appended: appended, queued: output.count)
        case .lost(let milliseconds):
            return fail(
                CloseCode.internalError,
                Failure(
                    .pongTimeout, .network, "nothing received for \(milliseconds) ms after a ping",
                    isRetryable: true, code: UInt32(CloseCode.abnormal)))
        }
        return .needMore
    }

    /// Gives back what an idle connection does not need: compression streams whose state nothing refers to, and buffers.
    /// Happens by itself at a ping if no compressed message went through since the last one.
    public func releaseMemory() {
        if case .nothing = sending { deflator?.release() }
        if !assembler.isOpen {
            if let inflator, inflator.isDroppable { inflator.release() }
            assembler.releaseMemory()
        }
        if carried.isEmpty { carried.release() }
        if output.isEmpty { output.release() }
    }

    // MARK: Failing

    /// Fails the connection (RFC 6455 section 7.1.7): a close frame if one may still be sent, then nothing more.
    func fail(_ code: UInt16, _ failure: Failure) -> Input {
        abortMessage()
        stopReceiving()
        if close.isOpen {
            let ownReason = code == CloseCode.messageTooBig ? tooBigReason : nil
            appendClose(code, ownReason ?? failure.text.bytes)
            close.fail(sent: code)
        } else {
            close.fail(sent: nil)
        }
        return .failed(failure)
    }

    /// The peer broke a rule: nothing more is received, and the next tick fails the connection.
    func fail(_ violation: Violation) -> Input {
        broken = violation
        stopReceiving()
        return .needMore
    }

    /// Fails the connection if the peer broke a rule.
    func failBroken() -> Input? {
        guard let violation = broken else { return nil }
        broken = nil
        return fail(violation.closeCode, violation.failure)
    }

    func stopReceiving() {
        phase = .ignoring
        keepalive.stop()
        assembler.abandon()
        carried.release()
    }
}
