import CSystem
import GWBase

/// Whoever takes the connections that come in.
protocol AcceptorOwner: AnyObject {
    /// The descriptor is the owner's now.
    func accepted(_ descriptor: Int32, from address: SocketAddress, _ now: Instant)
}

/// A listening socket.
final class Acceptor: Source {
    private enum State {
        case listening
        /// Out of descriptors: looks again then.
        case paused(until: Instant)
        case closed
    }

    private static let acceptsPerTurn = 64
    private static let pauseMilliseconds: UInt32 = 100

    private let fd: Int32
    private unowned(unsafe) let owner: any AcceptorOwner
    private var state = State.listening
    let address: SocketAddress

    /// A socket that listens on the address, to be given to an acceptor.
    static func listen(on address: SocketAddress) throws(Failure) -> Int32 {
        do throws(SystemError) {
            let fd = try Syscall.socket(address)
            Syscall.setReuseAddress(fd)
            do throws(SystemError) {
                try Syscall.bindAndListen(fd, address)
            } catch {
                Syscall.close(fd)
                throw error
            }
            return fd
        } catch {
            throw Failure(.listen, .program, "cannot listen on \(address.text): \(error.text)")
        }
    }

    /// The owner must call `close` before it goes.
    init(context: Context, listening fd: Int32, asked: SocketAddress, owner: any AcceptorOwner) {
        self.fd = fd
        self.owner = owner
        address = Syscall.localAddress(fd) ?? asked
        super.init(context: context)
        start()
        context.reactor.watch(fd, id, gw_epoll_in, isNew: true)
    }

    deinit { drop() }

    override func ready(_ events: UInt32, _ now: Instant) {
        for _ in 0..<Acceptor.acceptsPerTurn {
            guard case .listening = state else { return }
            switch Syscall.accept(fd) {
            case .connection(let descriptor, let address):
                Syscall.setNoDelay(descriptor)
                owner.accepted(descriptor, from: address, now)
            case .lost: continue
            case .wouldBlock: return
            case .exhausted:
                // The socket stays readable, so asking again at once would only burn the processor.
                context.unwatch(fd)
                state = .paused(until: now.adding(milliseconds: Acceptor.pauseMilliseconds))
                reschedule()
            }
        }
    }

    override var deadline: Instant {
        if case .paused(let until) = state { return until }
        return .never
    }

    override func tick(_ now: Instant) {
        guard case .paused(let until) = state, until <= now else { return }
        state = .listening
        context.reactor.watch(fd, id, gw_epoll_in, isNew: true)
    }

    func close() {
        drop()
        finish()
    }

    override func drop() {
        if case .closed = state { return }
        if case .listening = state { context.unwatch(fd) }
        Syscall.close(fd)
        state = .closed
    }
}
