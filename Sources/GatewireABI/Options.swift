import CGatewire
import GWBase

// How the host's memory becomes values: every field checked and copied.

/// Static text for C.
func staticText(_ text: StaticString) -> UnsafePointer<CChar> {
    // String literals end with NUL.
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// The bytes of NUL-terminated text; nil for NULL.
func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
    guard let text else { return nil }
    var length = 0
    while text[length] != 0 { length += 1 }
    return UnsafeRawBufferPointer(start: text, count: length).map { $0 }
}

/// The bytes of NUL-terminated text without copying them; for NULL none.
func borrowedBytes(_ text: UnsafePointer<CChar>?) -> UnsafeRawBufferPointer {
    guard let text else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    var length = 0
    while text[length] != 0 { length += 1 }
    return UnsafeRawBufferPointer(start: text, count: length)
}

func slice(_ bytes: UnsafeRawBufferPointer) -> gw_slice {
    gw_slice(ptr: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), len: bytes.count)
}

/// Checks `struct_size`, which stands first in every sized struct: large enough for the first version, and nothing set that
/// this version does not know.
func checkSize(_ options: UnsafeRawPointer, known: Int) throws(Failure) {
    let given = Int(options.loadUnaligned(as: UInt32.self))
    guard given >= known else {
        throw Failure(.structSize, .program, "struct_size is \(given), this version needs at least \(known)")
    }
    guard given <= 4096 else {
        throw Failure(.structSize, .program, "struct_size is \(given), which no version has")
    }
    for offset in known..<given where options.load(fromByteOffset: offset, as: UInt8.self) != 0 {
        throw Failure(
            .structSize, .program,
            "the struct has \(given) bytes and byte \(offset) is set, this version knows \(known): the library is too old"
        )
    }
}

/// Checks `struct_size` of a struct that is to be filled in.
func checkOutSize(_ name: StaticString, _ given: UInt32, _ known: Int) throws(Failure) {
    guard Int(given) >= known else {
        throw Failure(.structSize, .program, "struct_size of \(name) is \(given), this version needs at least \(known)")
    }
}

/// A field that has no meaning yet must be zero, so that it can get one.
func checkReserved(_ fields: UInt32...) throws(Failure) {
    for field in fields where field != 0 {
        throw Failure(.argument, .program, "a reserved field is \(field); it must be 0")
    }
}

func checkFlags(_ flags: UInt32, known: Int) throws(Failure) {
    let unknown = flags & ~UInt32(truncatingIfNeeded: known)
    guard unknown == 0 else {
        throw Failure(.flags, .program, "flags has bits that this version does not know: \(unknown)")
    }
}

/// Text that an option gives: UTF-8; nil for NULL.
func text(_ name: StaticString, _ value: UnsafePointer<CChar>?) throws(Failure) -> [UInt8]? {
    guard let bytes = bytes(value) else { return nil }
    var validator = UTF8Validator()
    let isValid = bytes.withUnsafeBufferPointer { validator.check(UnsafeRawBufferPointer($0)) }
    guard isValid, validator.isComplete else {
        throw Failure(.argument, .program, "\(name) is not UTF-8")
    }
    return bytes
}

/// As `text`, and not empty.
func name(_ name: StaticString, _ value: UnsafePointer<CChar>?) throws(Failure) -> [UInt8]? {
    guard let text = try text(name, value) else { return nil }
    guard !text.isEmpty else { throw Failure(.argument, .program, "\(name) is empty; leave it NULL for the default") }
    return text
}

/// A secret that an option gives; the bytes that are copied on the way are wiped.
func secret(_ label: StaticString, _ value: UnsafePointer<CChar>?) throws(Failure) -> Secret? {
    guard value != nil else { return nil }
    let secret = Secret(copying: borrowedBytes(value))
    guard !secret.isEmpty else {
        throw Failure(.argument, .program, "\(label) is empty; leave it NULL if there is none")
    }
    return secret
}

/// As `secret`, for one that stands in JSON: UTF-8.
func secretText(_ label: StaticString, _ value: UnsafePointer<CChar>?) throws(Failure) -> Secret? {
    var validator = UTF8Validator()
    guard validator.check(borrowedBytes(value)), validator.isComplete else {
        throw Failure(.argument, .program, "\(label) is not UTF-8")
    }
    return try secret(label, value)
}

/// A path or another text for the system.
func path(_ name: StaticString, _ value: UnsafePointer<CChar>?) throws(Failure) -> String? {
    guard let bytes = try GatewireABI.name(name, value) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
}

/// An array of texts; nil for NULL.
func texts(
    _ name: StaticString, _ values: UnsafePointer<UnsafePointer<CChar>?>?, _ count: Int
) throws(Failure) -> [[UInt8]]? {
    guard let values else {
        guard count == 0 else { throw Failure(.argument, .program, "\(name) is NULL, but its count is \(count)") }
        return nil
    }
    guard count <= 1024 else { throw Failure(.argument, .program, "\(name) has \(count) entries, the limit is 1024") }
    var result: [[UInt8]] = []
    for index in 0..<count {
        guard let value = try GatewireABI.name(name, values[index]) else {
            throw Failure(.argument, .program, "entry \(index) of \(name) is NULL")
        }
        result.append(value)
    }
    return result
}

/// 0 means the default.
func value(_ given: UInt32, default standard: UInt32) -> UInt32 { given == 0 ? standard : given }

/// A close code that a host may send (RFC 6455 section 7.4) and a reason of at most 123 bytes; 0: 1000.
func closing(
    _ code: UInt32, _ reason: UnsafePointer<CChar>?, isServer: Bool
) throws(Failure) -> (code: UInt16, reason: [UInt8]) {
    let reason = try text("reason", reason) ?? []
    guard reason.count <= 123 else {
        throw Failure(.argument, .program, "the close reason has \(reason.count) bytes, the limit is 123")
    }
    switch code {
    case 0: return (1000, reason)
    case 1010 where isServer:
        throw Failure(.argument, .program, "close code 1010 is for clients only (RFC 6455 section 7.4.1)")
    case 1000...1003, 1007...1014, 3000...4999: return (UInt16(truncatingIfNeeded: code), reason)
    default:
        throw Failure(
            .argument, .program, "close code \(code) must not be sent; allowed are 1000-1003, 1007-1014 and 3000-4999")
    }
}
