import GWBase
import GWJSON
import Testing

@Suite("Values of strings and numbers")
struct ValuesTests {
    @Test(
        "RFC 8259 section 7: escapes are undone",
        arguments: [
            (#""""#, ""), (#""abc""#, "abc"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (#""\u0041\u00e9\u6F22""#, "Aé漢"),
            (#""é漢😀""#, "é漢😀"), (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00!""#, "😀!"), (#""\u0000""#, "\0"),
            (#""\udbff\udfff""#, "\u{10ffff}"), (#""\ud800\udc00""#, "\u{10000}"),
            (#""\uffff\u0800\u07ff\u0080\u007f""#, "\u{ffff}\u{800}\u{7ff}\u{80}\u{7f}"),
        ])
    func escapes(_ json: String, _ content: String) {
        #expect(unescaped(json) == Array(content.utf8))
    }

    @Test(
        "RFC 8259 section 8.2: a surrogate without its partner becomes U+FFFD",
        arguments: [
            (#""\ud800""#, "\u{fffd}"), (#""\udc00""#, "\u{fffd}"), (#""\ud800x""#, "\u{fffd}x"),
            (#""\ud800\ud800""#, "\u{fffd}\u{fffd}"), (#""\udc00\ud800""#, "\u{fffd}\u{fffd}"),
            (#""\ud800\n""#, "\u{fffd}\n"),
            (#""\ud800\u0041""#, "\u{fffd}A"), (#""\ud800\ud83d\ude00""#, "\u{fffd}😀"),
        ])
    func surrogates(_ json: String, _ content: String) {
        #expect(unescaped(json) == Array(content.utf8))
    }

    @Test("what is no string has no content", arguments: ["1", "null", "[\"a\"]", "{}"])
    func noString(_ json: String) {
        #expect(unescaped(json) == nil)
    }

    @Test("a string is compared unescaped and as a whole")
    func comparison() {
        func isOK(_ json: String) -> Bool {
            let text = Text(json)
            return JSON.isString(text.scan()!, equalTo: "ok", in: text.bytes)
        }
        #expect(isOK(#""ok""#))
        #expect(isOK(#""\u006fk""#))
        #expect(!isOK(#""o""#))
        #expect(!isOK(#""oke""#))
        #expect(!isOK(#""""#))
        #expect(!isOK(#""o\u006b\u0000""#))
        #expect(!isOK("true"))
        #expect(!isOK("[\"ok\"]"))
    }

    @Test(
        "RFC 8259 section 6: an integral value is read however it is written",
        arguments: [
            ("0", 0), ("-0", 0), ("1", 1), ("-3", -3), ("1.0", 1), ("1e3", 1000), ("1E+3", 1000), ("1000e-3", 1),
            ("12.50e1", 125),
            ("0.5e1", 5), ("0.0", 0), ("0e999999999999999999999", 0), ("0.00e-99999999999999999999", 0),
            ("-1.200e2", -120),
            ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775807.000", .max),
            ("92233720368547758.07e2", .max), ("0.000000000000000000000000000001e30", 1),
            ("100000000000000000000e-20", 1),
        ] as [(String, Int64)])
    func integers(_ json: String, _ value: Int64) {
        #expect(integer(json) == value)
    }

    @Test(
        "a number that is not integral or does not fit is none",
        arguments: [
            "0.5", "1e-1", "1.5", "-1.25e1", "9223372036854775808", "-9223372036854775809", "18446744073709551616",
            "1e19", "1e400",
            "1e99999999999999999999", "1e-99999999999999999999", "123456789012345678901234567890",
            "1.00000000000000000000001",
            "true", "\"1\"", "null", "[1]",
        ])
    func noIntegers(_ json: String) {
        #expect(integer(json) == nil)
    }

    @Test("a number of very many digits is read in its length, not in the size of its exponent")
    func longNumbers() {
        let zeros = String(repeating: "0", count: 100_000)
        #expect(integer("1" + zeros + "e-100000") == 1)
        #expect(integer("0." + zeros + "1e100001") == 1)
        #expect(integer("1" + zeros) == nil)
    }
}
