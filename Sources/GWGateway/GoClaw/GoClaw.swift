import GWBase

/// What is fixed in GoClaw's dialect of the gateway protocol.
public enum GoClaw {
    /// The number that its hello names; nothing is negotiated.
    public static let protocolVersion: UInt32 = 3
    /// Greatest message that a gateway takes, over all its fragments.
    public static let messageBytes: UInt32 = 524_288
    /// The only path that upgrades.
    public static let path = "/ws".bytes

    // Liveness
    public static let pingMilliseconds: UInt32 = 30_000
    /// How long a gateway waits for a message or a pong.
    public static let readMilliseconds: UInt32 = 60_000
    /// How long a client waits for any byte: two pings and a margin.
    public static let silenceMilliseconds: UInt32 = 65_000

    // Calls
    /// A chat.send is answered when its run has ended.
    public static let chatMilliseconds: UInt32 = 600_000
    public static let queuedMessages = 256
    public static let burst: UInt32 = 5
    public static let callsPerMinute: UInt32 = 20

    // Pairing
    public static let pairingPollMilliseconds: UInt32 = 3_000
    public static let codeLifeMilliseconds: UInt64 = 3_600_000
    public static let deviceLifeMilliseconds: UInt64 = 30 * 86_400_000
    public static let pendingPairings = 3
    public static let senderIDBytes = 128
    /// Of a user id, a channel and what else a client names itself with and the gateway keeps.
    public static let nameBytes = 255

    /// How long a client that does not know the dialect waits for the challenge that this one does not send.
    public static let detectMilliseconds: UInt32 = 3_000

    public static let masterTenant = "0193a5b0-7000-7000-8000-000000000001".bytes
}
