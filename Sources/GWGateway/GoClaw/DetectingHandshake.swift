import GWBase
import GWJSON

/// Finds out which dialect a gateway speaks: OpenClaw's gateways begin with a challenge, GoClaw's wait for the client.
final class DetectingHandshake: GatewayHandshake {
    private let settings: ClientSession.Settings
    private let openClaw: OpenClawHandshake
    private let goClaw: (Instant) -> GoClawHandshake
    private var chosen: (any GatewayHandshake)?
    private let waitEnd: Instant

    init(
        settings: ClientSession.Settings, openClaw: OpenClawHandshake, now: Instant,
        goClaw: @escaping (Instant) -> GoClawHandshake
    ) {
        self.settings = settings
        self.openClaw = openClaw
        self.goClaw = goClaw
        waitEnd = now.adding(milliseconds: min(GoClaw.detectMilliseconds, settings.challengeMilliseconds))
    }

    var isAwaitingChallenge: Bool { chosen?.isAwaitingChallenge ?? true }

    var deadline: Instant { chosen?.deadline ?? waitEnd }

    func opened(_ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction { .none }

    func receive(
        _ response: ResponseFrame, id: UInt64?, _ text: UnsafeRawBufferPointer, _ now: Instant
    ) -> HandshakeAction {
        chosen?.receive(response, id: id, text, now) ?? .unknown
    }

    func receive(
        _ event: EventFrame, _ text: UnsafeRawBufferPointer, _ now: Instant, wallMilliseconds: UInt64
    ) -> HandshakeAction {
        if let chosen { return chosen.receive(event, text, now, wallMilliseconds: wallMilliseconds) }
        guard JSON.isString(event.name, equalTo: "connect.challenge", in: text) else { return .none }
        chosen = openClaw
        return openClaw.receive(event, text, now, wallMilliseconds: wallMilliseconds)
    }

    func answered(_ question: UInt64, isGiven: Bool, _ now: Instant, wallMilliseconds: UInt64) -> HandshakeAction {
        chosen?.answered(question, isGiven: isGiven, now, wallMilliseconds: wallMilliseconds) ?? .none
    }

    func tick(_ now: Instant) -> HandshakeAction {
        if let chosen { return chosen.tick(now) }
        guard waitEnd <= now else { return .none }
        let handshake = goClaw(now)
        chosen = handshake
        return handshake.tick(now)
    }
}
