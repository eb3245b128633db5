import Testing

@testable import GWTLS

@Suite struct PeerNameTests {
    @Test(
        "IP literals are told from host names",
        arguments: [
            ("127.0.0.1", true), ("::1", true), ("fe80::1", true), ("::ffff:10.0.0.1", true), ("0.0.0.0", true),
            ("", false), ("cafe", false), ("127.1", false), ("1.2.3.256", false), ("1.2.3.4.5", false),
            ("1.2.3.4.", false), ("1.2.3.-4", false), ("1::2::3", false), ("12345::", false), ("1.2.3.4:80", false),
            ("[::1]", false), ("fe80::1%eth0", false), (" 1.2.3.4", false), ("1.2.3.4x", false),
        ])
    func addresses(name: String, isAddress: Bool) {
        #expect(PeerName.isAddress(name) == isAddress)
    }

    @Test(
        "Host names have labels of 1 to 63 characters and 253 in all (RFC 1123 section 2.1)",
        arguments: [
            ("localhost", true), ("a", true), ("a-b.c_d.example", true), ("*.example", true),
            ("xn--bcher-kva.example", true),
            (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false),
            (String(repeating: "a.", count: 126) + "a", true), (String(repeating: "a.", count: 127) + "a", false),
            ("", false), (".", false), (".a", false), ("a.", false), ("a..b", false), ("a b", false), ("a/b", false),
            ("b\u{fc}cher.example", false), ("a\0", false),
        ])
    func hostNames(name: String, isName: Bool) {
        #expect(PeerName.isDNSName(name) == isName)
    }

    @Test("Brackets and the dot of an absolute name are left away (RFC 6066 section 3)")
    func bare() {
        #expect(PeerName.bare("[::1]") == "::1")
        #expect(PeerName.bare("gateway.example.") == "gateway.example")
        #expect(PeerName.bare("gateway.example") == "gateway.example")
        for name in ["", ".", "[", "]", "[]"] { #expect(PeerName.bare(name).utf8.count <= name.utf8.count) }
    }
}
