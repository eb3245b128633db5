import CSystem

/// A thread of the library: all signals blocked, so that the host's handlers never run on it.
struct Thread {
    private let handle: pthread_t

    /// `body` runs on the new thread; nil if the system gives none.
    init?(_ body: @escaping () -> Void) {
        var blocked = sigset_t()
        var previous = sigset_t()
        _ = sigfillset(&blocked)
        _ = pthread_sigmask(SIG_BLOCK, &blocked, &previous)
        defer { _ = pthread_sigmask(SIG_SETMASK, &previous, nil) }

        let context = Unmanaged.passRetained(ThreadBody(body))
        var handle = pthread_t()
        let result = pthread_create(
            &handle, nil,
            { argument in
                if let argument { Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run() }
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

/// What a thread runs, kept until it has started.
private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
