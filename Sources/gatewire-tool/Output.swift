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

    // MARK: members of a JSON object

    mutating func add(_ name: StaticString, _ value: StaticString) { add(name, value.bytes) }
    mutating func add(_ name: StaticString, _ value: CText) { add(name, gatewire_tool.bytes(value)) }
    mutating func add(_ name: StaticString, _ value: gw_slice) { add(name, value.bytes) }

    mutating func add(_ name: StaticString, _ value: UnsafeBufferPointer<UInt8>) {
        addName(name)
        bytes.append(0x22)
        for byte in value {
            switch byte {
            case 0x22, 0x5c:
                bytes.append(0x5c)
                bytes.append(byte)
            case 0..<0x20, 0x7f:
                let digits: StaticString = "0123456789abcdef"
                append("\\u00")
                bytes.append(digits.utf8Start[Int(byte >> 4)])
                bytes.append(digits.utf8Start[Int(byte & 15)])
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

    mutating func write(to destination: Destination) {
        bytes.append(0x0a)
        var start = 0
        while start < bytes.count {
            let written = bytes.withUnsafeBufferPointer { buffer -> Int in
                guard let base = buffer.baseAddress else { return -1 }
                return CSystem.write(destination.descriptor, base + start, buffer.count - start)
            }
            if written > 0 {
                start += written
            } else if systemError() != EINTR {
                break
            }
        }
        bytes.removeAll(keepingCapacity: true)
    }
}

/// Writes a text that stands in the source.
func write(_ text: StaticString, to destination: Destination) {
    var line = Line()
    line.append(text)
    line.write(to: destination)
}
