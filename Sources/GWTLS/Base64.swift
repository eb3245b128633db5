import COpenSSL
import GWBase

/// Base64 (RFC 4648 sections 4 and 5) through OpenSSL's block functions.
public enum Base64 {
    /// The standard alphabet, padded.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        // OpenSSL counts with 32 bits and writes a NUL behind the text.
        guard let size = Int32(exactly: bytes.count), size <= 1 << 30 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4 + 1) { buffer, count in
            count = Int(max(EVP_EncodeBlock(buffer.baseAddress, bytes, size), 0))
        }
    }

    /// The URL and file name alphabet, without padding.
    public static func encodeURL(_ bytes: [UInt8]) -> [UInt8] {
        var text = encode(bytes)
        while text.last == padding { text.removeLast() }
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "+"): text[index] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): text[index] = UInt8(ascii: "_")
            default: break
            }
        }
        return text
    }

    /// The bytes of a text in either alphabet, padded or not.  nil for anything else: other characters, both alphabets
    /// at once, wrong padding, bits behind the last byte that are not zero.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var standard: [UInt8] = []
        standard.reserveCapacity(text.count + 3)
        var isStandard = false
        var isURL = false
        var paddings = 0
        for byte in text {
            guard byte != padding else {
                paddings += 1
                continue
            }
            guard paddings == 0 else { return nil }
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                standard.append(byte)
            case UInt8(ascii: "+"), UInt8(ascii: "/"):
                isStandard = true
                standard.append(byte)
            case UInt8(ascii: "-"):
                isURL = true
                standard.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"):
                isURL = true
                standard.append(UInt8(ascii: "/"))
            default:
                return nil
            }
        }
        let missing = (4 - standard.count % 4) % 4
        guard missing < 3, paddings == 0 || paddings == missing, !(isStandard && isURL) else { return nil }
        guard let last = standard.last else { return [] }
        if let value = alphabetValue(last), missing > 0, value & (missing == 2 ? 15 : 3) != 0 { return nil }
        for _ in 0..<missing { standard.append(padding) }
        guard let size = Int32(exactly: standard.count) else { return nil }

        var isDecoded = false
        let bytes = [UInt8](unsafeUninitializedCapacity: standard.count / 4 * 3) { buffer, count in
            let written = Int(EVP_DecodeBlock(buffer.baseAddress, standard, size))
            isDecoded = written >= missing
            count = isDecoded ? written - missing : 0
        }
        return isDecoded ? bytes : nil
    }

    private static let padding = UInt8(ascii: "=")

    private static func alphabetValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
