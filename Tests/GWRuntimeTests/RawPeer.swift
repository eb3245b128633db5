import CSystem
import Foundation
import GWBase
import GWTLS
import Testing

/// A bare TCP connection that keeps to no protocol.
final class RawPeer: @unchecked Sendable {
    let fd: Int32
    private(set) var received: [UInt8] = []
    /// The other end has sent all that it will, or has gone.
    private(set) var isEnded = false
    private var isClosed = false

    init(fd: Int32) {
        self.fd = fd
        var on: Int32 = 1
        _ = setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    }

    /// Connects to a port of loopback.
    convenience init(port: UInt16) throws {
        let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.init(fd: fd)
        guard withLoopback(port, { gw_connect(fd, $0, $1) }) == 0 else { throw NotConnected(error: errno) }
    }

    deinit { close() }

    struct NotConnected: Error { let error: Int32 }

    func send(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                CSystem.send(fd, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            offset += count
        }
    }

    func send(_ text: String) { send(text.bytes) }

    /// Takes what has come, without waiting.
    func take() {
        var room = [UInt8](repeating: 0, count: 65_536)
        while !isEnded {
            let count = recv(fd, &room, room.count, Int32(MSG_DONTWAIT))
            if count > 0 {
                received += room[0..<count]
            } else {
                isEnded = count == 0 || errno != EAGAIN
                return
            }
        }
    }

    func forget() { received = [] }

    var text: String { String(decoding: received, as: UTF8.self) }

    /// Ends sending; receiving goes on.
    func shutdownWrite() { _ = shutdown(fd, Int32(SHUT_WR)) }

    /// Ends both directions while another thread may be sending.
    func shutdownBoth() { _ = shutdown(fd, Int32(SHUT_RDWR)) }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        _ = CSystem.close(fd)
    }

    /// Ends with a reset in place of an orderly end.
    func reset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        _ = setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Keeps the receive buffer small, so that the other end feels early that nobody reads.
    func shrink() {
        var size: Int32 = 4096
        _ = setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4)
    }
}

/// A listening socket on loopback whose connections are `RawPeer`s.
final class RawListener: @unchecked Sendable {
    let fd: Int32
    let port: UInt16

    init(receiveBuffer: Int32? = nil) throws {
        fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        if var size = receiveBuffer { _ = setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        let descriptor = fd
        let isBound = withLoopback(0) { gw_bind(descriptor, $0, $1) } == 0
        try #require(isBound && listen(descriptor, 64) == 0)
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { gw_getsockname(descriptor, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { _ = CSystem.close(fd) }

    /// The next connection, if one has come.
    func accept() -> RawPeer? {
        var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, 0) == 1 else { return nil }
        let accepted = gw_accept(fd, nil, nil)
        guard accepted >= 0 else { return nil }
        // What a test sends is sent whole, so its sockets wait.
        _ = fcntl(accepted, F_SETFL, 0)
        return RawPeer(fd: accepted)
    }

    /// Lets the host work until a connection has come.
    func accept(_ host: Host) throws -> RawPeer {
        var peer: RawPeer?
        host.poll {
            peer = accept()
            return peer != nil
        }
        return try #require(peer, "no connection came")
    }
}

private func withLoopback(_ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}

// MARK: - A gateway by hand

/// Speaks as much of the protocol as a test wants, over a bare connection.
struct FakeGateway {
    static let challenge =
        #"{"type":"event","event":"connect.challenge","payload":{"nonce":"fake-nonce","ts":1767225600000}}"#

    let peer: RawPeer

    /// Accepts a client's connection.
    init(_ listener: RawListener, _ host: Host) throws { peer = try listener.accept(host) }

    /// The answer that opens the WebSocket connection for a request.
    static func upgrade(_ request: String) throws -> String {
        let line = request.components(separatedBy: "\r\n").first { $0.lowercased().hasPrefix("sec-websocket-key:") }
        let key = try #require(line).dropFirst(18).trimmingCharacters(in: .whitespaces)
        let accept = String(decoding: WebSocketAccept.value(forKey: key.bytes), as: UTF8.self)
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: \(accept)\r\n\r\n"
    }

    /// Waits for the head of the upgrade request.
    func request(_ host: Host) throws -> String {
        host.poll {
            peer.take()
            return peer.text.contains("\r\n\r\n")
        }
        try #require(peer.text.contains("\r\n\r\n"), "no request came: \(peer.text)")
        defer { peer.forget() }
        return peer.text
    }

    func upgrade(_ host: Host) throws { peer.send(try FakeGateway.upgrade(request(host))) }

    /// The messages that have come since the last time.
    func messages() -> [String] {
        peer.take()
        return RawFrame.all(peer.received).filter { $0.opcode == 1 }.map(\.text)
    }

    /// Waits for a message that holds a text.
    func message(_ host: Host, with part: String) throws -> String {
        var found: String?
        host.poll {
            found = messages().first { $0.contains(part) }
            return found != nil
        }
        return try #require(found, "no message with \(part)")
    }

    func send(_ text: String) { peer.send(RawFrame.text(text)) }

    /// Everything up to the hello.
    func admit(_ host: Host, tickMilliseconds: Int = 30_000) throws {
        try upgrade(host)
        send(FakeGateway.challenge)
        let connect = try message(host, with: "\"connect\"")
        send(try FakeGateway.hello(to: connect, tickMilliseconds: tickMilliseconds))
        peer.forget()
    }

    static func hello(to connect: String, tickMilliseconds: Int = 30_000) throws -> String {
        #"{"type":"res","id":"\#(try id(of: connect))","ok":true,"payload":{"type":"hello-ok","protocol":4,"#
            + #""server":{"version":"fake","connId":"c"},"features":{"methods":[],"events":[]},"snapshot":{},"#
            + #""auth":{"role":"operator","scopes":["operator.read","operator.write"]},"#
            + #""policy":{"maxPayload":26214400,"maxBufferedBytes":52428800,"tickIntervalMs":\#(tickMilliseconds)}}}"#
    }

    static func id(of request: String) throws -> String {
        let object = try JSONSerialization.jsonObject(with: Data(request.utf8)) as? [String: Any]
        return try #require(object?["id"] as? String)
    }
}

/// WebSocket frames, written and read by hand (RFC 6455 section 5.2).
struct RawFrame {
    let opcode: UInt8
    let payload: [UInt8]
    var text: String { String(decoding: payload, as: UTF8.self) }

    static func text(_ text: String) -> [UInt8] { frame(0x81, text.bytes) }
    static func close(_ code: UInt16) -> [UInt8] { frame(0x88, [UInt8(code >> 8), UInt8(code & 0xff)]) }

    /// `isMasked`: as a client sends it, with a key of zeros.
    static func frame(_ first: UInt8, _ payload: [UInt8], isMasked: Bool = false) -> [UInt8] {
        var frame = [first]
        let mask: UInt8 = isMasked ? 0x80 : 0
        if payload.count < 126 {
            frame.append(mask | UInt8(payload.count))
        } else if payload.count < 65_536 {
            frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 0xff)]
        } else {
            frame.append(mask | 127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(payload.count >> shift & 0xff)) }
        }
        if isMasked { frame += [0, 0, 0, 0] }
        return frame + payload
    }

    /// All whole frames at the beginning of some bytes, unmasked.
    static func all(_ bytes: [UInt8]) -> [RawFrame] {
        var frames: [RawFrame] = []
        var at = 0
        while at + 2 <= bytes.count {
            let first = bytes[at]
            let isMasked = bytes[at + 1] & 0x80 != 0
            var length = Int(bytes[at + 1] & 0x7f)
            var head = 2
            if length == 126 {
                guard at + 4 <= bytes.count else { break }
                length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
                head = 4
            } else if length == 127 {
                guard at + 10 <= bytes.count else { break }
                length = bytes[at + 2..<at + 10].reduce(0) { $0 << 8 | Int($1) }
                head = 10
            }
            let size = head + (isMasked ? 4 : 0)
            guard at + size + length <= bytes.count else { break }
            var payload = Array(bytes[at + size..<at + size + length])
            if isMasked { for index in payload.indices { payload[index] ^= bytes[at + head + index % 4] } }
            frames.append(RawFrame(opcode: first & 0x0f, payload: payload))
            at += size + length
        }
        return frames
    }
}

/// A peer of the embedded gateway, by hand.
struct FakeClient {
    let peer: RawPeer

    static let request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

    init(port: UInt16) throws { peer = try RawPeer(port: port) }

    func send(_ text: String) { peer.send(RawFrame.frame(0x81, text.bytes, isMasked: true)) }

    /// Lets the host work until the gateway has sent a text.
    func wait(_ host: Host, for part: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        host.poll {
            peer.take()
            return peer.text.contains(part)
        }
        try #require(peer.text.contains(part), "no \(part) in \(peer.text)", sourceLocation: sourceLocation)
    }

    func upgrade(_ host: Host) throws {
        peer.send(FakeClient.request)
        try wait(host, for: "connect.challenge")
    }

    static let connect =
        #"{"type":"req","id":"1","method":"connect","params":{"minProtocol":3,"maxProtocol":4,"client":"#
        + #"{"id":"gateway-client","version":"1","platform":"linux","mode":"backend"},"role":"operator","#
        + #""scopes":["operator.read","operator.write"]}}"#

    func connect(_ host: Host) throws {
        try upgrade(host)
        send(FakeClient.connect)
        try wait(host, for: "hello-ok")
        peer.forget()
    }
}
