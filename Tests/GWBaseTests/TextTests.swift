import GWBase
import Testing

@Suite("Text")
struct TextTests {
    @Test("hex digits and their values")
    func hex() {
        #expect(String(decoding: hexText([0x00, 0x9a, 0xff]), as: UTF8.self) == "009aff")
        for byte in UInt8(0)...255 {
            let isHex = "0123456789abcdefABCDEF".utf8.contains(byte)
            #expect(byte.hexDigitValue == (isHex ? UInt8(String(Unicode.Scalar(byte)), radix: 16) : nil))
            #expect(byte.isASCIIDigit == "0123456789".utf8.contains(byte))
            let lowered = byte < 0x80 ? Array(String(Unicode.Scalar(byte)).lowercased().utf8) : [byte]
            #expect([byte.asciiLowercased] == lowered)
        }
    }

    @Test("decimal numbers there and back")
    func decimal() {
        for number: UInt64 in [0, 1, 9, 10, 99, 100, 12_345_678_901_234_567_890, .max] {
            #expect(String(decoding: decimalText(number), as: UTF8.self) == "\(number)")
            #expect(decimalNumber(decimalText(number)) == number)
        }
        #expect(decimalNumber("007".bytes) == 7)
        for text in ["", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999", "1.0"] {
            #expect(decimalNumber(text.bytes) == nil)
        }
    }

    @Test("text for people has no control character and no second line")
    func printable() {
        #expect(String(printable: "a\u{1b}[31m\r\nb\u{7f}é".bytes) == "a?[31m??b???")
        #expect(String(printable: "abcdef".bytes, limit: 6) == "abcdef")
        #expect(String(printable: "abcdefg".bytes, limit: 6) == "abcdef...")
        #expect(String(printable: [UInt8]()) == "")
    }

    @Test("texts are compared byte for byte")
    func comparison() {
        #expect("é".isEqual("\u{e9}"))
        #expect(!"e\u{301}".isEqual("\u{e9}"))
        #expect(!"a".isEqual("ab"))
    }
}
