import GWBase
import GWGateway
import GWJSON

/// OpenClaw: challenge, connect, hello, ticks.
struct OpenClawDialect: Dialect {
    let maxCalls = 16
    let numbersEvents = true

    var rejections: [Rejection] {
        [
            Rejection(
                "NOT_PAIRED", "pairing required", details: "{\"code\":\"PAIRING_REQUIRED\",\"requestId\":\"r\"}"),
            Rejection(
                "NOT_PAIRED", "pairing required",
                details: "{\"code\":\"PAIRING_REQUIRED\",\"recommendedNextStep\":\"wait_then_retry\"}",
                retryAfterMilliseconds: 3000),
            Rejection(
                "UNAVAILABLE", "too many attempts", details: "{\"code\":\"AUTH_RATE_LIMITED\"}",
                retryAfterMilliseconds: 8000),
            Rejection(
                "UNAVAILABLE", "starting", details: "{\"reason\":\"startup-sidecars\"}", retryAfterMilliseconds: 700),
            Rejection("UNAVAILABLE", "overloaded", retryAfterMilliseconds: 45_000),
        ]
    }

    func timeLimit(expectsFinal: Bool) -> UInt32 { expectsFinal ? .max : Limits.callMilliseconds }

    func client(_ world: World, token: [UInt8]) -> ClientMachine.Settings {
        var settings = ClientMachine.Settings()
        settings.session.connect.clientVersion = Array("1".utf8)
        settings.session.connect.scopes = [Array("operator.admin".utf8)]
        // A copy, for credentials overwrite their memory when they go.
        settings.credentials = Credentials(token: token.map { $0 })
        settings.session.maxCalls = UInt32(maxCalls)
        settings.signer = Device(name: world.bytes(16))
        return settings
    }

    func session(_ gateway: SimulatedGateway, wire: Int, _ now: Instant) -> any GatewaySession {
        OpenClawSession(gateway, wire: wire, now)
    }
}

private final class OpenClawSession: GatewaySession {
    private let session: ServerSession
    private let gateway: SimulatedGateway
    private var lastSequence: UInt64 = 0

    init(_ gateway: SimulatedGateway, wire: Int, _ now: Instant) {
        self.gateway = gateway
        var settings = ServerSession.Settings()
        if !gateway.token.isEmpty { settings.policy.token = gateway.token.withUnsafeBytes { Secret(copying: $0) } }
        settings.policy.protocolVersion = gateway.protocolVersion
        settings.tickMilliseconds = gateway.tickMilliseconds
        session = ServerSession(
            settings: settings, verifier: Verifier(), nonce: Array("nonce-\(wire)".utf8),
            connectionID: Array("\(wire)".utf8), isLoopback: true,
            deadline: now.adding(milliseconds: settings.handshakeMilliseconds))
    }

    var isReady: Bool { session.isReady }
    let pings = false
    var deadline: Instant { session.deadline }

    func opening() -> [UInt8]? {
        let challenge = session.challenge(wallMilliseconds: gateway.wallMilliseconds)
        return Array(challenge.readable)
    }

    func receive(_ text: UnsafeRawBufferPointer, _ now: Instant) -> SessionStep {
        if !session.isReady, let rejection = gateway.rejection, let id = requestID(text) {
            session.end()
            var frame = ByteBuffer()
            id.withUnsafeBytes { FrameWriter.rejection(rawID: $0, rejection, into: &frame) }
            return .close(
                Array(frame.readable), 1008, reason: rejection.message,
                Failure(.connectRejected, .user, "refused the peer"))
        }
        switch session.receive(text, now: now, wallMilliseconds: gateway.wallMilliseconds) {
        case .admitted(_, let hello):
            return .admitted(hello: Array(hello.readable))
        case .request(let request):
            let params = request.params.map { Array(text[$0.range]) } ?? []
            return .request(id: Array(text[request.id.range]), params: params)
        case .send(let frame):
            return frame.isEmpty ? .none : .send(Array(frame.readable))
        case .close(let frame, let code, let reason, let failure):
            return .close(Array(frame.readable), code, reason: reason, failure)
        }
    }

    private func requestID(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var members = JSONMembers()
        guard case .request(let request) = FrameSchema.readRequest(text, &members) else { return nil }
        return Array(text[request.id.range])
    }

    func pong(_ now: Instant) {}

    func tick(_ now: Instant) -> SessionStep {
        switch session.tick(now) {
        case .none: .none
        case .tick: .tick
        case .close(let code, let reason, let failure): .close([], code, reason: reason, failure)
        }
    }

    func answer(_ id: [UInt8], isOK: Bool, _ content: [UInt8]) -> [UInt8] {
        var frame = ByteBuffer()
        if isOK {
            id.withUnsafeBytes { FrameWriter.response(rawID: $0, hasPayload: true, into: &frame) }
            frame.append(content)
            frame.append(FrameWriter.end)
        } else {
            let rejection = Rejection(Array("UNAVAILABLE".utf8), content)
            id.withUnsafeBytes { FrameWriter.rejection(rawID: $0, rejection, into: &frame) }
        }
        return Array(frame.readable)
    }

    func event(_ name: StaticString, _ payload: [UInt8], skips: Int) -> [UInt8] {
        for _ in 0..<skips { _ = session.nextSequence() }
        var frame = ByteBuffer()
        let name = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        FrameWriter.event(name: name, hasPayload: true, into: &frame)
        frame.append(payload)
        FrameWriter.eventEnd(sequence: session.nextSequence(), into: &frame)
        return Array(frame.readable)
    }

    func end() { session.end() }
}

// MARK: - Keys

/// A device whose signatures are sums that its verifier can do as well.
private final class Device: DeviceSigner {
    let deviceID: [UInt8]
    let publicKeyText: [UInt8]

    init(name: [UInt8]) {
        publicKeyText = hexText(name)
        deviceID = Verifier.sum(publicKeyText)
    }

    func sign(_ payload: [UInt8]) -> [UInt8]? { Verifier.sum(payload + publicKeyText) }
}

final class Verifier: ProofVerifier {
    /// FNV-1a.
    static func sum(_ bytes: [UInt8]) -> [UInt8] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hexText((0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * $0)) })
    }

    func publicKey(_ text: [UInt8]) -> [UInt8]? { text }
    func deviceID(_ publicKey: [UInt8]) -> [UInt8] { Verifier.sum(publicKey) }
    func isSignature(_ signature: [UInt8], over payload: [UInt8], by publicKey: [UInt8]) -> Bool {
        signature == Verifier.sum(payload + publicKey)
    }
    func isEqual(_ shown: [UInt8], _ secret: Secret) -> Bool { secret.withBytes { $0.elementsEqual(shown) } }
}
