import GWBase

/// Something that the context runs: it may have a descriptor that becomes ready and a deadline that comes.
///
/// A class rather than a protocol, so that the context reaches it with one virtual call.
public class Source {
    private let contextReference: Unmanaged<Context>
    /// It outlives its sources.
    final var context: Context { contextReference.takeUnretainedValue() }
    /// Its place in the context's table, and the token of its descriptor; 0 before `start` and after `finish`.
    public private(set) var id: UInt64 = 0

    init(context: Context) { contextReference = .passUnretained(context) }

    final func start() { id = context.sources.insert(self) }

    /// Takes it out of the table; nothing reaches it any more.
    final func finish() {
        guard id != 0 else { return }
        context.remove(id)
        id = 0
    }

    /// The earliest time at which `tick` has something to do.
    var deadline: Instant { .never }

    func tick(_ now: Instant) {}

    func ready(_ events: UInt32, _ now: Instant) {}

    /// The machine has slept or has another network: what was known of the way to the peer may not hold any more.
    func networkChanged(_ now: Instant) {}

    /// The context ends: gives the descriptor back at once.
    func drop() {}

    /// The context for what happens with every message: nothing counts a reference to it.
    @inline(__always)
    final func withContext<Result>(_ body: (Context) -> Result) -> Result {
        contextReference._withUnsafeGuaranteedRef(body)
    }

    @inline(__always)
    final func emit(_ event: Event) { withContext { $0.emit(event) } }

    /// To be called whenever `deadline` may have changed.
    final func reschedule() { context.schedule(id, deadline) }
}

/// The sources that the interface knows by a handle or an id.
extension Context {
    /// The doctor of an id that has not ended.
    public func doctor(_ id: UInt64) -> Doctor? { sources[id] as? Doctor }

    /// The server of an id that has not ended.
    public func server(_ id: UInt64) -> Server? { sources[id] as? Server }

    /// The socket of an id that has not ended.
    public func socket(_ id: UInt64) -> Socket? { sources[id] as? Socket }

    /// The listener of an id that has not ended.
    public func listener(_ id: UInt64) -> Listener? { sources[id] as? Listener }
}
