import CSystem
import GWBase
import GWHTTP

/// An IPv4 or IPv6 address with its port, or the path of a Unix domain socket.
public struct SocketAddress {
    private var storage: sockaddr_storage
    private var length: socklen_t

    /// Filled in by a system call; nil if that answers false.
    init?(_ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Bool) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let isFilled = withUnsafeMutablePointer(to: &storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { fill($0, &length) }
        }
        guard isFilled else { return nil }
        self.storage = storage
        self.length = length
    }

    /// A literal address; nil if the text is none.
    init?(literal text: [UInt8], port: UInt16) {
        let terminated = text.map { CChar(bitPattern: $0) } + [0]
        var four = sockaddr_in()
        var six = sockaddr_in6()
        if inet_pton(AF_INET, terminated, &four.sin_addr) == 1 {
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            self.init(copying: &four, MemoryLayout<sockaddr_in>.size)
        } else if inet_pton(AF_INET6, terminated, &six.sin6_addr) == 1 {
            six.sin6_family = sa_family_t(AF_INET6)
            six.sin6_port = port.bigEndian
            self.init(copying: &six, MemoryLayout<sockaddr_in6>.size)
        } else {
            return nil
        }
    }

    /// A path, or with `@` in front a name in the abstract namespace (unix(7)); nil if it does not fit.
    init?(unixPath path: [UInt8]) {
        var unix = sockaddr_un()
        let room = MemoryLayout.size(ofValue: unix.sun_path)
        let isAbstract = path.first == UInt8(ascii: "@")
        guard !path.isEmpty, path.count < room else { return nil }
        unix.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &unix.sun_path) { $0.copyBytes(from: path) }
        if isAbstract { withUnsafeMutableBytes(of: &unix.sun_path) { $0[0] = 0 } }
        // An abstract name has exactly its length; a path ends with NUL.
        let size = MemoryLayout<sockaddr_un>.size - room + path.count + (isAbstract ? 0 : 1)
        self.init(copying: &unix, size)
    }

    init?(copying address: UnsafeRawPointer, _ size: Int) {
        guard size <= MemoryLayout<sockaddr_storage>.size else { return nil }
        storage = sockaddr_storage()
        length = socklen_t(size)
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: size))
        }
    }

    var family: Int32 { Int32(storage.ss_family) }
    var isIPv6: Bool { family == AF_INET6 }
    var isUnix: Bool { family == AF_UNIX }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) { storage in
            storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    var port: UInt16 {
        withUnsafeBytes(of: storage) { bytes in
            // sin_port and sin6_port stand at the same place.
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// As a URL would have it; nil for a Unix domain socket.
    var urlHost: URLHost? {
        withUnsafeBytes(of: storage) { bytes in
            if family == AF_INET {
                return .ipv4(IPv4Address(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))))
            }
            guard family == AF_INET6 else { return nil }
            return .ipv6(
                IPv6Address(
                    high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))))
        }
    }

    var isLoopback: Bool {
        withUnsafeBytes(of: storage) { bytes in
            if family == AF_INET { return bytes[4] == 127 }
            guard family == AF_INET6 else { return false }
            let address = bytes[8..<24]
            let isMapped = address.prefix(10).allSatisfy { $0 == 0 } && bytes[18] == 0xff && bytes[19] == 0xff
            if isMapped { return bytes[20] == 127 }
            return address.dropLast().allSatisfy { $0 == 0 } && bytes[23] == 1
        }
    }

    /// The address without its port, IPv6 in brackets.
    var hostText: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { room in
            let text = withUnsafeBytes(of: storage) { bytes in
                inet_ntop(
                    family, bytes.baseAddress.map { $0 + (family == AF_INET ? 4 : 8) }, room.baseAddress,
                    socklen_t(room.count))
            }
            guard let text else { return "?" }
            return family == AF_INET6 ? "[" + String(cString: text) + "]" : String(cString: text)
        }
    }

    /// "127.0.0.1:18789", or the path.
    var text: String { isUnix ? unixText : "\(hostText):\(port)" }

    private var unixText: String {
        withUnsafeBytes(of: storage) { bytes in
            let path = bytes[2..<max(2, min(Int(length), bytes.count))]
            let isAbstract = path.first == 0
            let name = (isAbstract ? path.dropFirst() : path).prefix { $0 != 0 }
            return (isAbstract ? "@" : "") + String(printable: name)
        }
    }
}
