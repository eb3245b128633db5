import CGatewire
import CSystem

// Arguments stay what the kernel gave: C text that is passed on as it is.  Nothing here needs Unicode.

typealias CText = UnsafePointer<CChar>

extension StaticString {
    /// The literal as C text; the compiler ends it with NUL.
    var cText: CText { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }

    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount) }
}

func isEqual(_ left: CText, _ right: StaticString) -> Bool { strcmp(left, right.cText) == 0 }

func hasPrefix(_ text: CText, _ prefix: StaticString) -> Bool {
    strncmp(text, prefix.cText, prefix.utf8CodeUnitCount) == 0
}

func bytes(_ text: CText) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(
        start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: strlen(text))
}

/// `errno`, which the importer does not see.
func systemError() -> Int32 { __errno_location().pointee }

extension gw_slice {
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: ptr, count: ptr == nil ? 0 : len) }
}

/// Decimal digits of a number.
func decimal(_ number: UInt64) -> [UInt8] {
    var digits: [UInt8] = []
    var rest = number
    repeat {
        digits.append(0x30 + UInt8(truncatingIfNeeded: rest % 10))
        rest /= 10
    } while rest > 0
    digits.reverse()
    return digits
}

/// A whole number, nil if the text is none or it is above the limit.
func wholeNumber(_ text: CText, upTo limit: UInt64) -> UInt64? {
    var number: UInt64 = 0
    for byte in bytes(text) {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        number = number * 10 + UInt64(byte - 0x30)
        guard number <= limit else { return nil }
    }
    return text.pointee == 0 ? nil : number
}

/// Seconds with up to three decimals ("2", "0.25") as milliseconds, nil if the text is no such number or 0.
func milliseconds(_ text: CText) -> UInt32? {
    var value: UInt64 = 0
    var decimals = -1
    for byte in bytes(text) {
        if byte == 0x2e, decimals < 0 {
            decimals = 0
            continue
        }
        guard byte >= 0x30, byte <= 0x39, decimals < 3, value < 1_000_000_000 else { return nil }
        value = value * 10 + UInt64(byte - 0x30)
        if decimals >= 0 { decimals += 1 }
    }
    for _ in max(decimals, 0)..<3 { value *= 10 }
    // Above that the library's numbers have other meanings.
    return value == 0 || value > 0xffff_fff0 ? nil : UInt32(truncatingIfNeeded: value)
}

/// The string value of a member of a flat JSON object, or the first one of its array, as it stands between its quotes;
/// empty if there is none.
func member(_ name: StaticString, of json: gw_slice) -> UnsafeBufferPointer<UInt8> {
    let text = json.bytes
    let none = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    guard let base = text.baseAddress, name.utf8CodeUnitCount > 0 else { return none }
    var at = 0
    var isValue = false
    while at < text.count {
        if text[at] == 0x3a { isValue = true }
        if text[at] == 0x2c { isValue = false }
        guard text[at] == 0x22 else {
            at += 1
            continue
        }
        let start = at + 1
        at = start
        while at < text.count, text[at] != 0x22 { at += text[at] == 0x5c ? 2 : 1 }
        guard at < text.count else { return none }
        let isName = !isValue && at - start == name.utf8CodeUnitCount
        if isName, memcmp(base + start, name.utf8Start, at - start) == 0 {
            return stringValue(text, after: at + 1)
        }
        at += 1
    }
    return none
}

private func stringValue(_ text: UnsafeBufferPointer<UInt8>, after place: Int) -> UnsafeBufferPointer<UInt8> {
    var start = place
    while start < text.count, text[start] == 0x20 || text[start] == 0x3a || text[start] == 0x5b { start += 1 }
    guard start < text.count, text[start] == 0x22 else { return UnsafeBufferPointer(start: nil, count: 0) }
    start += 1
    var end = start
    while end < text.count, text[end] != 0x22 { end += text[end] == 0x5c ? 2 : 1 }
    guard end <= text.count else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(rebasing: text[start..<end])
}
