import Foundation
import GWBase
import GWJSON
import Testing

@Suite("RFC 8259 grammar")
struct ScannerTests {
    static let valid = [
        // section 2: white space and structure
        "{}", "[]", " \t\r\n{ \t\r\n} \t\r\n", "[ ]", "[1,2,3]", "[ 1 , 2 ]", "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] }",
        "[[[]]]", "[{},{}]", "{\"a\":{\"b\":{}}}", "[[],{}]", "[{\"a\":[1,{\"b\":null}]},2]",
        // section 3: values
        "null", "true", "false", "0", "\"\"", "[null,true,false]", "[null]", "[true]", "[false]",
        // section 4: objects, of which duplicate and empty names are some
        "{\"a\":1,\"a\":2}", "{\"\":0}",
        // section 6: numbers
        "-0", "1", "-1", "10", "1234567890", "0.0", "0.10", "-0.5", "1e0", "1E0", "1e+1", "1e-1", "1.5e10", "0e5",
        "123456789012345678901234567890", "1e400", "-1.0E-0",
        // section 7: strings
        "\"a\"", "\"\\\"\"", "\"\\\\\"", "\"\\/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\u0000\"", "\"\\uABCD\\uabcd\"",
        "\"\u{7f}\"", "\"\u{2028}\"", "\"/\"", "\"seven b\"", "\"eight by\"", "\"nine byte\"", "\"é漢😀\"",
        // section 8.2: unpaired surrogates are within the grammar
        "\"\\ud800\"", "\"\\udc00\\ud800\"",
    ]

    static let invalid = [
        "", " ", "\u{feff}{}",
        // section 2
        "{", "}", "[", "]", "[}", "{]", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[1 2]", "{\"a\"}", "{\"a\":}",
        "{\"a\":1,}",
        "{,}", "{:1}", "{\"a\" 1}", "{\"a\"::1}", "{1:1}", "{a:1}", "{'a':1}", "{null:1}", "[\"a\":1]", "{\"a\",1}",
        "{}{}", "[][]", "1 2", "{}x", "{} ]", "\u{0b}1", "1\u{0c}", "\u{a0}1", "//\n1", "/**/1", "1\u{0}", "\u{0}",
        // section 3
        "nul", "nulll", "null0", "Null", "NULL", "tru", "truE", "truee", "fals", "falsf", "False", "undefined", "NaN",
        "Infinity", "-Infinity", "n", "t", "f", "nill",
        // section 6
        "-", "+1", "01", "-01", "00", "1.", ".5", "-.5", "1.e1", "1e", "1e+", "1e-", "1e1.5", "0x10", "1_000", "--1",
        "1a", "1.2.3", "- 1", "1 e1", "-a", "0-", "1e1e1",
        // section 7
        "\"", "\"a", "'a'", "\"\\\"", "\"\\x41\"", "\"\\a\"", "\"\\u12\"", "\"\\u123\"", "\"\\u123g\"", "\"\\U0041\"",
        "\"\\", "\"\\u", "\"\\'\"", "\"\n\"", "\"\t\"", "\"\u{0}\"", "\"\u{1f}\"", "\"abcdefg\u{1f}\"",
        "\"abcdefgh\u{1}\"",
        "\"a\" \"b\"", "\"\"\"", "a",
    ]

    @Test("section 2 to 7: what the grammar allows is accepted", arguments: valid)
    func accepts(_ json: String) {
        #expect(Text(json).isValid)
        #expect(Text(json).scan() != nil)
    }

    @Test("section 2 to 7: what the grammar does not allow is refused", arguments: invalid)
    func refuses(_ json: String) {
        #expect(!Text(json).isValid)
        #expect(Text(json).scan() == nil)
    }

    @Test("section 7: every byte but quote, backslash and control characters stands for itself, at every place")
    func controlCharacters() {
        // Around the widths in which the scanner reads.
        for length in Array(1...20) + [31, 32, 33, 48] {
            for place in 0..<length {
                for byte in UInt8(0)...0xff {
                    var content = [UInt8](repeating: 0x61, count: length)
                    content[place] = byte
                    let isPlain = byte >= 0x20 && byte != 0x22 && byte != 0x5c
                    if Text([0x22] + content + [0x22]).isValid != isPlain {
                        Issue.record("byte \(byte) at \(place) of \(length)")
                    }
                    if byte % 16 == 2,
                        Text([0x5b, 0x22] + content + Array("\", 1234567890123]".utf8)).isValid != isPlain
                    {
                        Issue.record("byte \(byte) at \(place) of \(length) in front of a number")
                    }
                }
            }
        }
    }

    @Test("section 6: a number may have any count of digits, and nothing else between them")
    func digits() {
        for count in 1...40 {
            let digits = String(repeating: "7", count: count)
            for number in [digits, "-\(digits)", "0.\(digits)", "1e\(digits)", "1E+\(digits)", "\(digits).5"] {
                #expect(Text(number).isValid)
                #expect(Text("[\(number),\(number)]").isValid)
                for place in 0..<count {
                    var broken = Array(number.utf8)
                    broken[broken.count - 1 - place] = place % 2 == 0 ? 0x3a : 0x2f  // the neighbours of the digits
                    if Text([0x5b] + broken + [0x5d]).isValid {
                        Issue.record("\(String(decoding: broken, as: UTF8.self))")
                    }
                }
            }
        }
    }

    @Test("no start of an object, array or string is a whole text")
    func prefixes() {
        for json in ScannerTests.valid {
            let bytes = Array(json.trimmingCharacters(in: .whitespacesAndNewlines).utf8)
            guard let first = bytes.first, first == 0x7b || first == 0x5b || first == 0x22 else { continue }
            for count in 0..<bytes.count where Text(bytes[..<count]).isValid {
                Issue.record("\(json) cut after \(count) bytes")
            }
        }
    }

    @Test("section 9: depth up to the limit and no further", arguments: ["[", "{\"a\":"])
    func depth(_ opening: String) {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ depth: Int) -> String {
            String(repeating: opening, count: depth) + "0" + String(repeating: closing, count: depth)
        }
        for depth in [1, 2, 63, 64, 65, 127, 128, 129, 255, Limits.jsonDepth] {
            #expect(Text(nested(depth)).isValid)
        }
        #expect(!Text(nested(Limits.jsonDepth + 1)).isValid)
        #expect(!Text(String(repeating: opening, count: 100_000)).isValid)
    }

    @Test("each bracket closes the one that is open, at every depth")
    func mixedNesting() {
        var random = Seeded(1)
        for _ in 0..<200 {
            var opening = ""
            var closing: [Character] = []
            for _ in 0..<Int.random(in: 1...Limits.jsonDepth, using: &random) {
                let isObject = Bool.random(using: &random)
                opening += isObject ? "{\"k\":" : "["
                closing.append(isObject ? "}" : "]")
            }
            let right = opening + "0" + String(closing.reversed())
            #expect(Text(right).isValid)
            let wrong = Int.random(in: 0..<closing.count, using: &random)
            closing[wrong] = closing[wrong] == "}" ? "]" : "}"
            #expect(!Text(opening + "0" + String(closing.reversed())).isValid)
        }
    }

    @Test("the slice of the value leaves white space out", arguments: ["{}", "[1]", "\"a\"", "12", "true", "null"])
    func wholeValue(_ json: String) {
        #expect(Text(" \n" + json + "\t ").scan()?.range == 2..<2 + json.utf8.count)
    }

    @Test("any bytes inside a string pass, because whether they are UTF-8 is checked elsewhere")
    func invalidUTF8() {
        #expect(Text([0x22, 0xff, 0xc0, 0x80, 0x22]).isValid)
        #expect(!Text([0xff]).isValid)
    }

    @Test("an empty pointer is no JSON")
    func noMemory() {
        #expect(!JSON.isValid(UnsafeRawBufferPointer(start: nil, count: 0)))
    }

    /// Foundation takes a comma before a closing bracket, and refuses an escaped surrogate without its partner and a
    /// number that is too large for a Double; RFC 8259 says the opposite of the first and allows the others.
    @Test("the same verdict as Foundation on mutated texts", arguments: 0..<16)
    func foundation(_ seed: Int) throws {
        var random = Seeded(UInt64(seed))
        let alphabet = Array(" {}[]:,\"\\/0123456789-+.eEtrufalsn\n\tabu".utf8)
        let frame =
            #"{"type":"event","event":"chat","payload":{"seq":3,"text":"a\u00e9\n"},"list":[1,-2.5e3,true,null]}"#
        let starts = ScannerTests.valid + [frame]
        for _ in 0..<1500 {
            var bytes = Array(starts.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0...bytes.count, using: &random)
                let byte = alphabet.randomElement(using: &random)!
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where place < bytes.count: bytes[place] = byte
                case 1 where place < bytes.count: bytes.remove(at: place)
                default: bytes.insert(byte, at: place)
                }
            }
            guard String(validating: bytes, as: UTF8.self) != nil else { continue }
            let ours = Text(bytes).isValid
            let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
            if ours != theirs, !isKnownDifference(bytes) {
                Issue.record("\(String(decoding: bytes, as: UTF8.self)): ours \(ours), Foundation \(theirs)")
            }
        }
    }

    private func isKnownDifference(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self).lowercased()
        if text.contains(#/,\s*[\]}]/#) || text.contains("\\ud") { return true }
        return text.split { !"0123456789+-.e".contains($0) }.contains { Double($0)?.isInfinite ?? false }
    }
}
