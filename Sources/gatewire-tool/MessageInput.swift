import CSystem

/// Standard input as messages: its lines without their line breaks, or its bytes in blocks as they are read.
final class MessageInput {
    enum Next {
        /// Lives until the next `fill`.
        case message(UnsafeRawBufferPointer)
        /// A line with more bytes than a message may have.
        case tooLong
        /// Nothing whole is there; `fill` first.
        case needMore
        case ended
    }

    /// Why something of it is not sent.
    enum Fault {
        case unreadable
        case tooLong
        case notUTF8
    }

    /// The number of the line that `next` gave last.
    private(set) var line: UInt64 = 0
    private let isBinary: Bool
    private let limit: Int
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var start = 0
    private var end = 0
    /// Up to here there is no line break.
    private var searched = 0
    private var hasEnded = false

    init(isBinary: Bool, limit: Int) {
        self.isBinary = isBinary
        self.limit = limit
    }

    deinit { free(memory) }

    /// Says what is wrong; that is how the tool ends, too.
    func complain(_ fault: Fault, json: Bool) -> ExitCode {
        let text: StaticString =
            switch fault {
            case .unreadable: "standard input cannot be read"
            case .tooLong: "a line of standard input is above --max-message"
            case .notUTF8: "a line of standard input is not UTF-8 and was not sent; --binary sends any bytes"
            }
        if json {
            var object = Line(type: "error")
            object.add("text", text)
            object.add("line", line)
            object.writeObject()
        } else {
            var message = Line()
            message.append("gatewire: ")
            message.append(text)
            message.append(" (line ")
            message.append(line)
            message.append(")")
            message.write(to: .errors)
        }
        return .usage
    }

    /// Reads once what is there; only a descriptor that is not ready makes it wait.  False after an error, which is also the end.
    func fill() -> Bool {
        if start > 0, let memory {
            memmove(memory, memory + start, end - start)
            end -= start
            searched -= start
            start = 0
        }
        if end == capacity { grow() }
        guard let memory, end < capacity else {
            hasEnded = true
            return false
        }
        let got = read(0, memory + end, capacity - end)
        if got > 0 {
            end += got
        } else if got == 0 {
            hasEnded = true
        } else if systemError() != EINTR, systemError() != EAGAIN {
            hasEnded = true
            return false
        }
        return true
    }

    private func grow() {
        // A line at its limit needs room for the line break that shows it.
        let wanted = min(max(65_536, capacity * 2), max(limit + 1, 65_536))
        guard wanted > capacity, let larger = realloc(memory, wanted) else { return }
        memory = larger
        capacity = wanted
    }

    func next() -> Next {
        guard let memory, start < end else { return hasEnded ? .ended : .needMore }
        if isBinary { return give(min(end - start, limit), skip: 0) }
        if let found = memchr(memory + searched, 0x0a, end - searched) {
            let length = UnsafeRawPointer(found) - UnsafeRawPointer(memory) - start
            return give(length, skip: 1)
        }
        searched = end
        if end - start > limit {
            line += 1
            return .tooLong
        }
        return hasEnded ? give(end - start, skip: 0) : .needMore
    }

    private func give(_ length: Int, skip: Int) -> Next {
        let message = UnsafeRawBufferPointer(start: memory.map { UnsafeRawPointer($0) + start }, count: length)
        start += length + skip
        searched = start
        line += 1
        if length > limit { return .tooLong }
        return .message(message)
    }
}
