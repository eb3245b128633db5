import GWBase
import GWHTTP
import Testing

@Suite("Header fields (RFC 9110 section 5)")
struct HeaderFieldsTests {
    private func fields(_ lines: (String, String)...) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in lines { fields.append(name.bytes, value.bytes) }
        return fields
    }

    private func list(_ values: String...) -> [String]? {
        var fields = HeaderFields()
        for value in values { fields.append("Connection", value.bytes) }
        return fields.list("connection")?.map { text($0) }
    }

    @Test("section 5.1: names are compared without case")
    func names() {
        let fields = fields(("UPGRADE", "websocket"))
        #expect(fields.contains("Upgrade"))
        #expect(fields.contains("upgrade"))
        #expect(!fields.contains("Upgrad"))
        #expect(!fields.contains("Upgrade2"))
    }

    @Test("section 5.3: a single header that stands twice is seen as such, also with one value")
    func single() {
        #expect(fields(("A", "1"), ("B", "2")).single("b") == .value("2".bytes))
        #expect(fields(("A", "1"), ("a", "1")).single("A") == .repeated)
        #expect(fields(("A", "")).single("A") == .value([]))
        #expect(fields().single("A") == .missing)
    }

    @Test("section 5.6.1: lists over several lines, empty members left out")
    func lists() {
        #expect(list("keep-alive, Upgrade") == ["keep-alive", "Upgrade"])
        #expect(list("keep-alive", "Upgrade") == ["keep-alive", "Upgrade"])
        #expect(list(" ,, a ,\tb,", "", "c") == ["a", "b", "c"])
        #expect(list() == [])
        #expect(fields(("Connection", "keep-alive, UPGRADE")).listContains("Connection", "upgrade"))
        #expect(!fields(("Connection", "keep-alive upgrade")).listContains("Connection", "upgrade"))
    }

    @Test("section 5.6.4: a comma inside a quoted string separates nothing")
    func quotedStrings() {
        #expect(list(#"a="x,y", b"#) == [#"a="x,y""#, "b"])
        #expect(list(#"a="\",", b"#) == [#"a="\",""#, "b"])
        #expect(list(#"a="x, b"#) == nil)
        #expect(list(#"a="\"#) == nil)
        #expect(HTTPText.unquoted(#""a\"b\\c""#.bytes[...]) == #"a"b\c"#.bytes)
        #expect(HTTPText.unquoted("token".bytes[...]) == "token".bytes)
        #expect(HTTPText.unquoted(#""""#.bytes[...]) == [])
        for text in ["", "\"", "a b", "\"a\"b\"", "\"a\\\"", "a\""] {
            #expect(HTTPText.unquoted(text.bytes[...]) == nil)
        }
    }

    @Test("section 5.6.2: which bytes a token may have")
    func tokens() {
        let allowed = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for byte in UInt8(0)...255 {
            #expect(HTTPText.isToken([byte]) == allowed.contains(byte))
        }
        #expect(!HTTPText.isToken([]))
    }

    @Test("section 5.5: a value has no control character but tabs")
    func values() {
        for byte in UInt8(0)...255 {
            #expect(HTTPText.isFieldValue([0x61, byte]) == (byte == 9 || (byte >= 0x20 && byte != 0x7f)))
        }
    }
}
