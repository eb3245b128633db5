import GWBase

/// The value of an `Origin` header (RFC 6454 section 6.2).
public enum Origin {
    /// In lower case and without the port that is its scheme's own, so that equal origins are equal bytes.
    public static func normalized(_ text: [UInt8]) -> [UInt8] {
        let origin = text.map { $0.asciiLowercased }
        for (scheme, port) in [("https://", ":443"), ("http://", ":80"), ("wss://", ":443"), ("ws://", ":80")]
        where origin.starts(with: scheme.utf8) && origin.suffix(port.utf8.count).elementsEqual(port.utf8) {
            return Array(origin.dropLast(port.utf8.count))
        }
        return origin
    }
}
