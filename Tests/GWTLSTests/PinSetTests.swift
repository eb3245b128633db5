import GWBase
import Testing

@testable import GWTLS

@Suite struct PinSetTests {
    @Test("Pin texts are read as the reference's algorithms read them (fingerprint.json)")
    func algorithms() throws {
        let file = try vectors("openclaw/fingerprint.json")
        let cases = try #require(file["cases"] as? [[String: Any]])
        #expect(cases.count > 20)
        for entry in cases {
            let input = try #require(entry["input"] as? String)
            let strict = try #require(entry["strict"] as? String)
            #expect(text(PinSet.strict(input.utf8) ?? []) == strict, "\(input)")
            #expect((PinSet.strict(input.utf8) != nil) == (entry["strictValid"] as? Bool), "\(input)")
            #expect(text(PinSet.lenientStrip(input.utf8)) == entry["lenientStrip"] as? String, "\(input)")
        }
    }

    @Test("Accepted is what either algorithm makes 64 digits of, and the line of openssl x509 -fingerprint")
    func acceptance() throws {
        let file = try vectors("openclaw/fingerprint.json")
        let certificate = bytes(hex: try #require(file["certificateSha256Hex"] as? String))
        for entry in try #require(file["cases"] as? [[String: Any]]) {
            let input = try #require(entry["input"] as? String)
            let strict = try #require(entry["strict"] as? String)
            let lenient = try #require(entry["lenientStrip"] as? String)
            let isLine = input.lowercased().hasPrefix("sha256 fingerprint=")
            let isAccepted = !strict.isEmpty || lenient.count == 64 || isLine
            let digest = PinSet.normalize(input.bytes)
            #expect((digest != nil) == isAccepted, "\(input)")
            if let digest { #expect(digest == certificate, "\(input)") }
        }
    }

    @Test("A fingerprint line with digits missing or too many is refused")
    func shortLine() {
        let pair = "AB"
        let line = { (count: Int) in
            "SHA256 Fingerprint=" + Array(repeating: pair, count: count).joined(separator: ":")
        }
        #expect(PinSet.normalize(line(32).bytes)?.count == 32)
        #expect(PinSet.normalize((line(32) + "\n").bytes)?.count == 32)
        #expect(PinSet.normalize(line(31).bytes) == nil)
        #expect(PinSet.normalize(line(33).bytes) == nil)
        #expect(PinSet.normalize("SHA1 Fingerprint=AB".bytes) == nil)
    }

    @Test("Texts of every length and byte are read or refused")
    func anything() {
        for count in 0..<130 {
            for byte in [UInt8(0), 0x20, 0x30, 0x3a, 0x61, 0x66, 0x7f, 0xff] {
                let text = [UInt8](repeating: byte, count: count)
                let isHex = byte == 0x30 || byte == 0x61 || byte == 0x66
                #expect((PinSet.normalize(text) != nil) == (isHex && count == 64))
                #expect((PinSet.normalize("sha256:".bytes + text) != nil) == (isHex && count == 64))
            }
        }
    }

    @Test("A set matches any of its pins and gives them back as lower-case hex")
    func matching() throws {
        var pins = PinSet()
        #expect(pins.isEmpty)
        #expect(!pins.matches([UInt8](repeating: 0, count: 32)))
        try pins.add(String(repeating: "AB", count: 32))
        try pins.add("sha256:" + String(repeating: "0c", count: 32))
        #expect(pins.matches([UInt8](repeating: 0xab, count: 32)))
        #expect(pins.matches([UInt8](repeating: 0x0c, count: 32)))
        #expect(!pins.matches([UInt8](repeating: 0xac, count: 32)))
        #expect(!pins.matches([]))
        #expect(!pins.matches([UInt8](repeating: 0xab, count: 31)))
        #expect(pins.hex.map { text($0) } == [String(repeating: "ab", count: 32), String(repeating: "0c", count: 32)])
    }

    @Test("A text that is no pin is told with what was given and what is wanted")
    func refusal() {
        var pins = PinSet()
        let failure = #expect(throws: Failure.self) { try pins.add("not-a\n-fingerprint") }
        #expect(failure?.status == .pinText)
        #expect(failure?.actor == .user)
        #expect(failure?.isRetryable == false)
        #expect(failure?.text.contains("not-a?-fingerprint") == true)
        #expect(pins.isEmpty)
    }
}
