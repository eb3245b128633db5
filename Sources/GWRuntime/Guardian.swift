import CSystem
import GWBase

/// The thread that stands in for a host that is away (`takeover_ms`).
///
/// While the host polls it looks once in each limit whether it still does.  Once it does not, it rests, without a wake-up, until
/// there is something to do, gives the host the whole limit to do it, and only then does it itself, until the host polls
/// again.  A poll pays two increments for it.
final class Guardian {
    /// What there was to do at some time.
    struct Work {
        /// The descriptor was readable: a socket, a deadline, a wake-up.  Only a poll changes that.
        let isReady: Bool
        let hasOutput: Bool
        /// Tells that output from what was queued since.
        let sendCount: UInt64

        static let none = Work(isReady: false, hasOutput: false, sendCount: 0)
    }

    /// What a round of the host's work came to.
    enum Outcome {
        /// Nothing more to do now.
        case done
        case notDone
        /// The host is polling, or the context ends.
        case notNeeded
    }

    private unowned(unsafe) let context: Context
    private let milliseconds: Int32
    /// The context's, which the host watches.
    private let descriptor: Int32
    /// Ends a rest.
    private let wakeEvent: Int32
    /// Reports each time anew that `descriptor` has become readable for a further reason, although it is readable already for
    /// the events that wait for the host.
    private let edges: Int32
    private let ready = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: 2)
    private var thread: Thread?

    /// Once it is started, `join` must be called before the context goes: the thread holds no reference to it.
    init(of context: Context, descriptor: Int32, milliseconds: UInt32) throws(Failure) {
        self.context = context
        self.descriptor = descriptor
        self.milliseconds = Int32(clamping: milliseconds)
        do throws(SystemError) {
            wakeEvent = try Syscall.makeEvent()
            do throws(SystemError) {
                edges = try Syscall.makeEpoll()
            } catch {
                Syscall.close(wakeEvent)
                throw error
            }
        } catch {
            ready.deallocate()
            throw Failure(.system, .program, error.text)
        }
        Syscall.watch(edges, wakeEvent, 0, gw_epoll_in, isNew: true)
    }

    func start() throws(Failure) {
        let unowned = Unmanaged.passUnretained(self)
        thread = Thread { unowned._withUnsafeGuaranteedRef { $0.run() } }
        guard thread != nil else { throw Failure(.system, .program, "pthread_create failed") }
    }

    deinit {
        Syscall.close(edges)
        Syscall.close(wakeEvent)
        ready.deallocate()
    }

    /// After the context has begun to stop; without its lock.
    func join() {
        Syscall.signal(wakeEvent)
        thread?.join()
        thread = nil
    }

    /// Output was queued outside of a poll, while we rest.  With the context's lock held.
    func outputIsWaiting() {
        context.isGuardianResting = false
        Syscall.signal(wakeEvent)
    }

    // MARK: - The thread

    private func run() {
        var isHostActive = false
        while let (work, seen) = look(rests: !isHostActive) {
            Syscall.waitReadable(wakeEvent, milliseconds: milliseconds)
            isHostActive = gw_count(context.polls) != seen
            guard !isHostActive, context.lock.locked({ context.isStillWaiting(work) }) else { continue }
            Syscall.watch(edges, descriptor, 0, gw_epoll_in | gw_epoll_edge, isNew: true)
            standIn(while: seen)
            Syscall.unwatch(edges, descriptor)
        }
    }

    /// What there is to do, and how often the host has polled so far; nil at the end.  `rests`: waits until there is something.
    private func look(rests: Bool) -> (Work, UInt64)? {
        let mayRest =
            rests
            && context.lock.locked {
                context.isGuardianResting = context.isGuardianFree
                return context.isGuardianResting
            }
        if mayRest { Syscall.waitReadable(descriptor, wakeEvent) }
        let find = { () -> (Work, UInt64)? in
            self.stopResting()
            return self.context.workWaiting().map { ($0, gw_count(self.context.polls)) }
        }
        if rests { return context.lock.locked(find) }
        // A host that polls has the lock most of the time, and waiting for it would cost both; who has it is not away.
        guard let found = context.lock.tryLocked(find) else { return (.none, gw_count(context.polls)) }
        return found
    }

    private func stopResting() {
        context.isGuardianResting = false
        Syscall.drain(wakeEvent)
    }

    /// Does the host's work until it polls.
    private func standIn(while seen: UInt64) {
        while gw_count(context.polls) == seen {
            let outcome = context.lock.locked {
                stopResting()
                let outcome = context.workForHost()
                context.isGuardianResting = outcome == .done
                return outcome
            }
            switch outcome {
            case .notDone: continue
            case .notNeeded: return
            // The limit is the longest time for which the return of the host may go unnoticed.
            case .done: _ = Syscall.wait(edges, ready, milliseconds: milliseconds)
            }
        }
    }
}

/// What the guardian asks of the context, with its lock held.
extension Context {
    /// No output waits, and the end has not come.
    var isGuardianFree: Bool { unsent.isEmpty && !isStopping }

    /// What there is to do for the host as the guardian begins to wait for it; nil at the end.
    func workWaiting() -> Guardian.Work? {
        guard !isStopping else { return nil }
        return Guardian.Work(
            isReady: Syscall.waitReadable(reactor.fd, milliseconds: 0), hasOutput: !unsent.isEmpty, sendCount: sendCount
        )
    }

    /// Whether that has still not been done, and the host is not about to do it.
    func isStillWaiting(_ work: Guardian.Work) -> Bool {
        !isStopping && !isPolling
            && (work.isReady || (work.hasOutput && !unsent.isEmpty && work.sendCount == sendCount))
    }

    /// One round of the host's work.  The wake-up that tells the host of it stays.
    func workForHost() -> Guardian.Outcome {
        guard !isStopping, !isPolling else { return .notNeeded }
        let now = Syscall.now()
        work(now, keepsWake: true)
        let found = reactor.wait(milliseconds: 0)
        if found > 0 {
            handle(found, now, keepsWake: true)
            sendQueued()
        }
        let isOnlyWake = found == 1 && reactor.isWoken
        prepareForWatching()
        return found == 0 || isOnlyWake ? .done : .notDone
    }
}
