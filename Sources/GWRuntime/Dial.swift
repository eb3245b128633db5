import GWBase
import GWHTTP
import GWRoute
import GWTLS
import GWWebSocket

/// What a dial has behind it.
enum DialStep {
    case resolved
    case connected
    case tunnelled
    /// TLS has proved who the peer is, or there is none: bytes of HTTP follow.
    case secured
}

/// Whoever wants the connection that a dial makes: told its outcome once.
protocol DialOwner: ChannelOwner {
    /// A step is done.  Not the time to cancel this dial.
    func dial(_ dial: Dial, passed step: DialStep, _ now: Instant)
    func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant)
    func dial(_ dial: Dial, failed failure: Failure, _ now: Instant)
    /// The server would be refused; `TrustQuestion` takes the answer.
    func dial(_ dial: Dial, asks question: UInt64, about refusal: Failure)
}

extension DialOwner {
    func dial(_ dial: Dial, passed step: DialStep, _ now: Instant) {}
}

/// One attempt to reach a WebSocket server: resolve, connect, open a tunnel if a proxy is between, secure, upgrade, each within its
/// time limit.
final class Dial: Source {
    /// With the deadline of each.
    private enum Phase {
        case ready
        case resolving(Instant)
        case connecting(Instant, ConnectionRace)
        case tunnelling(Instant)
        case securing(Instant)
        /// Has a deadline of its own.
        case asking(TrustQuestion)
        case upgrading(Instant)
        case ended
    }

    /// An address that was tried, and why it did not do.
    struct Try {
        let address: SocketAddress
        var failure: String?
    }

    private(set) var settings: DialSettings
    /// Redirects that were followed.
    private(set) var redirects: UInt32 = 0
    /// Where the answer just read leads to; the dial goes on there once its channel has ended.
    private var next: DialSettings?
    private unowned(unsafe) let owner: any DialOwner
    private var phase: Phase
    private(set) var proxy: RouteSettings.Proxy?
    /// Where the tunnel leads; nil while the name is to be resolved here and has not been.
    private var target: TunnelTarget?
    private(set) var addresses: [SocketAddress] = []
    private var attempts: [ConnectAttempt] = []
    private(set) var tries: [Try] = []
    private(set) var peer: SocketAddress?
    private var tunnel: Tunnel?
    private var lastFailure: Failure?
    private var channel: Channel?
    private var handshake: ClientHandshake?
    private(set) var timings = DialTimings()

    /// The owner must call `cancel` before it goes.
    init(context: Context, settings: DialSettings, owner: any DialOwner) {
        self.settings = settings
        self.owner = owner
        phase = .ended
        super.init(context: context)
        start()
    }

    func begin(_ now: Instant) {
        timings.began(now)
        let deadline = now.adding(milliseconds: settings.connectMilliseconds)
        do throws(Failure) {
            proxy = try settings.route.proxy(for: settings.url)
        } catch {
            return fail(error, now)
        }
        switch settings.route.way {
        case .descriptor(let fd):
            Syscall.adopt(fd)
            timings.connect = timings.lap(now)
            owner.dial(self, passed: .connected, now)
            openChannel(fd, nil, now)
        case .unix(let path):
            connect(to: SocketAddress(unixPath: path).map { [$0] } ?? [], deadline, now)
        case .direct, .proxy, .environment:
            guard let proxy else { return resolve(settings.url.host, settings.url.port, deadline, now) }
            if proxy.url.resolvesNames || settings.url.host.isAddress {
                target = TunnelTarget(settings.url.host, port: settings.url.port)
                resolve(proxy.url.host, proxy.url.port, deadline, now)
            } else {
                resolve(settings.url.host, settings.url.port, deadline, now)
            }
        }
    }

    /// Begins with the next turn.
    func beginSoon() {
        phase = .ready
        reschedule()
    }

    /// Ends the attempt without a word.
    func cancel() {
        endQuestion()
        drop()
        endAttempts()
        tunnel?.cancel()
        tunnel = nil
        let channel = channel
        self.channel = nil
        channel?.drop()
        finish()
    }

    /// Whether another dial may take this one's place: a descriptor of the host can be used once only, and what the host is
    /// asked about it may be about to answer.
    var isReplaceable: Bool {
        if case .asking = phase { return false }
        if case .descriptor = settings.route.way { return false }
        return true
    }

    /// Ends without a word.  The dial that takes its place begins with the next turn, where redirects have led so far.
    func replace() -> Dial {
        let dial = Dial(context: context, settings: settings, owner: owner)
        dial.redirects = redirects
        cancel()
        dial.beginSoon()
        return dial
    }

    private func endQuestion() {
        if case .asking(let question) = phase { question.finish() }
    }

    private func endAttempts() {
        for attempt in attempts { attempt.cancel() }
        attempts = []
    }

    override func drop() {
        // The host's descriptor is ours from the start, also where it is never used.
        if case .ready = phase, case .descriptor(let fd) = settings.route.way { Syscall.close(fd) }
        phase = .ended
    }

    /// `GW_PHASE_*`.
    var phaseNumber: UInt32 {
        switch phase {
        case .ready, .resolving: 1
        case .connecting: 2
        case .tunnelling: 10
        case .securing, .asking: 3
        case .upgrading, .ended: 4
        }
    }

    var isEncrypted: Bool { channel?.isEncrypted ?? false }

    /// What TLS has negotiated so far.
    var tls: TLSEngine? { channel?.tls }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .ready: Instant(microseconds: 0)
        case .connecting(let deadline, let race): min(deadline, race.deadline)
        case .resolving(let deadline), .tunnelling(let deadline), .securing(let deadline), .upgrading(let deadline):
            deadline
        case .asking, .ended: .never
        }
    }

    override func tick(_ now: Instant) {
        guard deadline <= now else { return }
        switch phase {
        case .ready: begin(now)
        case .resolving: fail(late(.connectTimeout, "resolving the name", settings.connectMilliseconds), now)
        case .connecting(let deadline, _):
            if deadline <= now {
                fail(late(.connectTimeout, "connecting", settings.connectMilliseconds), now)
            } else {
                continueConnecting(now)
            }
        case .tunnelling: fail(late(.proxyTimeout, "opening the tunnel", settings.route.proxyMilliseconds), now)
        case .securing: fail(late(.tlsTimeout, "the TLS handshake", settings.tlsMilliseconds), now)
        case .upgrading:
            if var machine = handshake { fail(explained(machine.timeLimit(), machine), now) }
        case .asking, .ended: break
        }
    }

    private func late(_ status: Status, _ what: StaticString, _ limit: UInt32) -> Failure {
        Failure(status, .network, "\(what) took longer than \(limit) ms (\(wayText))", isRetryable: true)
    }

    /// For messages: where the connection goes.
    private var wayText: String {
        guard let proxy else { return settings.hostText }
        return "\(settings.hostText) through the proxy \(proxy.url.hostText)"
    }

    // MARK: - Names

    private func resolve(_ host: URLHost, _ port: UInt16, _ deadline: Instant, _ now: Instant) {
        if proxy == nil || target == nil, !settings.route.addresses.isEmpty {
            phase = .resolving(deadline)
            resolved(.addresses(settings.route.addresses), now)
        } else if let literal = SocketAddress(literal: host.text, port: port) {
            phase = .resolving(deadline)
            resolved(.addresses([literal]), now)
        } else if context.lookUp(host.text, port, for: id) {
            phase = .resolving(deadline)
            reschedule()
        } else {
            fail(Failure(.system, .program, "no thread to resolve the name on", isRetryable: true), now)
        }
    }

    func resolved(_ outcome: Resolver.Outcome, _ now: Instant) {
        guard case .resolving(let deadline) = phase else { return }
        switch outcome {
        case .addresses(let found):
            guard let proxy, target == nil else {
                timings.resolve = timings.lap(now)
                return connect(to: found, deadline, now)
            }
            // SOCKS 5 with names resolved here: the first address is the preferred one (RFC 6724).
            guard let address = found.first?.urlHost else {
                return fail(
                    Failure(.resolve, .network, "\(settings.hostText) has no address", isRetryable: true), now)
            }
            target = TunnelTarget(address, port: settings.url.port)
            resolve(proxy.url.host, proxy.url.port, deadline, now)
        case .failed(let text):
            var name = settings.hostText
            if let proxy, target != nil { name = "the proxy \(proxy.url.hostText)" }
            fail(Failure(.resolve, .network, "cannot resolve \(name): \(text)", isRetryable: true), now)
        }
    }

    // MARK: - Addresses

    private func connect(to found: [SocketAddress], _ deadline: Instant, _ now: Instant) {
        addresses = found
        owner.dial(self, passed: .resolved, now)
        phase = .connecting(deadline, ConnectionRace(isIPv6: found.map { $0.isIPv6 }))
        continueConnecting(now)
    }

    /// Begins the attempts whose turn it is.  When none is left, the dial has failed for the last one's reason.
    private func continueConnecting(_ now: Instant) {
        while case .connecting(let deadline, var race) = phase {
            let action = race.step(now)
            phase = .connecting(deadline, race)
            switch action {
            case .begin(let place): begin(addresses[place])
            case .wait: return reschedule()
            case .lost:
                let none = Failure(.resolve, .network, "\(settings.hostText) has no address", isRetryable: true)
                return fail(lastFailure ?? none, now)
            }
        }
    }

    private func begin(_ address: SocketAddress) {
        tries.append(Try(address: address))
        do throws(Failure) {
            attempts.append(try ConnectAttempt(context: context, to: address, route: settings.route, owner: self))
        } catch {
            attemptFailed(address, error)
        }
    }

    private func attemptFailed(_ address: SocketAddress, _ failure: Failure) {
        lastFailure = failure
        if let place = tries.lastIndex(where: { $0.failure == nil && $0.address.text.isEqual(address.text) }) {
            tries[place].failure = failure.text
        }
        if let proxy {
            lastFailure = Failure(
                .proxy, .network, "the proxy \(proxy.url.hostText) cannot be reached: \(failure.text)",
                isRetryable: true)
        }
        guard case .connecting(let deadline, var race) = phase else { return }
        race.attemptFailed()
        phase = .connecting(deadline, race)
    }

    private func openChannel(_ fd: Int32, _ link: ProxyLink?, _ now: Instant) {
        let tls: TLSEngine?
        do throws(Failure) {
            tls = try settings.tls.map { client throws(Failure) in
                try TLSEngine(
                    client: client, serverName: settings.serverName, showsIdentity: settings.showsIdentity)
            }
        } catch {
            Syscall.close(fd)
            return fail(error, now)
        }
        if tls != nil { phase = .securing(now.adding(milliseconds: settings.tlsMilliseconds)) }
        let channel = Channel(context: context, fd: fd, tls: tls, link: link, opener: self)
        self.channel = channel
        reschedule()
        channel.beginSecuring(now)
    }

    // MARK: - The host's word about the server

    func continueSecuring(isBelieved: Bool, _ now: Instant) {
        guard case .asking = phase, let channel else { return }
        phase = .securing(now.adding(milliseconds: settings.tlsMilliseconds))
        reschedule()
        channel.answer(isBelieved: isBelieved, now)
    }

    func questionExpired(_ now: Instant) {
        fail(
            Failure(
                .tlsTimeout, .user,
                "the host did not say within \(settings.answerMilliseconds) ms whether it believes \(settings.hostText)",
                isRetryable: true), now)
    }

    private func fail(_ failure: Failure, _ now: Instant) {
        guard id != 0 else { return }
        cancel()
        owner.dial(self, failed: failure, now)
    }

    // MARK: - The upgrade

    private func makeHandshake() throws(Failure) -> ClientHandshake {
        let key = Base64.encode(context.random.bytes(16))
        var handshake = try ClientHandshake(
            host: settings.url.hostHeader, target: settings.url.target, fields: settings.headers, key: key,
            accept: WebSocketAccept.value(forKey: key),
            deflate: settings.offersDeflate ? settings.webSocket.deflate : nil, subprotocols: settings.subprotocols,
            limits: settings.head)
        handshake.requiresSubprotocol = settings.requiresSubprotocol
        return handshake
    }

    /// Whether the answer is a redirect that is to be followed.
    private func follow(_ machine: ClientHandshake) -> Bool {
        guard let head = machine.responseHead,
            case .follow(let target) = settings.redirect(head, followed: redirects)
        else { return false }
        next = target
        return true
    }

    /// A refusal, with the reason if it is a redirect that was not followed.
    private func explained(_ failure: Failure, _ machine: ClientHandshake) -> Failure {
        guard let head = machine.responseHead,
            case .refuse(let reason) = settings.redirect(head, followed: redirects)
        else { return failure }
        var explained = failure
        explained.text += "; the redirect was not followed: " + reason
        return explained
    }

    /// Never told to anybody: the dial goes on.
    private static var redirected: Failure { Failure(.upgradeRefused, .none, "redirected") }

    /// The status is known; the rest of the answer is worth a short wait only.
    private func limitRefusal(_ now: Instant) {
        guard case .upgrading(let deadline) = phase else { return }
        phase = .upgrading(min(deadline, now.adding(milliseconds: Limits.refusedBodyMilliseconds)))
        reschedule()
    }
}

extension Dial: ChannelOpener {
    func channelIsSecure(_ channel: Channel, _ now: Instant) {
        if settings.tls != nil { timings.tls = timings.lap(now) }
        owner.dial(self, passed: .secured, now)
        phase = .upgrading(now.adding(milliseconds: settings.upgradeMilliseconds))
        do throws(Failure) {
            let handshake = try makeHandshake()
            channel.sendHead { handshake.request(into: &$0) }
            self.handshake = handshake
            reschedule()
        } catch {
            channel.end(error, now)
        }
    }

    func channel(_ channel: Channel, head bytes: UnsafeRawBufferPointer, isEnd: Bool, _ now: Instant) -> HeadAction {
        guard var machine = handshake else { return .needMore }
        defer { handshake = machine }
        if isEnd { return .end(explained(machine.endOfStream(), machine)) }
        switch machine.receive(bytes) {
        case .needMore:
            guard machine.isReadingRefusal else { return .needMore }
            if follow(machine) { return .end(Dial.redirected) }
            limitRefusal(now)
            return .needMore
        case .failed(let failure):
            return .end(follow(machine) ? Dial.redirected : explained(failure, machine))
        case .open(let consumed, let agreement):
            let webSocket = WebSocketConnection(
                role: .client, settings: settings.webSocket, deflate: agreement.deflate, random: context.random,
                now: now)
            timings.upgrade = timings.lap(now)
            phase = .ended
            self.channel = nil
            finish()
            owner.dial(self, opened: channel, machine, agreement, now)
            return .open(consumed: consumed, webSocket, owner)
        }
    }

    func channel(_ channel: Channel, asks refusal: Failure, _ now: Instant) {
        let question = TrustQuestion(of: self, until: now.adding(milliseconds: settings.answerMilliseconds))
        phase = .asking(question)
        reschedule()
        owner.dial(self, asks: question.id, about: refusal)
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        self.channel = nil
        if let next {
            self.next = nil
            redirects += 1
            settings = next
            handshake = nil
            target = nil
            lastFailure = nil
            return begin(now)
        }
        fail(failure, now)
    }
}

extension Dial: ConnectAttemptOwner {
    func attempt(_ attempt: ConnectAttempt, connected descriptor: Int32, _ now: Instant) {
        endAttempts()
        peer = attempt.address
        timings.connect = timings.lap(now)
        owner.dial(self, passed: .connected, now)
        guard let proxy, let target else { return openChannel(descriptor, nil, now) }
        phase = .tunnelling(now.adding(milliseconds: settings.route.proxyMilliseconds))
        do throws(Failure) {
            tunnel = try Tunnel(context: context, fd: descriptor, through: proxy, to: target, owner: self)
            reschedule()
        } catch {
            fail(error, now)
        }
    }

    func attempt(_ attempt: ConnectAttempt, failed failure: Failure, _ now: Instant) {
        attempts.removeAll { $0 === attempt }
        attemptFailed(attempt.address, failure)
        continueConnecting(now)
    }
}

extension Dial: TunnelOwner {
    func tunnel(_ tunnel: Tunnel, opened descriptor: Int32, _ link: ProxyLink?, _ now: Instant) {
        self.tunnel = nil
        timings.proxy = timings.lap(now)
        owner.dial(self, passed: .tunnelled, now)
        openChannel(descriptor, link, now)
    }

    func tunnel(_ tunnel: Tunnel, failed failure: Failure, _ now: Instant) {
        self.tunnel = nil
        fail(failure, now)
    }
}
