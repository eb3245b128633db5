import GWBase
import GWJSON

/// A message from the gateway, as far as the client reads it: where its parts stand in the text.
public enum InboundFrame {
    case response(ResponseFrame)
    case event(EventFrame)
    /// JSON that is no frame for a client.
    case other
    case malformed
}

public struct ResponseFrame {
    /// A JSON string or number.
    public var id: JSONSlice
    public var isOK: Bool
    public var payload: JSONSlice?
    public var error: JSONSlice?
}

public struct EventFrame {
    public var name: JSONSlice
    public var payload: JSONSlice?
    public var sequence: UInt64?
}

/// Reads what gateways of every age send: the body as `payload` or `result` (events: `params`), error codes as text or
/// numbers, `error: null`, a missing `ok`.
public struct EnvelopeReader: ~Copyable {
    private var members = JSONMembers()

    public init() {}

    public mutating func read(_ text: UnsafeRawBufferPointer) -> InboundFrame {
        guard let whole = JSON.scan(text, &members) else { return .malformed }
        guard whole.kind == .object else { return .other }
        let frame = EnvelopeMembers(members, of: whole, text)
        guard let type = frame.type else { return .other }
        if JSON.isString(type, equalTo: "res", in: text) { return readResponse(frame) }
        if JSON.isString(type, equalTo: "event", in: text) { return readEvent(frame, text) }
        return .other
    }

    @inline(__always)
    private func readResponse(_ frame: EnvelopeMembers) -> InboundFrame {
        guard let id = frame.id, id.kind == .string, id.range.count > 2 else { return .other }
        var error = frame.error
        if error?.kind == .null { error = nil }
        if let error, error.kind != .object { return .other }
        var isOK = error == nil
        if let ok = frame.ok {
            guard ok.kind == .true || ok.kind == .false else { return .other }
            isOK = ok.kind == .true
        }
        return .response(
            ResponseFrame(id: id, isOK: isOK, payload: frame.payload ?? frame.result, error: isOK ? nil : error))
    }

    @inline(__always)
    private func readEvent(_ frame: EnvelopeMembers, _ text: UnsafeRawBufferPointer) -> InboundFrame {
        guard let name = frame.event, name.kind == .string, name.range.count > 2 else { return .other }
        var sequence: UInt64?
        if let seq = frame.seq {
            guard let number = JSON.integer(seq, in: text), number >= 0 else { return .other }
            sequence = UInt64(number)
        }
        return .event(EventFrame(name: name, payload: frame.payload ?? frame.params, sequence: sequence))
    }
}

/// The error object of a response, read with the defaults that the protocol gives what is missing.
public struct ErrorObject {
    public var code: [UInt8]
    public var message: [UInt8]
    /// Where `details` stands in the text, if it is there.
    public var details: JSONSlice?
    public var detailCode: [UInt8]
    public var isRetryable: Bool
    /// 0 where the gateway does not say.
    public var retryAfterMilliseconds: UInt32
    public var hasRetryAfter: Bool

    public init(_ error: JSONSlice?, in text: UnsafeRawBufferPointer) {
        code = "UNAVAILABLE".bytes
        message = "unknown error".bytes
        detailCode = []
        isRetryable = false
        retryAfterMilliseconds = 0
        hasRetryAfter = false
        guard let error else { return }
        if let value = JSON.member("code", of: error, in: text) {
            if value.kind == .string, let string = JSON.string(value, in: text), !string.isEmpty { code = string }
            if value.kind == .number { code = Array(text[value.range]) }
        }
        if let value = JSON.member("message", of: error, in: text), let string = JSON.string(value, in: text),
            !string.isEmpty
        {
            message = string
        }
        if let value = JSON.member("retryable", of: error, in: text) { isRetryable = value.kind == .true }
        if let value = JSON.member("retryAfterMs", of: error, in: text),
            let wait = ErrorObject.wholePart(value, in: text), wait >= 0
        {
            retryAfterMilliseconds = UInt32(clamping: wait)
            hasRetryAfter = true
        }
        if let value = JSON.member("details", of: error, in: text), value.kind != .null {
            details = value
            if value.kind == .object, let code = JSON.member("code", of: value, in: text),
                let string = JSON.string(code, in: text)
            {
                detailCode = DeviceAuth.trimmed(string)
            }
        }
    }
}

extension ErrorObject {
    /// A number without what stands behind its point; nil if it is none, has an exponent besides, or does not fit.
    fileprivate static func wholePart(_ value: JSONSlice, in text: UnsafeRawBufferPointer) -> Int64? {
        if let number = JSON.integer(value, in: text) { return number }
        let digits = value.bytes(in: text)
        guard let point = digits.firstIndex(of: 0x2e), !digits.contains(where: { $0 | 0x20 == 0x65 }) else {
            return nil
        }
        let whole = value.range.lowerBound..<value.range.lowerBound + point
        return JSON.integer(JSONSlice(kind: value.kind, range: whole), in: text)
    }
}

/// The beginnings of outgoing frames.  What follows, params or a payload, is spliced in verbatim, then `}` ends the frame.
public enum FrameWriter {
    /// `}`, the end of a request or response.
    public static var end: UnsafeRawBufferPointer {
        let brace: StaticString = "}"
        return UnsafeRawBufferPointer(start: brace.utf8Start, count: 1)
    }

    /// `{"type":"req","id":"<id>","method":"<method>"`, `,"traceparent":"..."` if there is one, and `,"params":` if there are any.
    public static func request(
        id: UInt64, method: UnsafeRawBufferPointer,
        traceparent: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), hasParams: Bool,
        into buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"req\",\"id\":\"")
        CallID.write(id, into: &buffer)
        buffer.append("\",\"method\":")
        buffer.appendJSONString(method)
        if traceparent.count > 0 {
            buffer.append(",\"traceparent\":")
            buffer.appendJSONString(traceparent)
        }
        if hasParams { buffer.append(",\"params\":") }
    }

    /// `{"type":"res","id":"<id>","ok":true` and `,"payload":` if there is one.  `id` is the peer's, as it stood in its frame.
    public static func response(
        rawID id: UnsafeRawBufferPointer, hasPayload: Bool, into buffer: inout ByteBuffer
    ) {
        buffer.append("{\"type\":\"res\",\"id\":")
        buffer.append(id)
        buffer.append(",\"ok\":true")
        if hasPayload { buffer.append(",\"payload\":") }
    }

    /// A whole failed response.
    public static func rejection(rawID id: UnsafeRawBufferPointer, _ error: Rejection, into buffer: inout ByteBuffer) {
        buffer.append("{\"type\":\"res\",\"id\":")
        buffer.append(id)
        buffer.append(",\"ok\":false,\"error\":{\"code\":")
        buffer.appendJSONString(error.code)
        buffer.append(",\"message\":")
        buffer.appendJSONString(error.message)
        if !error.details.isEmpty {
            buffer.append(",\"details\":")
            buffer.append(error.details)
        }
        if error.retryAfterMilliseconds > 0 {
            buffer.append(",\"retryable\":true,\"retryAfterMs\":")
            buffer.append(decimalText(UInt64(error.retryAfterMilliseconds)))
        }
        buffer.append("}}")
    }

    /// `{"type":"event","event":"<name>"` and `,"payload":` if there is one; `eventEnd` closes it.
    public static func event(name: UnsafeRawBufferPointer, hasPayload: Bool, into buffer: inout ByteBuffer) {
        buffer.append("{\"type\":\"event\",\"event\":")
        buffer.appendJSONString(name)
        if hasPayload { buffer.append(",\"payload\":") }
    }

    /// `,"seq":<n>}`.
    public static func eventEnd(sequence: UInt64, into buffer: inout ByteBuffer) {
        buffer.append(",\"seq\":")
        buffer.appendDecimal(sequence)
        buffer.append(0x7d)
    }
}

/// A failed response to send.
public struct Rejection {
    public var code: [UInt8]
    public var message: [UInt8]
    /// JSON, or empty.
    public var details: [UInt8] = []
    /// 0: not retryable.
    public var retryAfterMilliseconds: UInt32 = 0

    public init(_ code: [UInt8], _ message: [UInt8], details: [UInt8] = [], retryAfterMilliseconds: UInt32 = 0) {
        self.code = code
        self.message = message
        self.details = details
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    public init(_ code: String, _ message: String, details: String = "", retryAfterMilliseconds: UInt32 = 0) {
        self.init(
            code.bytes, message.bytes, details: details.bytes, retryAfterMilliseconds: retryAfterMilliseconds)
    }
}

/// The id of a call on the wire: its slot id in hex, so that an answer finds its call without a search.
public enum CallID {
    public static func write(_ id: UInt64, into buffer: inout ByteBuffer) {
        // All sixteen digits, then those behind the leading zeros moved to the front.
        let zeros = min(id.leadingZeroBitCount &>> 2, 15)
        let place = buffer.reserve(32)
        place.storeBytes(of: digits(UInt32(truncatingIfNeeded: id &>> 32)), as: UInt64.self)
        place.storeBytes(of: digits(UInt32(truncatingIfNeeded: id)), toByteOffset: 8, as: UInt64.self)
        let first = place.loadUnaligned(fromByteOffset: zeros, as: UInt64.self)
        let second = place.loadUnaligned(fromByteOffset: zeros &+ 8, as: UInt64.self)
        place.storeBytes(of: first, as: UInt64.self)
        place.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
        buffer.commit(16 &- zeros)
    }

    /// Eight hex digits as they lie in memory: the bits of the number are spread over as many bytes, then all of them are
    /// made digits at once.
    private static func digits(_ number: UInt32) -> UInt64 {
        var spread = UInt64(number)
        spread = (spread | spread &<< 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread &<< 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread | spread &<< 4) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = ((spread &+ 0x0606_0606_0606_0606) &>> 4) & 0x0101_0101_0101_0101
        return (spread &+ 0x3030_3030_3030_3030 &+ letters &* 0x27).bigEndian
    }

    /// Reads the id of a response back; nil if we did not write it.
    public static func read(_ value: JSONSlice, in text: UnsafeRawBufferPointer) -> UInt64? {
        guard value.kind == .string, value.range.count > 2, value.range.upperBound <= text.count,
            let base = text.baseAddress
        else { return nil }
        var index = value.range.lowerBound &+ 1
        let end = value.range.upperBound &- 1
        guard end &- index <= 16, text[index] != 0x30 else { return nil }
        var id: UInt64 = 0
        while index < end {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            var digit = byte &- 0x30
            if digit > 9 {
                digit = byte &- 0x57
                guard digit >= 10, digit <= 15 else { return nil }
            }
            id = id &<< 4 | UInt64(digit)
            index &+= 1
        }
        return id
    }
}
