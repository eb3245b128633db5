import CSystem

/// A thread of the library: all signals blocked, so that the host's handlers never run on it.
struct Thread {
    private let handle: pthread_t

    /// `body` runs on the new thread; nil if the system gives none.
    init?(_ body: @escaping () -> Void) {
        let context = Unmanaged.passRetained(ThreadBody(body))
        var handle = pthread_t()
        let result = gw_thread_start(
            &handle,
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

    func join() { gw_thread_join(handle) }

    /// Lets the thread end by itself.
    func detach() { gw_thread_detach(handle) }
}

/// What a thread runs, kept until it has started.
private final class ThreadBody {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}
