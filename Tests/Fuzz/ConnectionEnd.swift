import GWBase
import GWDeflate

@testable import GWWebSocket

/// One connection that goes through a plan, with a transport around it as the runtime has it.
final class ConnectionEnd {
    enum Event: Equatable {
        case message(MessageKind, [UInt8])
        case ping([UInt8])
        case pong([UInt8])
        case closed(CloseSummary)
        case failed(String)

        var isEnd: Bool {
            switch self {
            case .closed, .failed: true
            default: false
            }
        }
    }

    struct Outcome: Equatable {
        var events: [Event] = []
        var output: [UInt8] = []
        /// Messages that the connection took to send.
        var sent: [Event] = []
    }

    private(set) var outcome = Outcome()
    private let connection: WebSocketConnection
    private let plan: ConnectionPlan
    private let cutting: Cutting
    private let arena = Arena(chunkSize: 1024)
    private var now = Instant(microseconds: 1_000_000)
    private var fragments: Event?
    /// Parts of the message that is being received.
    private var parts: [UInt8] = []
    private var received = 0
    private var greatestLimit: Int
    private var seed: UInt64 = 0

    init(_ plan: ConnectionPlan, _ cutting: Cutting) {
        self.plan = plan
        self.cutting = cutting
        greatestLimit = Int(plan.settings.maxMessageBytes)
        connection = WebSocketConnection(
            role: plan.role, settings: plan.settings, deflate: plan.deflate, random: seededPool(1), now: now)
    }

    func run() {
        var rest = plan.stream[...]
        for step in plan.steps {
            receive(Array(rest.prefix(step.skip)))
            rest = rest.dropFirst(step.skip)
            if case .abort = step.action { return drain(.max) }
            perform(step.action)
            check()
        }
        receive(Array(rest))
        record(connection.endOfStream(now))
        for _ in 0..<3 where connection.deadline != .never {
            now = connection.deadline
            record(connection.tick(now))
        }
        drain(.max)
        require(connection.deadline == .never && connection.isEnded, "the connection does not end")
        require(outcome.events.filter(\.isEnd).count == 1, "it ends \(outcome.events.filter(\.isEnd).count) times")
        require(outcome.events.last?.isEnd == true, "something was reported behind the end")
        requireQuietEnd()
        let traffic = connection.statistics
        require(traffic.wireBytesSent == outcome.output.count, "\(traffic), sent \(outcome.output.count)")
        require(traffic.wireBytesReceived <= received, "\(traffic), received \(received)")
        require(traffic.messagesSent == outcome.sent.count, "\(traffic), sent \(outcome.sent.count) messages")
        let messages = outcome.events.count { if case .message = $0 { true } else { false } }
        require(traffic.messagesReceived == messages, "\(traffic), received \(messages) messages")
    }

    /// Nothing can be sent by, and nothing comes from, a connection that has ended.
    private func requireQuietEnd() {
        require(send(.text, [0x61], compress: false) != nil, "a message after the end")
        require(connection.sendPing([]) != nil, "a ping after the end")
        use(connection.sendClose(1000, [], now))
        record(connection.endOfStream(now))
        record(connection.tick(.never))
        receive([0x81, 0x01, 0x61])
        require(connection.output.isEmpty, "bytes after the end")
        require(outcome.events.last?.isEnd == true, "something was reported behind the end")
    }

    // MARK: Receiving

    private func receive(_ bytes: [UInt8]) { receive(bytes, cutting) }

    private func receive(_ bytes: [UInt8], _ cutting: Cutting) {
        seed += 1
        received += bytes.count
        cutting.pieces(bytes, seed: seed) { piece in
            var piece = piece[...]
            // As the runtime does: what is large goes past the window.
            if cutting != .whole, let room = connection.directRoom() {
                let count = min(room.count, piece.count)
                room.copyBytes(from: piece.prefix(count))
                piece = piece.dropFirst(count)
                record(connection.directReceived(count, arena, now))
                arena.reset()
            }
            if !piece.isEmpty { receive(piece) }
        }
        check()
    }

    private func receive(_ piece: Slice<UnsafeMutableRawBufferPointer>) {
        let window = UnsafeMutableRawBufferPointer.allocate(
            byteCount: connection.carried.count + piece.count, alignment: 1)
        defer { window.deallocate() }
        let carried = window.baseAddress.map { connection.takeCarried(to: $0) } ?? 0
        UnsafeMutableRawBufferPointer(rebasing: window[carried...]).copyBytes(from: piece)
        var offset = 0
        while offset < window.count {
            let before = offset
            record(connection.next(window, &offset, arena, now))
            require(offset > before && offset <= window.count, "from \(before) to \(offset) of \(window.count)")
        }
        require(arena.extraBytes <= 4 * greatestLimit + 65_536, "the arena holds \(arena.extraBytes) bytes")
        arena.reset()
    }

    private func record(_ input: WebSocketConnection.Input) {
        switch input {
        case .needMore: break
        case .message(let kind, let bytes):
            require(parts.count + bytes.count <= greatestLimit, "a message of \(parts.count + bytes.count) bytes")
            outcome.events.append(.message(kind, parts + bytes))
            parts = []
        case .part(let kind, let bytes):
            // As many as fit; where they end depends on the cutting, so they count when the message ends.
            require(bytes.count + 3 >= (plan.settings.partBytes ?? .max), "a part of \(bytes.count) bytes")
            if kind == .text {
                var validator = UTF8Validator()
                require(validator.check(bytes) && validator.isComplete, "a part that is cut inside of a code point")
            }
            parts += bytes
        case .ping(let bytes): outcome.events.append(.ping(Array(bytes)))
        case .pong(let bytes): outcome.events.append(.pong(Array(bytes)))
        case .closed(let summary): outcome.events.append(.closed(summary))
        case .failed(let failure): outcome.events.append(.failed(failure.shown))
        }
    }

    private func check() {
        require(connection.carried.count <= WebSocketConnection.mostCarriedBytes, "too much is carried over")
        require(connection.assembler.heldBytes <= plan.settings.maxMemoryBytes, "too much is held of a message")
        require(connection.isOpen || !connection.isEnded || connection.deadline == .never, "a deadline after the end")
    }

    // MARK: Doing

    private func perform(_ action: ConnectionPlan.Action) {
        switch action {
        case .send(let kind, let size, let compress):
            let bytes = [UInt8](repeating: 0x62, count: size / 2) + (0..<size - size / 2).map { UInt8($0 & 127) }
            if send(kind, bytes, compress: compress) == nil { outcome.sent.append(.message(kind, bytes)) }
        case .sendWrongLength:
            connection.beginMessage(.text, length: 40, compress: true)
            withExactly([0x61, 0x62]) { connection.append(UnsafeRawBufferPointer($0)) }
            require(connection.endMessage() != nil, "a message that is not complete was sent")
        case .beginFragments(let kind, let compress):
            if connection.beginFragments(kind, compress: compress) == nil { fragments = .message(kind, []) }
        case .appendFragment(let size, let isFinal):
            appendFragment([UInt8](repeating: UInt8(size & 127), count: size * 3), isFinal: isFinal)
        case .ping(let size): use(connection.sendPing([UInt8](repeating: 1, count: size)))
        case .pong(let size): use(connection.sendPong([UInt8](repeating: 2, count: size)))
        case .close(let code, let size):
            // Three bytes a letter, so that a long reason is cut inside of one.
            let reason = [[UInt8]](repeating: [0xe2, 0x82, 0xac], count: size / 3).flatMap { $0 }
            use(connection.sendClose(code, code == 0 ? [] : reason, now))
        case .tick(let milliseconds):
            now = now.adding(milliseconds: milliseconds)
            record(connection.tick(now))
        case .drain(let count): drain(count)
        case .releaseMemory: connection.releaseMemory()
        case .holdReading: connection.readingIsHeld(now)
        case .probe: connection.probe(now)
        case .abort: break
        case .limit(let bytes):
            connection.maxMessageBytes = bytes
            greatestLimit = max(greatestLimit, Int(bytes))
        case .filler(let byte, let count): receive([UInt8](repeating: byte, count: count), cutting.ofFiller)
        case .endOfStream: record(connection.endOfStream(now))
        }
    }

    private func send(_ kind: MessageKind, _ bytes: [UInt8], compress: Bool) -> Failure? {
        withExactly(bytes) { connection.send(kind, UnsafeRawBufferPointer($0), compress: compress) }
    }

    private func appendFragment(_ bytes: [UInt8], isFinal: Bool) {
        let failure = withExactly(bytes) {
            connection.appendFragment(UnsafeRawBufferPointer($0), isFinal: isFinal)
        }
        guard failure == nil, case .message(let kind, let before) = fragments else { return }
        fragments = .message(kind, before + bytes)
        guard isFinal, let whole = fragments else { return }
        outcome.sent.append(whole)
        fragments = nil
    }

    /// Takes what is to be sent, as the transport does.
    private func drain(_ count: Int) {
        let bytes = connection.output.readable.prefix(count)
        outcome.output += bytes
        connection.output.consume(bytes.count)
    }
}
