import CSystem
import GWBase

/// One epoll descriptor over all sockets, a timer and two events: what the host watches and what the library waits on.
final class Reactor {
    /// Tokens of our own descriptors; sources have slot ids, which never reach these.
    private static let timerToken = UInt64.max
    private static let wakeToken = UInt64.max - 1
    private static let clockToken = UInt64.max - 3

    let fd: Int32
    private let timer: Int32
    private let wakeEvent: Int32
    private let clockTimer: Int32
    private let ready = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 64)
    private var armed = Instant.never
    /// `wake` has made the descriptor readable, and no `collect` has taken that back.
    private(set) var isWoken = false
    /// A clock was set, or the machine slept.
    var clocksHaveMoved = false
    /// The system refused to wait on the descriptor: somebody has closed it.
    private(set) var hasFailed = false

    init() throws(SystemError) {
        fd = try Syscall.makeEpoll()
        do {
            timer = try Syscall.makeTimer()
        } catch {
            Syscall.close(fd)
            throw error
        }
        do {
            wakeEvent = try Syscall.makeEvent()
        } catch {
            Syscall.close(timer)
            Syscall.close(fd)
            throw error
        }
        do {
            clockTimer = try Syscall.makeClockTimer()
        } catch {
            Syscall.close(wakeEvent)
            Syscall.close(timer)
            Syscall.close(fd)
            throw error
        }
        Syscall.watch(fd, timer, Reactor.timerToken, gw_epoll_in, isNew: true)
        Syscall.watch(fd, wakeEvent, Reactor.wakeToken, gw_epoll_in, isNew: true)
        Syscall.watch(fd, clockTimer, Reactor.clockToken, gw_epoll_in, isNew: true)
    }

    deinit {
        Syscall.close(clockTimer)
        Syscall.close(wakeEvent)
        Syscall.close(timer)
        Syscall.close(fd)
        ready.deallocate()
    }

    func watch(_ descriptor: Int32, _ token: UInt64, _ events: UInt32, isNew: Bool) {
        Syscall.watch(fd, descriptor, token, events, isNew: isNew)
    }

    func unwatch(_ descriptor: Int32) { Syscall.unwatch(fd, descriptor) }

    /// Makes the epoll descriptor readable until the next `collect` that does not keep it; called with the context's lock held.
    func wake() {
        guard !isWoken else { return }
        isWoken = true
        Syscall.signal(wakeEvent)
    }

    /// Makes the epoll descriptor readable at the next deadline.  A timer set too early is left: it costs one wake-up at
    /// most, and most deadlines are taken back before they come.
    func arm(_ next: Instant) {
        guard next < armed else { return }
        armed = next
        Syscall.arm(timer, next)
    }

    /// Most descriptors that one `wait` finds; those that it leaves come first with the next.
    var capacity: Int { ready.count }

    /// Waits; the number of ready descriptors.  The context's lock need not be held.
    func wait(milliseconds: Int32) -> Int {
        guard let found = Syscall.wait(fd, ready, milliseconds: milliseconds) else {
            hasFailed = true
            return 0
        }
        return found
    }

    /// Hands out the tokens of what `wait` found; our own descriptors are dealt with here.  `keepsWake`: the wake-up is
    /// for somebody else.
    func collect(_ count: Int, keepsWake: Bool = false, _ body: (UInt64, UInt32) -> Void) {
        for index in 0..<min(count, ready.count) {
            switch ready[index].data.u64 {
            case Reactor.timerToken:
                Syscall.drain(timer)
                armed = .never
            case Reactor.wakeToken:
                guard !keepsWake else { continue }
                Syscall.drain(wakeEvent)
                isWoken = false
            case Reactor.clockToken:
                Syscall.drain(clockTimer)
                clocksHaveMoved = true
            case let token:
                body(token, ready[index].events)
            }
        }
    }
}
