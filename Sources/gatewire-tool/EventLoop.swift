import CGatewire
import CSystem

/// One context of the library and the loop that a program writes around it, with the signals that end the tool as a
/// second descriptor beside the context's own.
struct EventLoop: ~Copyable {
    let context: OpaquePointer
    private let signals: Int32
    private static let capacity = 64

    /// What a handler wants next.
    enum Next {
        case goOn
        case finish(ExitCode)
    }

    /// What a turn waits for besides events and signals.
    struct Wait {
        /// Whether standard input is wanted.
        var input = false
        /// At most this long; negative: until something happens.
        var milliseconds: Int32 = -1
    }

    /// nil after saying why.  With `catchingSignals`, SIGINT and SIGTERM come as `interrupted` of `run`.
    init?(catchingSignals: Bool, json: Bool) {
        var context: OpaquePointer?
        let status = gw_context_new(nil, &context)
        guard status == gw_status(GW_OK), let context else {
            Problem(status, in: nil).report(json: json)
            return nil
        }
        self.context = context
        signals = catchingSignals ? EventLoop.openSignals() : -1
    }

    deinit {
        if signals >= 0 { close(signals) }
        gw_context_free(context)
    }

    /// Hands every event to `handle`, every signal to `interrupted`, and standard input to `input` when there is something to read
    /// and `prepare`, which begins every turn, wanted it; until one of them says that it is over.
    func run(
        _ handle: (gw_event) -> Next, interrupted: () -> Next = { .goOn }, prepare: () -> Wait = { Wait() },
        input: () -> Next = { .goOn }
    ) -> ExitCode {
        withUnsafeTemporaryAllocation(of: gw_event.self, capacity: EventLoop.capacity) { events in
            var batch = gw_batch()
            gw_batch_init(&batch)
            while true {
                var hasInput = false
                guard waitUntilReadable(prepare(), &hasInput) else { return .internal }
                if hasSignal(), case .finish(let code) = interrupted() { return code }
                if hasInput, case .finish(let code) = input() { return code }
                let status = gw_context_poll(
                    context, 0, events.baseAddress, EventLoop.capacity, MemoryLayout<gw_event>.stride, &batch)
                guard status >= 0 else {
                    Problem(status, in: context).report(json: false)
                    return .internal
                }
                guard status == gw_status(GW_OK) else { continue }
                for index in 0..<min(Int(batch.count), EventLoop.capacity) {
                    if case .finish(let code) = handle(events[index]) { return code }
                }
            }
        }
    }

    private func waitUntilReadable(_ wait: Wait, _ hasInput: inout Bool) -> Bool {
        let readable = Int16(POLLIN)
        var descriptors = (
            pollfd(fd: gw_context_fd(context), events: readable, revents: 0),
            pollfd(fd: signals, events: readable, revents: 0),
            pollfd(fd: wait.input ? 0 : -1, events: readable, revents: 0)
        )
        let found = withUnsafeMutablePointer(to: &descriptors) { all in
            all.withMemoryRebound(to: pollfd.self, capacity: 3) { poll($0, 3, wait.milliseconds) }
        }
        // An end or an error of the input is for reading, too.
        hasInput = found > 0 && descriptors.2.revents != 0
        return found >= 0 || systemError() == EINTR
    }

    private func hasSignal() -> Bool {
        var signal = signalfd_siginfo()
        return signals >= 0 && read(signals, &signal, MemoryLayout<signalfd_siginfo>.size) > 0
    }

    private static func openSignals() -> Int32 {
        var wanted = sigset_t()
        sigemptyset(&wanted)
        sigaddset(&wanted, SIGINT)
        sigaddset(&wanted, SIGTERM)
        pthread_sigmask(SIG_BLOCK, &wanted, nil)
        return signalfd(-1, &wanted, gatewire_signalfd_flags)
    }
}

/// `SFD_NONBLOCK | SFD_CLOEXEC`, which the importer sees as an enumeration.
private let gatewire_signalfd_flags = Int32(truncatingIfNeeded: O_NONBLOCK | O_CLOEXEC)
