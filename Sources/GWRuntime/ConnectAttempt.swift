import CSystem
import GWBase

/// Whoever wants the connection: told once how an attempt ended.
protocol ConnectAttemptOwner: AnyObject {
    /// The descriptor is the owner's now.
    func attempt(_ attempt: ConnectAttempt, connected descriptor: Int32, _ now: Instant)
    func attempt(_ attempt: ConnectAttempt, failed failure: Failure, _ now: Instant)
}

/// One address that is being connected to.
final class ConnectAttempt: Source {
    let address: SocketAddress
    private var fd: Int32
    private unowned(unsafe) let owner: any ConnectAttemptOwner

    /// Begins to connect.  The owner must call `cancel` before it goes.
    init(
        context: Context, to address: SocketAddress, route: RouteSettings, owner: any ConnectAttemptOwner
    ) throws(Failure) {
        self.address = address
        self.owner = owner
        do throws(SystemError) {
            fd = try ConnectAttempt.begin(address, route)
        } catch {
            throw ConnectAttempt.failure(address, error.text)
        }
        super.init(context: context)
        start()
        context.reactor.watch(fd, id, gw_epoll_out, isNew: true)
    }

    deinit { drop() }

    private static func begin(_ address: SocketAddress, _ route: RouteSettings) throws(SystemError) -> Int32 {
        let fd = try Syscall.socket(address)
        do throws(SystemError) {
            if !address.isUnix { Syscall.set(route.options, on: fd) }
            if let local = route.bindAddress, local.family == address.family { try Syscall.bind(fd, local) }
            try Syscall.connect(fd, address)
            return fd
        } catch {
            Syscall.close(fd)
            throw error
        }
    }

    private static func failure(_ address: SocketAddress, _ reason: String) -> Failure {
        Failure(.connect, .network, "cannot connect to \(address.text): \(reason)", isRetryable: true)
    }

    override func ready(_ events: UInt32, _ now: Instant) {
        guard fd >= 0 else { return }
        let error = Syscall.socketError(fd)
        guard error == 0 else {
            cancel()
            return owner.attempt(self, failed: ConnectAttempt.failure(address, SystemError.text(error)), now)
        }
        let connected = fd
        context.unwatch(connected)
        fd = -1
        finish()
        owner.attempt(self, connected: connected, now)
    }

    /// Gives it up without a word.
    func cancel() {
        drop()
        finish()
    }

    override func drop() {
        guard fd >= 0 else { return }
        context.unwatch(fd)
        Syscall.close(fd)
        fd = -1
    }
}
