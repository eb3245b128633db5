import COpenSSL
import GWBase

/// What a host is told of the certificates that a server showed and of what was wanted instead.
enum PeerReport {
    /// `{"seen":[hex],"seenKey":[hex],"seenCA":[hex,...],"seenCAKey":[hex,...],"wanted":[pin,...],"subject":"...",
    /// "issuer":"...","notBefore":"...","notAfter":"...","names":"...","serverName":"...","chain":"what the CA check says"}`
    static func json(
        _ chain: ShownChain, wanted: PinSet, serverName: String, authorityCheck: String
    ) -> [UInt8] {
        let leaf = chain.leaf
        let others = chain.others
        var json = Writer()
        json.list("seen", [hexText(leaf.sha256)])
        json.list("seenKey", [hexText(leaf.keySHA256)])
        json.list("seenCA", others.map { hexText($0.sha256) })
        json.list("seenCAKey", others.map { hexText($0.keySHA256) })
        json.list("wanted", wanted.pins.map { $0.text })
        json.text("subject", leaf.subject)
        json.text("issuer", leaf.issuer)
        json.text("notBefore", timestamp(X509_get0_notBefore(leaf.handle)))
        json.text("notAfter", timestamp(X509_get0_notAfter(leaf.handle)))
        json.text("names", leaf.alternativeNames)
        json.text("serverName", String(printable: serverName.utf8))
        json.text("chain", authorityCheck)
        return json.end()
    }

    /// RFC 3339, "2026-11-25T18:08:27Z"; empty if it is no time.
    private static func timestamp(_ time: UnsafePointer<ASN1_TIME>?) -> String {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return "" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year &+ 1900)-\(two(parts.tm_mon &+ 1))-\(two(parts.tm_mday))T\(two(parts.tm_hour)):"
            + "\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }

    /// Members of one object; texts are printable ASCII.
    private struct Writer {
        private var bytes: [UInt8] = []

        mutating func list(_ name: StaticString, _ values: [[UInt8]]) {
            begin(name)
            bytes.append(UInt8(ascii: "["))
            for (place, value) in values.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                quoted(value)
            }
            bytes.append(UInt8(ascii: "]"))
        }

        mutating func text(_ name: StaticString, _ value: String) {
            begin(name)
            quoted(value.bytes)
        }

        mutating func end() -> [UInt8] { bytes + [UInt8(ascii: "}")] }

        private mutating func begin(_ name: StaticString) {
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            quoted(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            bytes.append(UInt8(ascii: ":"))
        }

        private mutating func quoted(_ value: some Sequence<UInt8>) {
            bytes.append(UInt8(ascii: "\""))
            for byte in value {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
    }
}
