import GWBase
import Testing

@testable import GWTLS

/// The digest of a text that writes a certificate pin.
private func certificateDigest(_ text: [UInt8]) -> [UInt8]? {
    guard let pin = try? Pin(text), pin.kind == .certificate else { return nil }
    return pin.digest
}

@Suite struct PinSetTests {
    @Test("Pin texts are read as the reference's algorithms read them (fingerprint.json)")
    func algorithms() throws {
        let file = try vectors("openclaw/fingerprint.json")
        let cases = try #require(file["cases"] as? [[String: Any]])
        #expect(cases.count > 20)
        for entry in cases {
            let input = try #require(entry["input"] as? String)
            let strict = try #require(entry["strict"] as? String)
            #expect(text(PinText.strict(input.utf8) ?? []) == strict, "\(input)")
            #expect((PinText.strict(input.utf8) != nil) == (entry["strictValid"] as? Bool), "\(input)")
            #expect(text(PinText.lenientStrip(input.utf8)) == entry["lenientStrip"] as? String, "\(input)")
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
            let digest = certificateDigest(input.bytes)
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
        #expect(certificateDigest(line(32).bytes)?.count == 32)
        #expect(certificateDigest((line(32) + "\n").bytes)?.count == 32)
        #expect(certificateDigest(line(31).bytes) == nil)
        #expect(certificateDigest(line(33).bytes) == nil)
        #expect(certificateDigest("SHA1 Fingerprint=AB".bytes) == nil)
    }

    @Test("Texts of every length and byte are read or refused")
    func anything() {
        for count in 0..<130 {
            for byte in [UInt8(0), 0x20, 0x30, 0x3a, 0x61, 0x66, 0x7f, 0xff] {
                let text = [UInt8](repeating: byte, count: count)
                let isHex = byte == 0x30 || byte == 0x61 || byte == 0x66
                #expect((certificateDigest(text) != nil) == (isHex && count == 64))
                #expect((certificateDigest("sha256:".bytes + text) != nil) == (isHex && count == 64))
            }
        }
    }

    @Test("A set matches any of its pins and gives them back as lower-case hex")
    func matching() throws {
        var pins = PinSet()
        #expect(pins.isEmpty)
        #expect(!pins.matches([UInt8](repeating: 0, count: 32), as: .certificate))
        try pins.add(String(repeating: "AB", count: 32))
        try pins.add("sha256:" + String(repeating: "0c", count: 32))
        #expect(pins.matches([UInt8](repeating: 0xab, count: 32), as: .certificate))
        #expect(pins.matches([UInt8](repeating: 0x0c, count: 32), as: .certificate))
        #expect(!pins.matches([UInt8](repeating: 0xac, count: 32), as: .certificate))
        #expect(!pins.matches([], as: .certificate))
        #expect(!pins.matches([UInt8](repeating: 0xab, count: 31), as: .certificate))
        #expect(
            pins.pins.map { text($0.text) } == [String(repeating: "ab", count: 32), String(repeating: "0c", count: 32)])
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

@Suite struct PinTextTests {
    private let hex = String(repeating: "ab", count: 32)
    private var base64: String { text(Base64.encode([UInt8](repeating: 0xab, count: 32))) }

    @Test("A label says what the digest is of, whatever form it has")
    func labels() throws {
        let kinds: [(String, PinKind)] = [
            ("cert:", .certificate), ("key:", .key), ("spki:", .key), ("SPKI:", .key), ("ca:", .authority),
            ("ca-key:", .authorityKey), ("ca-spki:", .authorityKey), ("CA-Key: ", .authorityKey),
        ]
        let joined = [String](repeating: "AB", count: 32).joined(separator: ":")
        for (label, kind) in kinds {
            for form in [
                hex, joined, "sha256:" + hex, "SHA-256 " + hex, "sha256 Fingerprint=" + joined,
                "SHA2-256(stdin)= " + hex, "sha256/" + base64, "sha256//" + base64 + "\n",
            ] {
                let pin = try Pin((label + form).bytes)
                #expect(pin.kind == kind, "\(label)\(form)")
                #expect(pin.digest == [UInt8](repeating: 0xab, count: 32), "\(label)\(form)")
            }
        }
    }

    @Test("Without label, base64 is of the key (RFC 7469 section 2.4) and hex of the certificate")
    func unlabelled() throws {
        #expect(try Pin(("sha256/" + base64).bytes).kind == .key)
        #expect(try Pin(("sha256//" + base64).bytes).kind == .key)
        #expect(try Pin(("SHA256(leaf.der)= " + hex).bytes).kind == .certificate)
        #expect(try Pin(("(stdin)= " + hex).bytes).kind == .certificate)
        // The first byte of a fingerprint, and no label.
        let joined = "CA:" + [String](repeating: "AB", count: 31).joined(separator: ":")
        #expect(try Pin(joined.bytes).kind == .certificate)
    }

    @Test("The text of a pin is read as the same pin")
    func roundTrip() throws {
        for kind in PinKind.allCases {
            let pin = Pin(kind, [UInt8](repeating: 0x5a, count: 32))
            let again = try Pin(pin.text)
            #expect(again.kind == kind)
            #expect(again.digest == pin.digest)
        }
    }

    @Test(
        "What is cut, doubled or of another digest is refused",
        arguments: [
            "", "key:", "ca:", "ca-key:sha256/", "key:key:", "sha256/", "sha256//AAAA", "ca:" + "ab", "pin:", "sha1/",
            "key:SHA2-256(stdin)= abcd",
        ])
    func refused(given: String) {
        #expect(throws: Failure.self) { try Pin(given.bytes) }
    }

    @Test("A base64 digest may begin with a slash, behind one slash or two, padded or not")
    func slashes() throws {
        for first in [UInt8(0xab), 0xfc, 0xff] {
            let digest = [first] + [UInt8](repeating: first, count: 31)
            let padded = text(Base64.encode(digest))
            for written in [padded, String(padded.dropLast())] {
                for prefix in ["sha256/", "sha256//"] {
                    let pin = try Pin((prefix + written).bytes)
                    #expect(pin.digest == digest, "\(prefix)\(written)")
                }
            }
        }
    }

    @Test("A base64 digest with a byte too few or too many is refused")
    func base64Length() {
        for count in [0, 16, 20, 31, 33, 48, 64] {
            let given = "sha256/" + text(Base64.encode([UInt8](repeating: 1, count: count)))
            #expect(throws: Failure.self) { try Pin(given.bytes) }
        }
    }
}
