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

    /// As `locked`; nil, without waiting, if somebody else has the lock.
    func tryLocked<Result>(_ body: () -> Result) -> Result? {
        guard gw_mutex_trylock(lock) == 0 else { return nil }
        defer { release() }
        return body()
    }
}
