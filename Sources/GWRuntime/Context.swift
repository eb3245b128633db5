import CSystem
import GWBase
import GWTLS

/// The engine: every source and event of one host, behind one lock.
///
/// Whoever calls `work` does the input and output: the host inside `poll`, the library's thread, or the guardian while the
/// host is away.
public final class Context {
    public enum Drive: Equatable, Sendable {
        /// The host's polls do the work.
        case host
        /// As `host`, but a guardian thread does it when the host has not polled for that long.
        case guarded(milliseconds: UInt32)
        /// A thread of the library does.
        case thread
    }

    public struct Settings {
        public var drive = Drive.host
        public var hostFlushes = false
        public var eventBudget = Limits.eventBudget
        public init() {}
    }

    let lock = Mutex()
    let reactor: Reactor
    let resolver: Resolver
    let events: EventQueue
    let random: RandomPool
    public let tls = SharedTLS()
    /// Ciphertext on its way to OpenSSL, shared by all connections.
    let ciphertext = UnsafeMutableRawBufferPointer.allocate(byteCount: Limits.receiveBufferBytes, alignment: 64)
    var sources = SlotTable<Source>()

    private let settings: Settings
    private let forkMark: UnsafeMutablePointer<UInt32>?
    private let process: pid_t
    private var deadlines = DeadlineQueue()
    /// Channels with output that has not been offered to the kernel.
    var unsent: [Channel] = []
    private var lookUps: [(request: UInt64, dial: UInt64)] = []
    var isPolling = false
    private var isWaiting = false
    private var isWatched = false
    private var isWakeRequested = false
    var isStopping = false
    private var thread: Thread?
    private var guardian: Guardian?
    // What a poll asks about the guardian stands here, which spares it a reference to that.
    private let isGuarded: Bool
    /// Counts beginnings and ends of polls.  Outside of the lock, so that a poll that wants it stops the guardian from taking it
    /// again.
    let polls = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    /// The guardian is asleep until it is woken.
    var isGuardianResting = false
    /// How often output was offered to the kernel.
    var sendCount: UInt64 = 0
    private var suspendWatch = SuspendWatch(monotonic: Syscall.now(), boot: Syscall.bootNow())
    /// With a library thread: readable while there are events for the host.
    private let hostEvent: Int32
    private var isHostSignalled = false
    private var lastFailure: Failure?
    private var lastFailureText: [UInt8] = []

    private static let resolverToken = UInt64.max - 2

    public init(_ settings: Settings) throws(Failure) {
        self.settings = settings
        polls.initialize(to: 0)
        if case .guarded = settings.drive { isGuarded = true } else { isGuarded = false }
        TLSLibrary.begin()
        random = try SecureRandom.makePool()
        do throws(SystemError) {
            reactor = try Reactor()
            resolver = try Resolver()
            hostEvent = settings.drive == .thread ? try Syscall.makeEvent() : -1
        } catch {
            throw Failure(.system, .program, error.text)
        }
        events = EventQueue(budget: settings.eventBudget)
        process = getpid()
        forkMark = gw_fork_mark()
        forkMark?.pointee = 1
        reactor.watch(resolver.fd, Context.resolverToken, gw_epoll_in, isNew: true)
        if settings.drive == .thread {
            // The thread holds no reference: `close` joins it before the context goes.
            let unowned = Unmanaged.passUnretained(self)
            thread = Thread { unowned._withUnsafeGuaranteedRef { $0.run() } }
            guard thread != nil else { throw Failure(.system, .program, "pthread_create failed") }
        }
        if case .guarded(let milliseconds) = settings.drive {
            let guardian = try Guardian(of: self, descriptor: reactor.fd, milliseconds: milliseconds)
            self.guardian = guardian
            try guardian.start()
        }
    }

    deinit {
        dropSources()
        if hostEvent >= 0 { Syscall.close(hostEvent) }
        gw_fork_mark_free(forkMark)
        ciphertext.deallocate()
        polls.deallocate()
    }

    /// Whether this is another process than the one that made the context.
    public var isForked: Bool {
        if let forkMark { return forkMark.pointee == 0 }
        return getpid() != process
    }

    /// Ends everything at once; the object stays until the last handle to it goes.
    public func close() {
        // In a forked child there is no library thread, and nobody who could hold the lock.
        guard !isForked else { return dropSources() }
        lock.locked {
            isStopping = true
            reactor.wake()
        }
        thread?.join()
        thread = nil
        guardian?.join()
        lock.locked { dropSources() }
    }

    private func dropSources() {
        unsent = []
        for id in sources.ids {
            sources[id]?.drop()
            sources[id]?.finish()
        }
    }

    private var isThreadDriven: Bool {
        if case .thread = settings.drive { return true }
        return false
    }

    /// After `close`.
    public var isClosed: Bool { isStopping }

    /// The descriptor for the host's own loop.
    public var fd: Int32 {
        guard !isForked else { return -1 }
        return lock.locked {
            isWatched = true
            if isThreadDriven { return hostEvent }
            reactor.arm(deadlines.next)
            if events.hasEvents || !unsent.isEmpty { reactor.wake() }
            return reactor.fd
        }
    }

    // MARK: - Host calls

    /// Runs a host's call with the lock held; what it queued or reported reaches whoever does the work.
    public func call<Result>(_ body: () -> Result) -> Result {
        lock.acquire()
        defer { lock.release() }
        let result = body()
        notify()
        return result
    }

    private func notify() {
        if isThreadDriven {
            if isWaiting, !unsent.isEmpty || deadlines.next < waitsUntil { reactor.wake() }
            signalHost()
        } else if isWaiting {
            if !unsent.isEmpty || events.hasEvents || deadlines.next < waitsUntil { reactor.wake() }
        } else if !isPolling {
            if isWatched, events.hasEvents || (!unsent.isEmpty && !settings.hostFlushes) { reactor.wake() }
            armForWatchers()
            if isGuardianResting, !unsent.isEmpty { guardian?.outputIsWaiting() }
        }
    }

    private var waitsUntil = Instant.never

    public func flush() { call { if !isThreadDriven { sendQueued() } } }

    /// The host knows that the network is another one now: asks every open connection for a sign of life, and lets clients that
    /// wait for their next attempt begin it.
    public func networkChanged() { call { tellNetworkChange(Syscall.now()) } }

    private func tellNetworkChange(_ now: Instant) {
        for id in sources.ids { sources[id]?.networkChanged(now) }
    }

    public func wake() {
        lock.locked {
            isWakeRequested = true
            reactor.wake()
            if isThreadDriven, !isHostSignalled {
                isHostSignalled = true
                Syscall.signal(hostEvent)
            }
        }
    }

    /// Keeps why a call failed for the host to ask.
    public func fail(_ failure: Failure) -> Status {
        lastFailure = failure
        lastFailureText = failure.text.bytes
        return failure.status
    }

    /// The last failure; the text lives until the next one.
    public func withLastFailure<Result>(_ body: (Status, Actor, UnsafeRawBufferPointer) -> Result) -> Result {
        // In a forked child the lock may be held by a thread that is not there.
        if isForked { return body(.forked, .program, UnsafeRawBufferPointer(start: nil, count: 0)) }
        return lock.locked {
            guard let lastFailure else { return body(.ok, .none, UnsafeRawBufferPointer(start: nil, count: 0)) }
            return lastFailureText.withUnsafeBufferPointer {
                body(lastFailure.status, lastFailure.actor, UnsafeRawBufferPointer($0))
            }
        }
    }

    // MARK: - Polling

    /// Works until there are events or the time is up, then gives the batch to `take`, which says whether it took all that it
    /// could.
    public func poll(milliseconds: Int32, _ take: (EventBatchReader) -> Void) -> Status {
        gw_count_up(polls)
        lock.acquire()
        defer { lock.release() }
        guard !isPolling else { return .busy }
        isPolling = true
        defer {
            prepareForWatching()
            isPolling = false
            gw_count_up(polls)
        }

        let limit: Instant =
            milliseconds < 0
            ? .never
            : milliseconds == 0
                ? Instant(microseconds: 0)
                : Syscall.now().adding(milliseconds: UInt32(truncatingIfNeeded: milliseconds))
        if !isThreadDriven { sendQueued() }
        var batch = events.collect()
        while batch.isEmpty {
            let hasTime = isThreadDriven ? waitForThread(limit) : turn(until: limit)
            batch = events.collect()
            guard batch.isEmpty else { break }
            if reactor.hasFailed { return .system }
            if isWakeRequested {
                isWakeRequested = false
                return .ok
            }
            if !hasTime { return .timeout }
        }
        isWakeRequested = false
        take(EventBatchReader(batch))
        return .ok
    }

    /// Leaves the descriptor readable exactly if there is more to do or to give.
    func prepareForWatching() {
        if isThreadDriven {
            if isHostSignalled, !events.hasEvents {
                isHostSignalled = false
                Syscall.drain(hostEvent)
            }
            signalHost()
            // Reading stops while too much is waiting for the host; now there is room again.
            if isWaiting, isReadingStopped { reactor.wake() }
        } else {
            // Watched again, a channel that waited for the host makes the descriptor readable by itself.
            resumeReading()
            armForWatchers()
            if isWatched, events.hasEvents { reactor.wake() }
        }
    }

    /// Whoever watches the descriptor, the host's loop or the guardian, is to notice the next deadline.
    private func armForWatchers() {
        if isWatched || isGuarded { reactor.arm(deadlines.next) }
    }

    public var hasMoreEvents: Bool { events.hasEvents }

    /// One round of input and output; false when `limit` has passed.
    private func turn(until limit: Instant) -> Bool {
        var now = Syscall.now()
        work(now)
        guard !events.hasEvents else { return true }
        let isOver = limit <= now
        let found = wait(until: isOver ? now : min(limit, deadlines.next), from: now)
        if found > 0 {
            now = Syscall.now()
            handle(found, now)
            sendQueued()
        }
        return !isOver
    }

    /// What has become due, and what has been queued.
    func work(_ now: Instant, keepsWake: Bool = false) {
        prepareForReading()
        if deadlines.next <= now {
            noticeSleep(now)
            readBeforeJudging(now, keepsWake: keepsWake)
            runDue(now)
        }
        sendQueued()
    }

    /// Waits for descriptors with the lock released while it can last.
    private func wait(until instant: Instant, from now: Instant) -> Int {
        let rest = instant == .never ? UInt32.max : instant.milliseconds(after: now)
        guard rest > 0 else { return reactor.wait(milliseconds: 0) }
        isWaiting = true
        waitsUntil = instant
        lock.release()
        let found = reactor.wait(milliseconds: rest == .max ? -1 : Int32(clamping: rest))
        lock.acquire()
        isWaiting = false
        return found
    }

    func handle(_ found: Int, _ now: Instant, keepsWake: Bool = false) {
        reactor.collect(found, keepsWake: keepsWake) { token, ready in
            if token == Context.resolverToken {
                deliverLookUps(now)
            } else if let source = sources[token] {
                source.ready(ready, now)
            }
        }
        if reactor.clocksHaveMoved { noticeSleep(now) }
    }

    /// A deadline has come: what lies in the sockets may say otherwise, if nobody has looked for a while.
    private func readBeforeJudging(_ now: Instant, keepsWake: Bool) {
        // Each round brings those first that the one before has left.
        for _ in 0...(sources.count / reactor.capacity) {
            let found = reactor.wait(milliseconds: 0)
            if found > 0 { handle(found, now, keepsWake: keepsWake) }
            guard found == reactor.capacity else { return }
        }
    }

    /// The machine may have slept.
    private func noticeSleep(_ now: Instant) {
        reactor.clocksHaveMoved = false
        guard suspendWatch.hasSlept(monotonic: now, boot: Syscall.bootNow()) else { return }
        tellNetworkChange(now)
    }

    private func runDue(_ now: Instant) {
        while let place = deadlines.popExpired(now) {
            guard let id = sources.id(at: place), let source = sources[id] else { continue }
            source.tick(now)
            guard source.id != 0 else { continue }
            // What is still due comes again with the next round, never in this one.
            schedule(source.id, max(source.deadline, now.adding(milliseconds: 1)))
        }
    }

    // MARK: - The library's thread

    private func run() {
        lock.acquire()
        defer { lock.release() }
        while !isStopping {
            let now = Syscall.now()
            work(now)
            signalHost()
            let found = wait(until: deadlines.next, from: now)
            guard !isStopping else { break }
            if found > 0 { handle(found, Syscall.now()) }
            signalHost()
        }
    }

    private func signalHost() {
        guard isThreadDriven, !isHostSignalled, events.hasEvents else { return }
        isHostSignalled = true
        Syscall.signal(hostEvent)
    }

    private func waitForThread(_ limit: Instant) -> Bool {
        let now = Syscall.now()
        guard limit > now else { return false }
        let rest = limit == .never ? UInt32.max : limit.milliseconds(after: now)
        lock.release()
        Syscall.waitReadable(hostEvent, milliseconds: rest == .max ? -1 : Int32(clamping: rest))
        lock.acquire()
        return true
    }

    // MARK: - Backpressure

    /// With the batch that must be handed over first; nil: any room in the budget is enough.
    private var stoppedChannels: [(channel: UInt64, batch: UInt64?)] = []
    private var isReadingStopped: Bool { !stoppedChannels.isEmpty }

    /// Whether a channel may read now; if not, it is not watched for reading until the host has collected.
    func mayRead(_ channel: Channel) -> Bool {
        guard events.isFull else { return true }
        stoppedChannels.append((channel.id, nil))
        channel.stopReading()
        return false
    }

    /// Reads nothing more for a channel until the host has collected what there is of it.
    func holdReading(_ channel: Channel) {
        guard !channel.isReadingStopped else { return }
        stoppedChannels.append((channel.id, events.number))
        channel.stopReading()
    }

    /// Gives back the memory of a batch that brought no event, and lets channels read again for which there is room.
    private func prepareForReading() {
        events.recycleUnused()
        resumeReading()
    }

    private func resumeReading() {
        guard isReadingStopped, !events.isFull else { return }
        let stopped = stoppedChannels
        stoppedChannels = []
        for (id, batch) in stopped {
            if batch == events.number {
                stoppedChannels.append((id, batch))
            } else {
                (sources[id] as? Channel)?.resumeReading()
            }
        }
    }

    // MARK: - For sources

    /// Takes a descriptor out of epoll; a forked child must not, for it shares the parent's.
    func unwatch(_ descriptor: Int32) {
        if !isForked { reactor.unwatch(descriptor) }
    }

    func remove(_ id: UInt64) {
        if let place = sources.place(id) { deadlines.remove(place) }
        sources.remove(id)
    }

    func schedule(_ id: UInt64, _ deadline: Instant) {
        guard let place = sources.place(id) else { return }
        deadlines.set(place, deadline)
    }

    /// The channel has output; it is offered to the kernel together with all other output of this turn.
    func queueSend(_ channel: Channel) { unsent.append(channel) }

    func sendQueued() {
        guard !unsent.isEmpty else { return }
        sendCount &+= 1
        let now = Syscall.coarseNow()
        var index = 0
        while index < unsent.count {
            unsent[index].send(now)
            index += 1
        }
        unsent.removeAll(keepingCapacity: true)
    }

    /// Looks a name up for a dial, which is told the outcome in a later turn.
    func lookUp(_ host: [UInt8], _ port: UInt16, for dial: UInt64) -> Bool {
        guard let request = resolver.begin(host: host, port: port) else { return false }
        lookUps.append((request, dial))
        return true
    }

    private func deliverLookUps(_ now: Instant) {
        resolver.takeAnswers { request, outcome in
            guard let index = lookUps.firstIndex(where: { $0.request == request }) else { return }
            let dial = lookUps.remove(at: index).dial
            (sources[dial] as? Dial)?.resolved(outcome, now)
        }
    }

    @inline(__always)
    func emit(_ event: Event) { events.append(event) }
    var arena: Arena { events.arena }
}
