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

/// Milliseconds of a clock that only goes forward.
func monotonicMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
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
