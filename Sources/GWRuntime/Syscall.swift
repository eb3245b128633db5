import CSystem
import GWBase

/// What a read or write came to.
enum IOResult {
    case bytes(Int)
    case wouldBlock
    /// The peer has sent all it will send.
    case ended
    case failed(errno: Int32)
}

/// Every system call of the library.  Interrupted ones are repeated, nothing raises a signal, every descriptor is
/// close-on-exec.
enum Syscall {
    // MARK: Bytes

    static func receive(_ fd: Int32, into room: UnsafeMutableRawBufferPointer) -> IOResult {
        while true {
            let count = recv(fd, room.baseAddress, room.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .ended }
            let error = gw_errno()
            if error == EINTR { continue }
            return error == EAGAIN ? .wouldBlock : .failed(errno: error)
        }
    }

    static func send(_ fd: Int32, _ bytes: UnsafeRawBufferPointer) -> IOResult {
        while true {
            let count = gw_send(fd, bytes.baseAddress, bytes.count)
            if count >= 0 { return .bytes(count) }
            let error = gw_errno()
            if error == EINTR { continue }
            return error == EAGAIN ? .wouldBlock : .failed(errno: error)
        }
    }

    static func close(_ fd: Int32) { _ = CSystem.close(fd) }

    // MARK: Sockets

    static func socket(_ address: SocketAddress) throws(SystemError) -> Int32 {
        let fd = CSystem.socket(address.family, gw_socket_stream, 0)
        guard fd >= 0 else { throw SystemError("socket") }
        return fd
    }

    /// Begins to connect; the socket becomes writable when that has ended.
    static func connect(_ fd: Int32, _ address: SocketAddress) throws(SystemError) {
        let result = address.withPointer { pointer, length in gw_connect(fd, pointer, length) }
        guard result != 0 else { return }
        let error = gw_errno()
        guard error == EINPROGRESS || error == EINTR else { throw SystemError("connect", error) }
    }

    /// How connecting ended: 0 or an error number.
    static func socketError(_ fd: Int32) -> Int32 {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : gw_errno()
    }

    /// Small writes are joined by the library itself; the kernel need not wait for more.
    static func setNoDelay(_ fd: Int32) { setOption(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// Before connecting.
    static func set(_ options: SocketOptions, on fd: Int32) {
        setNoDelay(fd)
        if options.keepaliveMilliseconds != .max {
            let seconds = Int32(clamping: max(1, options.keepaliveMilliseconds / 1000))
            setOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1)
            setOption(fd, Int32(IPPROTO_TCP), TCP_KEEPIDLE, seconds)
            setOption(fd, Int32(IPPROTO_TCP), TCP_KEEPINTVL, seconds)
        }
        if options.userTimeoutMilliseconds != .max {
            setOption(fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, Int32(clamping: options.userTimeoutMilliseconds))
        }
    }

    static func isConnectedStream(_ fd: Int32) -> Bool {
        var type: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0, type == Int32(SOCK_STREAM.rawValue) else {
            return false
        }
        return SocketAddress { pointer, length in gw_getpeername(fd, pointer, length) == 0 } != nil
    }

    /// Makes a descriptor of the host's like those made here.
    static func adopt(_ fd: Int32) {
        _ = gw_fcntl(fd, F_SETFD, FD_CLOEXEC)
        _ = gw_fcntl(fd, F_SETFL, gw_fcntl(fd, F_GETFL, 0) | O_NONBLOCK)
        setNoDelay(fd)
    }

    static func setReuseAddress(_ fd: Int32) { setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1) }

    private static func setOption(_ fd: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = setsockopt(fd, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    static func bind(_ fd: Int32, _ address: SocketAddress) throws(SystemError) {
        guard address.withPointer({ pointer, length in gw_bind(fd, pointer, length) }) == 0 else {
            throw SystemError("bind")
        }
    }

    static func bindAndListen(_ fd: Int32, _ address: SocketAddress) throws(SystemError) {
        try bind(fd, address)
        guard listen(fd, SOMAXCONN) == 0 else { throw SystemError("listen") }
    }

    static func localAddress(_ fd: Int32) -> SocketAddress? {
        SocketAddress { pointer, length in gw_getsockname(fd, pointer, length) == 0 }
    }

    enum AcceptResult {
        case connection(Int32, SocketAddress)
        case wouldBlock
        /// This one connection is lost; others may follow.
        case lost
        /// Out of descriptors or memory: accepting has to wait.
        case exhausted
    }

    static func accept(_ fd: Int32) -> AcceptResult {
        while true {
            var accepted: Int32 = -1
            let address = SocketAddress { pointer, length in
                accepted = gw_accept(fd, pointer, length)
                return accepted >= 0
            }
            if let address { return .connection(accepted, address) }
            switch gw_errno() {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .lost
            }
        }
    }

    static func shutdownWrite(_ fd: Int32) { _ = shutdown(fd, Int32(SHUT_WR)) }

    // MARK: Waiting

    static func makeEpoll() throws(SystemError) -> Int32 {
        let fd = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard fd >= 0 else { throw SystemError("epoll_create1") }
        return fd
    }

    static func watch(_ epoll: Int32, _ fd: Int32, _ token: UInt64, _ events: UInt32, isNew: Bool) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = token
        _ = epoll_ctl(epoll, isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event)
    }

    static func unwatch(_ epoll: Int32, _ fd: Int32) { _ = epoll_ctl(epoll, EPOLL_CTL_DEL, fd, nil) }

    /// How many events were filled in, 0 also when a signal ended the wait; nil if the descriptor cannot be waited on.
    static func wait(_ epoll: Int32, _ events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32) -> Int? {
        let count = epoll_wait(epoll, events.baseAddress, Int32(truncatingIfNeeded: events.count), milliseconds)
        if count >= 0 { return Int(count) }
        return gw_errno() == EINTR ? 0 : nil
    }

    /// Waits until a descriptor is readable; whether it is.
    @discardableResult
    static func waitReadable(_ fd: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Waits for as long as it takes until one of two descriptors is readable.
    static func waitReadable(_ first: Int32, _ second: Int32) {
        var entries = (
            pollfd(fd: first, events: Int16(POLLIN), revents: 0), pollfd(fd: second, events: Int16(POLLIN), revents: 0)
        )
        withUnsafeMutableBytes(of: &entries) {
            _ = poll($0.baseAddress?.assumingMemoryBound(to: pollfd.self), 2, -1)
        }
    }

    static func makeEvent() throws(SystemError) -> Int32 {
        let fd = eventfd(0, gw_event_flags)
        guard fd >= 0 else { throw SystemError("eventfd") }
        return fd
    }

    static func signal(_ event: Int32) {
        var one: UInt64 = 1
        _ = write(event, &one, 8)
    }

    /// Makes an event or a timer unreadable again.
    static func drain(_ fd: Int32) {
        var value: UInt64 = 0
        _ = read(fd, &value, 8)
    }

    static func makeTimer() throws(SystemError) -> Int32 {
        let fd = timerfd_create(CLOCK_MONOTONIC, gw_timer_flags)
        guard fd >= 0 else { throw SystemError("timerfd_create") }
        return fd
    }

    /// Makes the timer readable at an instant; `never` disarms it.
    static func arm(_ timer: Int32, _ instant: Instant) {
        var time = itimerspec()
        if instant != .never {
            let microseconds = max(1, instant.microseconds)
            time.it_value.tv_sec = Int(truncatingIfNeeded: microseconds / 1_000_000)
            time.it_value.tv_nsec = Int(truncatingIfNeeded: microseconds % 1_000_000) * 1000
        }
        _ = timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME), &time, nil)
    }

    /// A timer that becomes readable when the wall clock is set or the machine wakes from sleep, and never otherwise.  A kernel
    /// that has none such gives one that stays silent.
    static func makeClockTimer() throws(SystemError) -> Int32 {
        let fd = timerfd_create(CLOCK_REALTIME, gw_timer_flags)
        guard fd >= 0 else { throw SystemError("timerfd_create") }
        var time = itimerspec()
        time.it_value.tv_sec = Int.max
        _ = timerfd_settime(fd, Int32(TFD_TIMER_ABSTIME) | gw_timer_cancel_on_set, &time, nil)
        return fd
    }

    // MARK: Environment

    /// Nil for a variable that is not set, or that a program with more rights than its user must not read.
    static func environment(_ name: StaticString) -> [UInt8]? {
        let name = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
        guard let value = secure_getenv(name) else { return nil }
        return UnsafeRawBufferPointer(start: value, count: strlen(value)).map { $0 }
    }

    // MARK: Clocks

    static func now() -> Instant { time(CLOCK_MONOTONIC) }

    /// A few milliseconds late at most and much cheaper: enough for time limits.
    static func coarseNow() -> Instant { time(CLOCK_MONOTONIC_COARSE) }

    /// Goes on while the machine sleeps, as `now` does not.
    static func bootNow() -> Instant { time(CLOCK_BOOTTIME) }

    static func wallMilliseconds() -> UInt64 { time(CLOCK_REALTIME).microseconds / 1000 }

    private static func time(_ clock: Int32) -> Instant {
        var time = timespec()
        _ = clock_gettime(clock, &time)
        let seconds = UInt64(clamping: time.tv_sec)
        return Instant(microseconds: seconds &* 1_000_000 &+ UInt64(clamping: time.tv_nsec) / 1000)
    }
}

/// A system call that failed, and why.
struct SystemError: Error {
    let call: StaticString
    let number: Int32

    init(_ call: StaticString, _ number: Int32 = gw_errno()) {
        self.call = call
        self.number = number
    }

    /// "connect: Connection refused".
    var text: String { "\(call): \(SystemError.text(number))" }

    static func text(_ number: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { room in
            guard let text = gw_error_text(number, room.baseAddress, room.count) else { return "error \(number)" }
            return String(cString: text)
        }
    }
}
