import GWBase

/// A refusal, of an upgrade or by a proxy, as JSON: `{"status":401,"headers":[["Server","x"]],"body":"..."}`.
public enum RefusalDetail {
    public static func json(_ head: ResponseHead, _ body: [UInt8]) -> [UInt8] {
        var output: [UInt8] = Array("{\"status\":".utf8)
        output += decimalText(UInt64(head.status))
        output += Array(",\"headers\":[".utf8)
        var isFirst = true
        for field in head.fields.fields {
            if !isFirst { output.append(UInt8(ascii: ",")) }
            isFirst = false
            output.append(UInt8(ascii: "["))
            appendString(field.name, to: &output)
            output.append(UInt8(ascii: ","))
            appendString(field.value, to: &output)
            output.append(UInt8(ascii: "]"))
        }
        output += Array("],\"body\":".utf8)
        appendString(body, to: &output)
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// Bytes as a JSON string (RFC 8259 section 7); what is not UTF-8 becomes U+FFFD.
    private static func appendString(_ bytes: [UInt8], to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for byte in String(decoding: bytes, as: UTF8.self).utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                output.append(UInt8(ascii: "\\"))
                output.append(byte)
            case 0x0a:
                output += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0..<0x20:
                output += Array("\\u00".utf8) + hexText([byte])
            default:
                output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
