import CSystem
import GWBase
import GWTLS

/// TLS to a proxy: all that goes through its tunnel is encrypted once more on the way there.
///
/// Stands between a channel and its socket: `receive` and `send` answer as the system calls do.
final class ProxyLink {
    private let fd: Int32
    private let tls: TLSEngine
    private let ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)

    init(fd: Int32, tls: TLSEngine) {
        self.fd = fd
        self.tls = tls
    }

    deinit { ciphertext.deallocate() }

    enum HandshakeAction {
        case waits
        case done
        case failed(Failure)
    }

    /// Goes on with the handshake as far as the socket allows.
    func handshake() -> HandshakeAction {
        while true {
            let action = tls.handshake()
            if case .failed(let error) = flush() { return .failed(lost(error)) }
            switch action {
            case .done: return .done
            case .failed(let failure): return .failed(failure)
            // A proxy is believed by its CA alone.
            case .asks, .wantsInput: break
            }
            switch Syscall.receive(fd, into: ciphertext) {
            case .bytes(let count): tls.supply(UnsafeRawBufferPointer(rebasing: ciphertext[0..<count]))
            case .wouldBlock: return .waits
            case .ended: return .failed(lost(ECONNRESET))
            case .failed(let error): return .failed(lost(error))
            }
        }
    }

    private func lost(_ error: Int32) -> Failure {
        Failure(
            .proxy, .network, "the connection was lost in the TLS handshake: \(SystemError.text(error))",
            isRetryable: true)
    }

    /// Whether `receive` has bytes although the socket may have none.
    var hasPending: Bool { tls.hasPending }

    func receive(into room: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            switch tls.read(into: room) {
            case .bytes(let count) where count > 0: return .bytes(count)
            case .closed: return .ended
            case .failed: return .failed(errno: EPROTO)
            case .bytes, .wantsInput: break
            }
            switch Syscall.receive(fd, into: ciphertext) {
            case .bytes(let count): tls.supply(UnsafeRawBufferPointer(rebasing: ciphertext[0..<count]))
            case let other: return other
            }
        }
    }

    /// Takes all bytes or none.
    func send(_ bytes: UnsafeRawBufferPointer) -> IOResult {
        switch flush() {
        case .bytes: break
        case let other: return other
        }
        guard tls.write(bytes) == nil else { return .failed(errno: EPROTO) }
        if case .failed(let error) = flush() { return .failed(errno: error) }
        return .bytes(bytes.count)
    }

    /// Bytes that were taken and wait for the kernel.
    var queuedBytes: Int { tls.output.count }

    /// Offers what waits to the kernel; `wouldBlock` if it does not take everything.
    func flush() -> IOResult {
        while !tls.output.isEmpty {
            switch Syscall.send(fd, tls.output.readable) {
            case .bytes(let count): tls.output.consume(count)
            case let other: return other
            }
        }
        return .bytes(0)
    }
}
