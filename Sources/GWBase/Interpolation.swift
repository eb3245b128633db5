/// What error texts are made of.  These take the place of the library's generic ones, which the compiler would write out anew at each
/// of their hundreds of uses.
extension DefaultStringInterpolation {
    @inline(never)
    public mutating func appendInterpolation(_ number: UInt64) {
        appendLiteral(String(decoding: decimalText(number), as: UTF8.self))
    }

    @inline(never)
    public mutating func appendInterpolation(_ number: Int64) {
        if number < 0 { appendLiteral("-") }
        appendInterpolation(number.magnitude)
    }

    public mutating func appendInterpolation(_ number: Int) { appendInterpolation(Int64(number)) }
    public mutating func appendInterpolation(_ number: Int32) { appendInterpolation(Int64(number)) }
    public mutating func appendInterpolation(_ number: UInt32) { appendInterpolation(UInt64(number)) }
    public mutating func appendInterpolation(_ number: UInt16) { appendInterpolation(UInt64(number)) }
    public mutating func appendInterpolation(_ number: UInt8) { appendInterpolation(UInt64(number)) }

    @inline(never)
    public mutating func appendInterpolation(_ text: String) { appendLiteral(text) }

    @inline(never)
    public mutating func appendInterpolation(_ text: StaticString) {
        appendLiteral(
            String(decoding: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount), as: UTF8.self))
    }
}
