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

    /// Hands every event to `handle` and every signal to `interrupted`, until one of them says that it is over.
    func run(_ handle: (gw_event) -> Next, interrupted: () -> Next = { .goOn }) -> ExitCode {
        withUnsafeTemporaryAllocation(of: gw_event.self, capacity: EventLoop.capacity) { events in
            var batch = gw_batch()
            gw_batch_init(&batch)
            while true {
                guard waitUntilReadable() else { return .internal }
                if hasSignal(), case .finish(let code) = interrupted() { return code }
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

    private func waitUntilReadable() -> Bool {
        var descriptors = (
            pollfd(fd: gw_context_fd(context), events: Int16(POLLIN), revents: 0),
            pollfd(fd: signals, events: Int16(POLLIN), revents: 0)
        )
        return withUnsafeMutablePointer(to: &descriptors) { pair in
            pair.withMemoryRebound(to: pollfd.self, capacity: 2) { poll($0, 2, -1) > 0 || systemError() == EINTR }
        }
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
