import GWBase

/// The value of Sec-WebSocket-Accept that proves a server has read the client's key (RFC 6455 section 4.2.2).
public enum WebSocketAccept {
    /// `key` is the value of Sec-WebSocket-Key as it was sent.
    public static func value(forKey key: [UInt8]) -> [UInt8] {
        Base64.encode(Digest.sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".bytes))
    }
}
