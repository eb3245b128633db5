import GWBase
import GWHTTP

/// Where a Socket.IO server is and which namespace is meant, from the URL that a person gives: its path is the namespace, its query
/// goes into the request.
public struct SocketIOURL {
    public struct Options {
        /// Of the request.
        public var path = "/socket.io".bytes
        public var addsTrailingSlash = true
        /// In place of the URL's.
        public var query: [(name: [UInt8], value: [UInt8])]?
        public init() {}
    }

    private static let longest = 8000

    /// What to connect to: `ws` or `wss`, without user and password.
    public let url: [UInt8]
    /// `/` for the main one.
    public let namespace: [UInt8]

    public init(_ text: [UInt8], _ options: Options) throws(Failure) {
        let parsed = try WebSocketURL.parseToJudge(text)
        let path = parsed.target.prefix { $0 != UInt8(ascii: "?") }
        namespace = Array(path)
        var url = (parsed.isSecure ? "wss://" : "ws://").bytes + parsed.hostHeader
        if options.path.first != UInt8(ascii: "/") { url.append(UInt8(ascii: "/")) }
        url += options.path
        if options.addsTrailingSlash, url.last != UInt8(ascii: "/") { url.append(UInt8(ascii: "/")) }
        url.append(UInt8(ascii: "?"))
        for (name, value) in options.query ?? SocketIOURL.pairs(parsed.target[path.endIndex...].dropFirst())
        where !"EIO".utf8.elementsEqual(name) && !"transport".utf8.elementsEqual(name) {
            url += SocketIOURL.encoded(name) + [UInt8(ascii: "=")] + SocketIOURL.encoded(value) + [UInt8(ascii: "&")]
        }
        url += "EIO=4&transport=websocket".bytes
        guard url.count <= SocketIOURL.longest else {
            throw Failure(
                .url, .program, "the URL with its query has \(url.count) bytes, the limit is \(SocketIOURL.longest)")
        }
        self.url = url
    }

    private static func pairs(_ query: ArraySlice<UInt8>) -> [(name: [UInt8], value: [UInt8])] {
        query.split(separator: UInt8(ascii: "&")).map { pair in
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            return (percentDecoded(name), percentDecoded(pair[name.endIndex...].dropFirst()))
        }
    }

    /// Percent-encodes all but the characters that `encodeURIComponent` of ECMAScript leaves.
    private static func encoded(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                result.append(byte)
            case _ where "-_.!~*'()".utf8.contains(byte):
                result.append(byte)
            default:
                result.append(UInt8(ascii: "%"))
                for digit in hexText([byte]) { result.append(digit > 0x60 ? digit - 0x20 : digit) }
            }
        }
        return result
    }

    /// Whether a namespace can be joined under this name: from the slash on, without what the protocol or servers cut at.
    public static func isNamespace(_ name: some Collection<UInt8>) -> Bool {
        name.first == UInt8(ascii: "/")
            && !name.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "?") || $0 < 0x20 }
    }
}
