import GWBase

extension JSON {
    /// The content of a string, unescaped, in UTF-8.  A surrogate without its partner becomes U+FFFD.
    public static func string(_ value: JSONSlice, in text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard let (content, start) = content(of: value, in: text) else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(content.end &- start)
        var at = start
        while at < content.end {
            let byte = content.byte(at)
            if byte == Tokens.backslash {
                let (scalar, next) = content.unescape(at)
                let code = UTF8Code(scalar)
                for index in 0..<code.count { result.append(code[index]) }
                at = next
            } else {
                result.append(byte)
                at &+= 1
            }
        }
        return result
    }

    /// Whether a value is this string, compared unescaped.
    public static func isString(
        _ value: JSONSlice, equalTo wanted: StaticString, in text: UnsafeRawBufferPointer
    ) -> Bool {
        guard let (content, start) = content(of: value, in: text) else { return false }
        return content.unescapedEquals(start, wanted)
    }

    /// The number of a number token with an integral value, however it is written: `1`, `-3`, `1e3`, `1.0`.  Nil if it
    /// is none or does not fit.
    public static func integer(_ value: JSONSlice, in text: UnsafeRawBufferPointer) -> Int64? {
        let range = value.range.clamped(to: 0..<text.count)
        guard value.kind == .number, !range.isEmpty, let base = text.baseAddress else { return nil }
        let token = Tokens(base, range.upperBound)
        let isNegative = token.byte(range.lowerBound) == 0x2d
        let digits = isNegative ? range.lowerBound &+ 1 : range.lowerBound
        guard let magnitude = magnitude(token, digits) else { return nil }
        if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
        return magnitude < 1 << 63 ? Int64(truncatingIfNeeded: magnitude) : nil
    }

    private static func content(of value: JSONSlice, in text: UnsafeRawBufferPointer) -> (Tokens, start: Int)? {
        let range = value.range.clamped(to: 0..<text.count)
        guard value.kind == .string, range.count >= 2, let base = text.baseAddress else { return nil }
        return (Tokens(base, range.upperBound &- 1), range.lowerBound &+ 1)
    }

    /// The value of a number without its sign: digits before the point are moved into it or out of it by the exponent, and
    /// those that stay behind it must be zeros.
    private static func magnitude(_ token: Tokens, _ start: Int) -> UInt64? {
        var point = start
        while token.byte(point).isASCIIDigit { point &+= 1 }
        var digitsEnd = point
        if token.byte(point) == 0x2e {
            digitsEnd = point &+ 1
            while token.byte(digitsEnd).isASCIIDigit { digitsEnd &+= 1 }
        }
        var left = point &- start &+ exponent(token, digitsEnd)
        var number: UInt64 = 0
        var at = start
        while at < digitsEnd {
            let digit = token.byte(at) &- 0x30
            at &+= 1
            guard digit <= 9 else { continue }  // the point
            if left > 0 {
                guard let next = append(digit, to: number) else { return nil }
                number = next
            } else if digit != 0 {
                return nil
            }
            left &-= 1
        }
        while left > 0, number != 0 {
            guard let next = append(0, to: number) else { return nil }
            number = next
            left &-= 1
        }
        return number
    }

    private static func append(_ digit: UInt8, to number: UInt64) -> UInt64? {
        let (product, tooLarge) = number.multipliedReportingOverflow(by: 10)
        let (sum, overflow) = product.addingReportingOverflow(UInt64(digit))
        return tooLarge || overflow ? nil : sum
    }

    /// The exponent at `start`, 0 if there is none; held where it exceeds the length of every text.
    private static func exponent(_ token: Tokens, _ start: Int) -> Int {
        guard token.byte(start) | 0x20 == 0x65 else { return 0 }
        var at = start &+ 1
        let isNegative = token.byte(at) == 0x2d
        if isNegative || token.byte(at) == 0x2b { at &+= 1 }
        var exponent = 0
        while token.byte(at).isASCIIDigit {
            if exponent < 1 << 50 { exponent = exponent &* 10 &+ Int(token.byte(at) &- 0x30) }
            at &+= 1
        }
        return isNegative ? 0 &- exponent : exponent
    }
}
