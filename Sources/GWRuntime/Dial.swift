import GWBase
import GWDeflate
import GWHTTP
import GWTLS
import GWWebSocket

/// Where to connect and what must hold of the server.
public struct DialSettings {
    public var url: WebSocketURL
    public var tls: TLSContext?
    /// SNI, and the name that the certificate must have.
    public var serverName: String
    /// For a redirect that leads from ws to wss.
    let secureContext: TLSContext?
    let plaintext: PlaintextPolicy
    let maxRedirects: UInt32
    public private(set) var headers = HeaderFields()
    public private(set) var subprotocols: [[UInt8]] = []
    public var requiresSubprotocol = false
    public var offersDeflate = true
    public var webSocket = WebSocketSettings()
    /// Of the answer's head.
    public var head = HeadLimits()
    public var connectMilliseconds = Limits.connectMilliseconds
    public var tlsMilliseconds = Limits.tlsMilliseconds
    public var upgradeMilliseconds = Limits.upgradeMilliseconds

    /// Where to and whom to trust, as the host says it.
    public struct Target {
        public var url: [UInt8] = []
        public var plaintext = PlaintextPolicy.loopback
        public var pins: [[UInt8]] = []
        public var caFile: String?
        public var serverName: String?
        /// Redirects to follow.
        public var maxRedirects: UInt32 = 0
        public init() {}
    }

    /// Refuses everything that can be known to be wrong without the network.
    public init(_ target: Target) throws(Failure) {
        url = try WebSocketURL.parse(target.url)
        var pins = PinSet()
        for pin in target.pins { try pins.add(pin) }
        guard pins.isEmpty || url.scheme == .wss else {
            throw Failure(
                .pinText, .program, "a pin was given, but the URL is not wss://: there is no certificate to compare")
        }
        let host = String(printable: url.host.text)
        guard target.plaintext.allows(url) else {
            throw Failure(
                .plaintext, .program,
                "ws:// to \(host) would send credentials in the clear; use wss://, or allow it with a plaintext flag")
        }
        serverName = target.serverName ?? host
        plaintext = target.plaintext
        maxRedirects = target.maxRedirects
        if url.isSecure || maxRedirects > 0 {
            var settings = ClientTLSSettings()
            settings.pins = pins
            settings.caFile = target.caFile
            secureContext = try TLSContext(client: settings)
        } else {
            secureContext = nil
        }
        tls = url.isSecure ? secureContext : nil
        if !url.user.isEmpty || !url.password.isEmpty {
            let credentials = Base64.encode(url.user + ":".bytes + url.password)
            headers.append("Authorization".bytes, "Basic ".bytes + credentials)
        }
    }

    /// Adds a field to the upgrade request; not one that the handshake itself sends.
    public mutating func addHeader(name: [UInt8], value: [UInt8]) throws(Failure) {
        var field = HeaderFields()
        field.append(name, value)
        try ClientHandshake.check(field)
        guard !field.contains("Authorization") || !headers.contains("Authorization") else {
            throw Failure(
                .argument, .program, "Authorization stands there twice, or the URL has a user or password too")
        }
        headers.append(name, value)
    }

    /// Offers subprotocols, distinct tokens in the order of preference.
    public mutating func offer(subprotocols: [[UInt8]]) throws(Failure) {
        try ClientHandshake.check(subprotocols: subprotocols)
        self.subprotocols = subprotocols
    }

    /// Takes out what is meant for one origin only.
    mutating func dropCredentials() {
        headers.remove("Authorization")
        headers.remove("Proxy-Authorization")
        headers.remove("Cookie")
    }

    var hostText: String { "\(String(printable: url.host.text)):\(url.port)" }
}

/// Whoever wants the connection that a dial makes: told its outcome once.
protocol DialOwner: ChannelOwner {
    func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant)
    func dial(_ dial: Dial, failed failure: Failure, _ now: Instant)
}

/// One attempt to reach a WebSocket server: resolve, connect, secure, upgrade, each within its time limit.
final class Dial: Source {
    /// With the deadline of each.
    private enum Phase {
        case ready
        case resolving(Instant)
        /// `next`: when the next address gets its turn.
        case connecting(Instant, next: Instant)
        case securing(Instant)
        case upgrading(Instant)
        case ended
    }

    private(set) var settings: DialSettings
    /// Redirects that were followed.
    private(set) var redirects: UInt32 = 0
    /// Where the answer just read leads to; the dial goes on there once its channel has ended.
    private var next: DialSettings?
    private unowned(unsafe) let owner: any DialOwner
    private var phase: Phase
    private var addresses: [SocketAddress] = []
    private var lastFailure: Failure?
    private var channel: Channel?
    private var handshake: ClientHandshake?

    /// The owner must call `cancel` before it goes.
    init(context: Context, settings: DialSettings, owner: any DialOwner) {
        self.settings = settings
        self.owner = owner
        phase = .ended
        super.init(context: context)
        start()
    }

    func begin(_ now: Instant) {
        let deadline = now.adding(milliseconds: settings.connectMilliseconds)
        if let literal = SocketAddress(literal: settings.url.host.text, port: settings.url.port) {
            addresses = [literal]
            connectNext(deadline, now)
        } else if context.lookUp(settings.url.host.text, settings.url.port, for: id) {
            phase = .resolving(deadline)
            reschedule()
        } else {
            fail(Failure(.system, .program, "no thread to resolve the name on", isRetryable: true), now)
        }
    }

    /// Begins with the next turn.
    func beginSoon() {
        phase = .ready
        reschedule()
    }

    /// Ends the attempt without a word.
    func cancel() {
        phase = .ended
        let channel = channel
        self.channel = nil
        channel?.drop()
        finish()
    }

    override func drop() { phase = .ended }

    /// `GW_PHASE_*`.
    var phaseNumber: UInt32 {
        switch phase {
        case .ready, .resolving: 1
        case .connecting: 2
        case .securing: 3
        case .upgrading, .ended: 4
        }
    }

    var isEncrypted: Bool { channel?.isEncrypted ?? false }

    // MARK: - Time

    override var deadline: Instant {
        switch phase {
        case .ready: Instant(microseconds: 0)
        case .connecting(_, let next): next
        case .resolving(let deadline), .securing(let deadline), .upgrading(let deadline): deadline
        case .ended: .never
        }
    }

    override func tick(_ now: Instant) {
        guard deadline <= now else { return }
        switch phase {
        case .ready: begin(now)
        case .resolving: fail(late(.connectTimeout, "resolving the name", settings.connectMilliseconds), now)
        case .connecting(let deadline, _):
            lastFailure = late(.connectTimeout, "connecting", settings.connectMilliseconds)
            let channel = channel
            self.channel = nil
            channel?.drop()
            connectNext(deadline, now)
        case .securing: fail(late(.tlsTimeout, "the TLS handshake", settings.tlsMilliseconds), now)
        case .upgrading:
            if var machine = handshake { fail(explained(machine.timeLimit(), machine), now) }
        case .ended: break
        }
    }

    private func late(_ status: Status, _ what: StaticString, _ limit: UInt32) -> Failure {
        Failure(status, .network, "\(what) took longer than \(limit) ms (\(settings.hostText))", isRetryable: true)
    }

    // MARK: - Addresses

    func resolved(_ outcome: Resolver.Outcome, _ now: Instant) {
        guard case .resolving(let deadline) = phase else { return }
        switch outcome {
        case .addresses(let found):
            addresses = found
            connectNext(deadline, now)
        case .failed(let text):
            fail(Failure(.resolve, .network, "cannot resolve \(settings.hostText): \(text)", isRetryable: true), now)
        }
    }

    /// Tries the next address, which gets an even share of the time that is left, so that one that swallows everything
    /// does not keep the others from their turn.  Without any left the attempt has failed for the last one's reason.
    private func connectNext(_ deadline: Instant, _ now: Instant) {
        while !addresses.isEmpty, now < deadline {
            let share = deadline.microseconds(since: now) / UInt64(addresses.count)
            let next = deadline == .never ? .never : Instant(microseconds: now.microseconds + share)
            phase = .connecting(deadline, next: next)
            let address = addresses.removeFirst()
            do throws(SystemError) {
                let fd = try Syscall.socket(address)
                do throws(SystemError) {
                    try Syscall.connect(fd, address)
                } catch {
                    Syscall.close(fd)
                    throw error
                }
                return open(fd, now)
            } catch {
                lastFailure = Failure(
                    .connect, .network, "cannot connect to \(address.text): \(error.text)", isRetryable: true)
            }
        }
        fail(
            lastFailure
                ?? Failure(.resolve, .network, "\(settings.hostText) has no address", isRetryable: true), now)
    }

    private func open(_ fd: Int32, _ now: Instant) {
        let tls: TLSEngine?
        do throws(Failure) {
            tls = try settings.tls.map { context throws(Failure) in
                try TLSEngine(client: context, serverName: settings.serverName)
            }
        } catch {
            Syscall.close(fd)
            return fail(error, now)
        }
        channel = Channel(context: context, fd: fd, tls: tls, isConnected: false, opener: self)
        reschedule()
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
    func channelIsConnected(_ channel: Channel, _ now: Instant) {
        addresses = []
        if channel.isEncrypted { phase = .securing(now.adding(milliseconds: settings.tlsMilliseconds)) }
        reschedule()
    }

    func channelIsSecure(_ channel: Channel, _ now: Instant) {
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
            phase = .ended
            self.channel = nil
            finish()
            owner.dial(self, opened: channel, machine, agreement, now)
            return .open(consumed: consumed, webSocket, owner)
        }
    }

    func channel(_ channel: Channel, ended failure: Failure, _ now: Instant) {
        self.channel = nil
        if let next {
            self.next = nil
            redirects += 1
            settings = next
            handshake = nil
            lastFailure = nil
            return begin(now)
        }
        if case .connecting(let deadline, _) = phase {
            lastFailure = failure
            lastFailure?.text = "cannot connect to \(settings.hostText): \(failure.text)"
            return connectNext(deadline, now)
        }
        fail(failure, now)
    }
}
