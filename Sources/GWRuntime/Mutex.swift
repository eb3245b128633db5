import CSystem

/// A lock that is held for short times only and never while waiting for the kernel.
final class Mutex {
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        lock.initialize(to: pthread_mutex_t())
        _ = pthread_mutex_init(lock, nil)
    }

    deinit {
        _ = pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    @inline(__always)
    func acquire() { _ = pthread_mutex_lock(lock) }

    @inline(__always)
    func release() { _ = pthread_mutex_unlock(lock) }

    @inline(__always)
    func locked<Result>(_ body: () -> Result) -> Result {
        acquire()
        defer { release() }
        return body()
    }
}

/// A thread of the library: all signals blocked, so that the host's handlers never run on it.
struct Thread {
    private let handle: pthread_t

    /// `body` runs on the new thread; nil if the system gives none.
    init?(_ body: @escaping () -> Void) {
        final class Body {
            let run: () -> Void
            init(_ run: @escaping () -> Void) { self.run = run }
        }
        var blocked = sigset_t()
        var previous = sigset_t()
        _ = sigfillset(&blocked)
        _ = pthread_sigmask(SIG_BLOCK, &blocked, &previous)
        defer { _ = pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let context = Unmanaged.passRetained(Body(body))
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, context.toOpaque())
        guard result == 0 else {
            context.release()
            return nil
        }
        self.handle = handle
    }

    func join() { _ = pthread_join(handle, nil) }

    /// Lets the thread end by itself.
    func detach() { _ = pthread_detach(handle) }
}
