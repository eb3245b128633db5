import GWBase
import Testing

@Suite struct InterpolationTests {
    @Test("numbers and texts stand in a text as they do without this library")
    func sameAsBefore() {
        for number in [Int.min, -1, 0, 7, 10, Int.max] {
            #expect("<\(number)>".utf8.elementsEqual("<\(String(number))>".utf8))
        }
        #expect("\(UInt64.max)" == "18446744073709551615" && "\(Int64.min)" == "-9223372036854775808")
        #expect("\(UInt32.max) \(UInt16.max) \(UInt8.max) \(Int32.min)" == "4294967295 65535 255 -2147483648")
        let text = "grüß"
        let fixed: StaticString = "dich ✓"
        #expect("\(text) \(fixed)" == "grüß dich ✓")
    }
}
