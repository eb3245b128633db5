import CGatewire
import CSystem

/// Where a line goes.
enum Destination {
    case output
    case errors

    var descriptor: Int32 { self == .output ? 1 : 2 }
}

/// One line of plain text or of JSON, put together byte by byte and written at once.
struct Line {
    private var bytes: [UInt8] = []
    private var isEmptyObject = true

    init() {}

    /// Starts a JSON object: every one says first what it is.
    init(type: StaticString) {
        bytes.append(0x7b)
        add("type", type)
    }

    // MARK: plain text

    mutating func append(_ text: StaticString) { bytes.append(contentsOf: text.bytes) }
    mutating func append(_ number: UInt64) { bytes.append(contentsOf: decimal(number)) }
    mutating func append(_ text: CText) { appendPrintable(gatewire_tool.bytes(text)) }
    mutating func append(_ text: gw_slice) { appendPrintable(text.bytes) }
    mutating func append(_ text: [UInt8]) { text.withUnsafeBufferPointer { appendPrintable($0) } }

    /// A cell of a table: text, and spaces up to a width, at least one.
    mutating func append(_ text: StaticString, width: Int) { append(Array(text.bytes), width: width) }
    mutating func append(_ text: gw_slice, width: Int) { append(Array(text.bytes), width: width) }

    mutating func append(_ text: [UInt8], width: Int) {
        append(text)
        for _ in 0..<max(width - text.count, 1) { bytes.append(0x20) }
    }

    /// Text from outside: what could move the cursor or start a new line on a terminal becomes `?`.
    mutating func appendPrintable(_ text: UnsafeBufferPointer<UInt8>) {
        var previous: UInt8 = 0
        for byte in text {
            // C0, DEL, and C1 in its two-byte form.
            let isControl = byte < 0x20 || byte == 0x7f || (previous == 0xc2 && byte >= 0x80 && byte < 0xa0)
            if isControl && previous == 0xc2 { bytes.removeLast() }
            bytes.append(isControl ? 0x3f : byte)
            previous = byte
        }
    }

    /// As `appendPrintable`, but what lays out a text on a terminal stays.
    mutating func appendText(_ text: UnsafeBufferPointer<UInt8>) {
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 0x0a || $0 == 0x09 }) {
            appendPrintable(UnsafeBufferPointer(rebasing: part))
            if part.endIndex < text.count { bytes.append(text[part.endIndex]) }
        }
    }

    mutating func append(verbatim text: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: text) }

    mutating func append(hex data: UnsafeBufferPointer<UInt8>) {
        for byte in data {
            bytes.append(Line.hexDigits.utf8Start[Int(byte >> 4)])
            bytes.append(Line.hexDigits.utf8Start[Int(byte & 15)])
        }
    }

    private static let hexDigits: StaticString = "0123456789abcdef"

    // MARK: members of a JSON object

    mutating func add(_ name: StaticString, _ value: StaticString) { add(name, value.bytes) }
    mutating func add(_ name: StaticString, _ value: CText) { add(name, gatewire_tool.bytes(value)) }
    mutating func add(_ name: StaticString, _ value: gw_slice) { add(name, value.bytes) }
    mutating func add(_ name: StaticString, _ value: [UInt8]) { value.withUnsafeBufferPointer { add(name, $0) } }

    mutating func add(_ name: StaticString, _ value: UnsafeBufferPointer<UInt8>) {
        addName(name)
        bytes.append(0x22)
        for byte in value {
            switch byte {
            case 0x22, 0x5c:
                bytes.append(0x5c)
                bytes.append(byte)
            case 0..<0x20, 0x7f:
                append("\\u00")
                withUnsafeBytes(of: byte) { append(hex: $0.bindMemory(to: UInt8.self)) }
            default:
                bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }

    mutating func add(_ name: StaticString, _ value: UInt64) {
        addName(name)
        append(value)
    }

    mutating func add(_ name: StaticString, _ value: Bool) {
        addName(name)
        append(value ? "true" : "false")
    }

    /// JSON as it came.  Line breaks in it can only be space between its tokens, so that spaces can stand for them.
    mutating func add(_ name: StaticString, json value: gw_slice) {
        addName(name)
        if value.len == 0 { return append("null") }
        for byte in value.bytes { bytes.append(byte == 0x0a || byte == 0x0d ? 0x20 : byte) }
    }

    mutating func add(_ name: StaticString, base64 value: gw_slice) {
        addName(name)
        appendBase64(value.bytes)
    }

    /// An array of them, which is not empty.
    mutating func add(_ name: StaticString, base64 values: UnsafeBufferPointer<gw_slice>) {
        addName(name)
        for (index, value) in values.enumerated() {
            bytes.append(index == 0 ? 0x5b : 0x2c)
            appendBase64(value.bytes)
        }
        bytes.append(0x5d)
    }

    /// Bytes as text (RFC 4648 section 4).
    private mutating func appendBase64(_ data: UnsafeBufferPointer<UInt8>) {
        let digits: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        bytes.append(0x22)
        for start in stride(from: 0, to: data.count, by: 3) {
            let count = min(3, data.count - start)
            var bits: UInt32 = 0
            for index in 0..<3 { bits = bits << 8 | (index < count ? UInt32(data[start + index]) : 0) }
            for index in 0..<4 {
                let digit = digits.utf8Start[Int(bits >> UInt32(18 - 6 * index)) & 63]
                bytes.append(index <= count ? digit : 0x3d)
            }
        }
        bytes.append(0x22)
    }

    private mutating func addName(_ name: StaticString) {
        if !isEmptyObject { bytes.append(0x2c) }
        isEmptyObject = false
        bytes.append(0x22)
        append(name)
        append("\":")
    }

    // MARK: writing

    /// Ends a JSON object and writes it.
    mutating func writeObject() {
        bytes.append(0x7d)
        write(to: .output)
    }

    /// Writes what there is without ending the line.
    mutating func writePart() {
        bytes.withUnsafeBufferPointer { writeBytes($0, to: .output) }
        bytes.removeAll(keepingCapacity: true)
    }

    mutating func write(to destination: Destination) {
        bytes.append(0x0a)
        bytes.withUnsafeBufferPointer { writeBytes($0, to: destination) }
        bytes.removeAll(keepingCapacity: true)
    }
}

/// Writes all of it.  Ends the tool if standard output takes no more: whatever reads it has gone, or the disk is full.
func writeBytes(_ bytes: UnsafeBufferPointer<UInt8>, to destination: Destination) {
    guard let base = bytes.baseAddress else { return }
    var start = 0
    while start < bytes.count {
        let written = CSystem.write(destination.descriptor, base + start, bytes.count - start)
        if written > 0 {
            start += written
            continue
        }
        switch systemError() {
        case EINTR:
            break
        case EAGAIN:
            var descriptor = pollfd(fd: destination.descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&descriptor, 1, -1)
        default:
            guard destination == .output else { return }
            complainOutput(systemError())
            exit(ExitCode.output.rawValue)
        }
    }
}

private func complainOutput(_ error: Int32) {
    var line = Line()
    line.append("gatewire: standard output: ")
    if let text = strerror(error) { line.append(CText(text)) }
    line.write(to: .errors)
}

/// Writes a text that stands in the source.
func write(_ text: StaticString, to destination: Destination) {
    var line = Line()
    line.append(text)
    line.write(to: destination)
}
