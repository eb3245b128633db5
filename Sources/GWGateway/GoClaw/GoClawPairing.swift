import GWBase
import GWJSON

/// The devices of an embedded gateway: those that wait for an approval, and those that have it.
public struct GoClawPairing {
    public struct Request {
        public var code: [UInt8]
        public var senderID: [UInt8]
        public var channel: [UInt8]
        public var chatID: [UInt8]
        public var accountID: [UInt8]
        public var createdAt: UInt64
        var expiresAt: UInt64 { createdAt + GoClaw.codeLifeMilliseconds }
    }

    public struct Device {
        public var senderID: [UInt8]
        public var channel: [UInt8]
        public var chatID: [UInt8]
        public var pairedBy: [UInt8]
        public var pairedAt: UInt64
    }

    /// What `browser.pairing.status` says.
    public enum State {
        case pending
        case approved
        case expired
    }

    /// Without I, O, 0 and 1.
    static let alphabet: StaticString = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
    static let browser = "browser".bytes
    private static let mostDevices = 4096

    public private(set) var pending: [Request] = []
    public private(set) var paired: [Device] = []

    public init() {}

    /// Times are wall milliseconds throughout.  Nil: three wait already for this account.
    public mutating func request(
        senderID: [UInt8], channel: [UInt8], chatID: [UInt8] = [], accountID: [UInt8] = "default".bytes,
        _ now: UInt64, _ random: RandomPool
    ) -> Request? {
        expire(now)
        guard pending.count(where: { $0.accountID == accountID }) < GoClaw.pendingPairings,
            pending.count + paired.count < GoClawPairing.mostDevices
        else { return nil }
        let code = random.bytes(8).map { GoClawPairing.alphabet.utf8Start[Int($0 & 31)] }
        let request = Request(
            code: code, senderID: senderID, channel: channel, chatID: chatID, accountID: accountID, createdAt: now)
        pending.append(request)
        return request
    }

    public mutating func approve(_ code: [UInt8], by approver: [UInt8], _ now: UInt64) -> Device? {
        guard let request = take(code, now) else { return nil }
        let device = Device(
            senderID: request.senderID, channel: request.channel, chatID: request.chatID, pairedBy: approver,
            pairedAt: now)
        paired.removeAll { $0.senderID == device.senderID && $0.channel == device.channel }
        paired.append(device)
        return device
    }

    public mutating func deny(_ code: [UInt8], _ now: UInt64) -> Bool { take(code, now) != nil }

    public mutating func revoke(senderID: [UInt8], channel: [UInt8]) -> Bool {
        let before = paired.count
        paired.removeAll { $0.senderID == senderID && $0.channel == channel }
        return paired.count < before
    }

    public mutating func isPaired(_ senderID: [UInt8], _ now: UInt64) -> Bool {
        expire(now)
        return paired.contains { $0.senderID == senderID && $0.channel == GoClawPairing.browser }
    }

    public mutating func state(of senderID: [UInt8], _ now: UInt64) -> State {
        if isPaired(senderID, now) { return .approved }
        return pending.contains { $0.senderID == senderID } ? .pending : .expired
    }

    private mutating func take(_ code: [UInt8], _ now: UInt64) -> Request? {
        expire(now)
        guard let place = pending.firstIndex(where: { $0.code == code }) else { return nil }
        return pending.remove(at: place)
    }

    private mutating func expire(_ now: UInt64) {
        pending.removeAll { $0.expiresAt <= now }
        paired.removeAll { $0.pairedAt + GoClaw.deviceLifeMilliseconds <= now }
    }

    /// `^[a-zA-Z0-9][a-zA-Z0-9._:@-]*$`, 128 bytes at most.
    static func isSenderID(_ text: [UInt8]) -> Bool {
        guard let first = text.first, text.count <= GoClaw.senderIDBytes, isAlphanumeric(first) else { return false }
        return text.allSatisfy { isAlphanumeric($0) || "._:@-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        byte.isASCIIDigit || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
    }
}
