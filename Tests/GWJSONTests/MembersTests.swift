import GWBase
import GWJSON
import Testing

@Suite("Members found without a tree")
struct MembersTests {
    private func find(_ name: StaticString, _ json: String) -> String? {
        let text = Text(json)
        var members = JSONMembers()
        guard let object = JSON.scan(text.bytes, &members) else { return "not JSON" }
        let found = text.text(members.find(name, in: text.bytes))
        #expect(text.text(JSON.member(name, of: object, in: text.bytes)) == found)
        return found
    }

    @Test("each member is recorded with key, kind and range")
    func records() {
        let json =
            #" { "s" : "x,}" ,"n":-1.5e3,"t":true,"f":false,"z":null,"a":[1,{"b":2}],"o":{"p":{}},"e":[],"":{} } "#
        let text = Text(json)
        var members = JSONMembers()
        #expect(JSON.scan(text.bytes, &members)?.kind == .object)
        let keys = (0..<members.count).map { text.text(members.key($0)) }
        let kinds = (0..<members.count).map { members.value($0).kind }
        let values = (0..<members.count).map { text.text(members.value($0).range) }
        #expect(keys == ["s", "n", "t", "f", "z", "a", "o", "e", ""])
        #expect(kinds == [.string, .number, .true, .false, .null, .array, .object, .array, .object])
        #expect(values == ["\"x,}\"", "-1.5e3", "true", "false", "null", "[1,{\"b\":2}]", "{\"p\":{}}", "[]", "{}"])
        #expect(members.isTruncated == false)
    }

    @Test("nested members are not mistaken for top-level ones")
    func nesting() {
        #expect(find("id", #"{"payload":{"id":1},"list":[{"id":2}],"text":"\"id\":3"}"#) == nil)
        #expect(find("id", #"{"payload":{"id":1},"id":4}"#) == "4")
    }

    @Test("of several members with one name the last counts")
    func duplicates() {
        #expect(find("a", #"{"a":1,"b":2,"a":3}"#) == "3")
        #expect(find("a", #"{"a":1,"\u0061":3,"b":2}"#) == "3")
    }

    @Test("keys with escapes are compared unescaped")
    func escapedKeys() {
        #expect(find("type", #"{"\u0074\u0079pe":1}"#) == "1")
        #expect(find("a/b", #"{"a\/b":1}"#) == "1")
        #expect(find("a\\nb", #"{"a\nb":1}"#) == nil)
        #expect(find("a\nb", #"{"a\nb":1}"#) == "1")
        #expect(find("a\\nb", #"{"a\\nb":1}"#) == "1")
        #expect(find("é", #"{"\u00e9":1}"#) == "1")
        #expect(find("漢", #"{"\u6f22":1}"#) == "1")
        #expect(find("😀", #"{"\ud83d\ude00":1}"#) == "1")
        #expect(find("", #"{"":1}"#) == "1")
    }

    @Test("names that differ in one byte are told apart, whatever their length")
    func lengths() {
        for length in 1...20 {
            let name = String(repeating: "a", count: length)
            for place in 0..<length {
                var other = Array(name.utf8)
                other[place] = 0x62
                let json = "{\"\(String(decoding: other, as: UTF8.self))\":1,\"\(name)\":2,\"\(name)a\":3}"
                let names: [StaticString] = ["a", "aaaaaaa", "aaaaaaaa", "aaaaaaaaa", "aaaaaaaaaaaaaaaa"]
                for wanted in names {
                    let count = wanted.utf8CodeUnitCount
                    #expect(find(wanted, json) == (count == length ? "2" : count == length + 1 ? "3" : nil))
                }
            }
        }
    }

    @Test("a name is not found by its start or with something behind it")
    func wholeNames() {
        #expect(find("seq", #"{"se":1,"sequence":2,"Seq":3," seq":4,"seq\u0000":5}"#) == nil)
        #expect(find("a", #"{"ab":1,"\u0061b":2,"":3}"#) == nil)
    }

    @Test("more members than are recorded are still found, the last one first")
    func truncated() {
        let pairs = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let text = Text("{" + pairs + ",\"k3\":\"again\"}")
        var members = JSONMembers()
        #expect(JSON.scan(text.bytes, &members) != nil)
        #expect(members.isTruncated == true)
        #expect(members.count == JSONMembers.capacity)
        #expect(text.text(members.find("k99", in: text.bytes)) == "99")
        #expect(text.text(members.find("k3", in: text.bytes)) == "\"again\"")
        #expect(members.find("k100", in: text.bytes) == nil)
    }

    @Test("nothing of an earlier scan is left, also after a text that is no JSON")
    func reuse() {
        let first = Text(#"{"a":1}"#)
        let broken = Text(#"{"b":1,"#)
        let array = Text(#"[{"c":1}]"#)
        var members = JSONMembers()
        #expect(JSON.scan(first.bytes, &members) != nil)
        #expect(members.count == 1)
        #expect(JSON.scan(array.bytes, &members) != nil)
        #expect(members.count == 0)
        #expect(JSON.scan(broken.bytes, &members) == nil)
        #expect(members.find("a", in: broken.bytes) == nil)
        #expect(members.value(7).kind == .null)
        #expect(members.key(-1).isEmpty)
    }

    @Test("a path leads through nested objects")
    func path() {
        let text = Text(#"{"payload":{"auth":{"deviceToken":"t"},"n":1}}"#)
        let object = text.scan()!
        #expect(text.text(JSON.member(at: ["payload", "auth", "deviceToken"], of: object, in: text.bytes)) == "\"t\"")
        #expect(JSON.member(at: ["payload", "n", "x"], of: object, in: text.bytes) == nil)
        #expect(JSON.member(at: ["nothing", "n"], of: object, in: text.bytes) == nil)
    }

    @Test("members and elements come in their order")
    func walking() {
        let text = Text(#"{ "a" : [ 1 , "]" , [ ] , {"x":[1]} , null , true , false ] , "b" : { } }"#)
        let object = text.scan()!
        var members: [String] = []
        JSON.forEachMember(of: object, in: text.bytes) { members.append(text.text($0) + "=" + text.text($1.range)) }
        #expect(members == [#"a=[ 1 , "]" , [ ] , {"x":[1]} , null , true , false ]"#, "b={ }"])
        var elements: [String] = []
        let array = JSON.member("a", of: object, in: text.bytes)!
        JSON.forEachElement(of: array, in: text.bytes) { elements.append(text.text($0.range)) }
        #expect(elements == ["1", "\"]\"", "[ ]", "{\"x\":[1]}", "null", "true", "false"])
    }

    @Test("a walk over a value of another kind hands over nothing")
    func otherKinds() {
        let text = Text("[1,2]")
        let array = text.scan()!
        var count = 0
        JSON.forEachMember(of: array, in: text.bytes) { _, _ in count += 1 }
        #expect(count == 0)
        #expect(JSON.member("a", of: array, in: text.bytes) == nil)
    }

    @Test("a closed shape has no member but the named ones")
    func closedShapes() {
        func isClosed(_ json: String) -> Bool {
            let text = Text(json)
            return JSON.hasOnlyMembers(["type", "id", "ok"], of: text.scan()!, in: text.bytes)
        }
        #expect(isClosed("{}"))
        #expect(isClosed(#"{"type":1,"id":2}"#))
        #expect(isClosed(#"{"\u0069d":1,"ok":{"extra":1}}"#))
        #expect(!isClosed(#"{"type":1,"extra":2}"#))
        #expect(!isClosed(#"{"ID":1}"#))
        #expect(!isClosed("[]"))
    }

    @Test("ranges that do not belong to the text, and texts that were never checked, are walked without harm")
    func unchecked() {
        var random = Seeded(7)
        let alphabet = Array("{}[]:,\"\\u0 1truefalsn".utf8)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &random)
            let text = Text((0..<count).map { _ in alphabet.randomElement(using: &random)! })
            let start = Int.random(in: -3...30, using: &random)
            let range = start..<start + Int.random(in: 0...30, using: &random)
            for kind in [JSONKind.object, .array, .string, .number] {
                let slice = JSONSlice(kind: kind, range: range)
                _ = JSON.member("a", of: slice, in: text.bytes)
                _ = JSON.hasOnlyMembers(["a"], of: slice, in: text.bytes)
                _ = JSON.string(slice, in: text.bytes)
                _ = JSON.integer(slice, in: text.bytes)
                _ = JSON.isString(slice, equalTo: "\u{fffd}", in: text.bytes)
                _ = JSON.isKey(range, "a", in: text.bytes)
                _ = slice.bytes(in: text.bytes)
                var elements = 0
                JSON.forEachElement(of: slice, in: text.bytes) { _ in elements += 1 }
                #expect(elements <= count)
            }
        }
    }
}
