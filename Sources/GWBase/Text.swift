/// ASCII work on bytes, without the Unicode tables that `String` comparison would link in.

extension UInt8 {
    public var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5a ? self | 0x20 : self }
    public var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// 0...15 of a hex digit.
    public var hexDigitValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }
}

extension String {
    public var bytes: [UInt8] { Array(utf8) }

    /// Byte for byte; never Unicode equivalence.
    public func isEqual(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

    /// Text for people from bytes that may be anything: what is not printable ASCII becomes `?`, so that nothing can
    /// forge a second line or a terminal sequence.
    public init(printable bytes: some Sequence<UInt8>, limit: Int = 256) {
        var text = ""
        var left = limit
        for byte in bytes {
            guard left > 0 else {
                text += "..."
                break
            }
            left -= 1
            text.unicodeScalars.append(byte >= 0x20 && byte < 0x7f ? Unicode.Scalar(byte) : "?")
        }
        self = text
    }
}

/// Lower-case hex.
public func hexText(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let digits: StaticString = "0123456789abcdef"
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits.utf8Start[Int(byte >> 4)])
        text.append(digits.utf8Start[Int(byte & 15)])
    }
    return text
}

/// Decimal digits of a number.
public func decimalText(_ number: UInt64) -> [UInt8] {
    var digits: [UInt8] = []
    digits.reserveCapacity(20)
    var rest = number
    repeat {
        digits.append(UInt8(truncatingIfNeeded: rest % 10) &+ 0x30)
        rest /= 10
    } while rest > 0
    digits.reverse()
    return digits
}

/// The number that decimal digits write, nil if it is none or does not fit.
public func decimalNumber(_ text: some Collection<UInt8>) -> UInt64? {
    guard !text.isEmpty else { return nil }
    var number: UInt64 = 0
    for byte in text {
        guard byte.isASCIIDigit else { return nil }
        let (product, tooLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, overflow) = product.addingReportingOverflow(UInt64(byte - 0x30))
        guard !tooLarge, !overflow else { return nil }
        number = sum
    }
    return number
}
