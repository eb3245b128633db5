import Foundation
import GWBase
import GWJSON
import Testing

@Suite("JSON written")
struct JSONTextTests {
    private func escaped(_ content: [UInt8]) -> String {
        let text = Text(content)
        let result = written { $0.appendJSONString(text.bytes) }
        #expect(JSON.stringLength(text.bytes) == result.utf8.count)
        #expect(written { $0.appendJSONString(content) } == result)
        #expect(JSON.stringLength(content) == result.utf8.count)
        return result
    }

    @Test(
        "RFC 8259 section 7: quotation mark, reverse solidus and control characters are escaped, nothing else",
        arguments: [
            ("", #""""#), ("abc", #""abc""#), ("\"", #""\"""#), ("\\", #""\\""#), ("/", #""/""#),
            ("\u{8}\u{9}\u{a}\u{c}\u{d}", #""\b\t\n\f\r""#), ("\0\u{1}\u{b}\u{1f}", #""\u0000\u0001\u000b\u001f""#),
            ("\u{7f}é漢😀\u{2028}", "\"\u{7f}é漢😀\u{2028}\""), ("12345678\"12345678", #""12345678\"12345678""#),
        ])
    func escapes(_ content: String, _ json: String) {
        #expect(escaped(Array(content.utf8)) == json)
        #expect(written { $0.appendJSONString(content) } == json)
        #expect(JSON.stringLength(content) == json.utf8.count)
    }

    @Test("RFC 3629 section 3: what is not UTF-8 is replaced, as a decoder of Unicode would")
    func invalidUTF8() {
        var random = Seeded(3)
        let bytes: [UInt8] = [
            0x41, 0x22, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0x8f, 0xf4, 0xf5, 0xff,
        ]
        for _ in 0..<20_000 {
            let content = (0..<Int.random(in: 0...12, using: &random)).map { _ in bytes.randomElement(using: &random)! }
            let json = escaped(content)
            #expect(unescaped(json) == Array(String(decoding: content, as: UTF8.self).utf8))
        }
    }

    @Test("every byte at every place of a word comes back")
    func roundTrip() {
        for length in Array(1...17) + [31, 32, 33] {
            for place in 0..<length {
                for byte in UInt8(0)..<0x80 {
                    var content = [UInt8](repeating: 0x61, count: length)
                    content[place] = byte
                    if unescaped(escaped(content)) != content { Issue.record("byte \(byte) at \(place) of \(length)") }
                }
            }
        }
    }

    @Test("numbers in decimal")
    func decimals() {
        func decimal(_ number: some FixedWidthInteger) -> String { written { $0.appendDecimal(number) } }
        #expect(decimal(0) == "0")
        #expect(decimal(-1) == "-1")
        #expect(decimal(UInt8(200)) == "200")
        #expect(decimal(UInt64.max) == "18446744073709551615")
        #expect(decimal(Int64.max) == "9223372036854775807")
        #expect(decimal(Int64.min) == "-9223372036854775808")
        #expect(written { for number in 0..<100 { $0.appendDecimal(number) } } == (0..<100).map(String.init).joined())
    }

    @Test("a writer sets commas between members and elements and nowhere else")
    func writer() {
        let json = written { out in
            out.append([0x7e])
            out.appendJSONObject { frame in
                frame.string("type", "req")
                frame.string("id", Array("a\"b".utf8))
                frame.integer("seq", 12)
                frame.integer("low", Int64.min)
                frame.bool("ok", true)
                frame.null("none")
                frame.raw("payload", Array(#"{"verbatim":[ 1 ]}"#.utf8))
                frame.object("empty") { _ in }
                frame.object("auth") { auth in
                    auth.string("token", "t")
                    auth.array("scopes") { scopes in
                        scopes.string("x")
                        scopes.integer(UInt64.max)
                        scopes.raw(Array("null".utf8))
                        scopes.array { _ in }
                        scopes.object { $0.bool("b", false) }
                    }
                }
            }
        }
        #expect(
            json == #"~{"type":"req","id":"a\"b","seq":12,"low":-9223372036854775808,"ok":true,"none":null,"#
                + #""payload":{"verbatim":[ 1 ]},"empty":{},"#
                + #""auth":{"token":"t","scopes":["x",18446744073709551615,null,[],{"b":false}]}}"#)
        #expect(Text(json.dropFirst().utf8).isValid)
    }

    @Test("Foundation reads what is written")
    func foundation() throws {
        let json = written { out in
            out.appendJSONObject { $0.string("text", "line\n\"quoted\" \\ \u{1} é😀") }
        }
        let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: String]
        #expect(object == ["text": "line\n\"quoted\" \\ \u{1} é😀"])
    }
}
