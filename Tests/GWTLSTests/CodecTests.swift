import GWBase
import Testing

@testable import GWTLS

@Suite struct DigestTests {
    @Test("SHA-256 and SHA-1 of the empty and a short message (FIPS 180-4)")
    func known() {
        #expect(
            text(hexText(Digest.sha256([]))) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            text(hexText(Digest.sha256("abc".bytes)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(text(hexText(Digest.sha1("abc".bytes))) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }
}

@Suite struct Base64Tests {
    @Test(
        "The test vectors of RFC 4648 section 10",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func known(plain: String, encoded: String) {
        let bare = encoded.filter { $0 != "=" }
        #expect(text(Base64.encode(plain.bytes)) == encoded)
        #expect(text(Base64.encodeURL(plain.bytes)) == bare)
        #expect(Base64.decode(encoded.bytes) == plain.bytes)
        #expect(Base64.decode(bare.bytes) == plain.bytes)
    }

    @Test("Every byte value survives both alphabets at every length")
    func roundTrip() {
        for count in 0..<260 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ count) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decode(Base64.encodeURL(bytes)) == bytes)
        }
        #expect(text(Base64.encode([0xfb, 0xff, 0xbf])) == "+/+/")
        #expect(text(Base64.encodeURL([0xfb, 0xff, 0xbf])) == "-_-_")
    }

    @Test(
        "What is not base64 is refused (RFC 4648 sections 3.2 to 3.5)",
        arguments: [
            "A", "AAAAA", "=", "====", "Zg=", "Zg===", "Zg==Zg==", "Z=g=", "Zm9=v", "Zm8=\n", " Zm8=", "Zm8 ", "Zm9v\0",
            "Zh", "Zm9", "+_AA", "Zm9vé", "Zm9v=", "Zm9v====",
        ])
    func refused(input: String) {
        #expect(Base64.decode(input.bytes) == nil)
    }
}

@Suite struct WebSocketAcceptTests {
    @Test("The accept value of the example key (RFC 6455 section 1.3)")
    func example() {
        #expect(text(WebSocketAccept.value(forKey: "dGhlIHNhbXBsZSBub25jZQ==".bytes)) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }
}

@Suite struct SecureRandomTests {
    @Test("Memory is overwritten, and a pool draws from it")
    func fills() throws {
        var first = [UInt8](repeating: 0, count: 64)
        var second = first
        #expect(first.withUnsafeMutableBytes { SecureRandom.fill($0) })
        #expect(second.withUnsafeMutableBytes { SecureRandom.fill($0) })
        #expect(first != second)
        #expect(SecureRandom.fill(UnsafeMutableRawBufferPointer(start: nil, count: 0)))
        let pool = try SecureRandom.makePool()
        #expect(pool.bytes(32) != pool.bytes(32))
    }
}

@Suite struct ConstantTimeTests {
    @Test("Secrets are the same only if all of their bytes are")
    func compares() {
        func isSame(_ shown: String, _ secret: String) -> Bool {
            isSameSecret(shown.bytes, secret.bytes.withUnsafeBytes { Secret(copying: $0) })
        }
        #expect(isSame("", ""))
        #expect(isSame("token", "token"))
        #expect(!isSame("token", "tokem"))
        #expect(!isSame("token", "token "))
        #expect(!isSame("", "\0"))
    }
}
