/// Every limit of the library and its default, in one place.  The headers say the same numbers to the host.
public enum Limits {
    // Messages
    public static let messageBytes: UInt32 = 26_214_400
    public static let messageBytesBeforeHello: UInt32 = 65_536
    /// Of a raw socket, whose peers are not known.
    public static let socketMessageBytes: UInt32 = 16_777_216
    public static let fragmentsPerMessage = 131_072
    public static let partBytes: UInt32 = 65_536
    public static let deflateThresholdBytes: UInt32 = 1024
    public static let deflateLevel: UInt32 = 6
    public static let deflateMemoryLevel: UInt32 = 8
    public static let windowBits: UInt32 = 15

    // HTTP upgrade
    public static let headBytes = 16_384
    public static let headerLines = 128
    public static let interimResponses = 8
    public static let redirects: UInt32 = 20
    public static let alternates = 15
    public static let refusedBodyBytes = 65_536

    // Queues
    public static let clientQueuedBytes: UInt32 = 16_777_216
    public static let serverQueuedBytes: UInt32 = 52_428_800
    public static let socketQueuedBytes: UInt32 = 16_777_216
    public static let socketUnreadBytes: UInt32 = 4_194_304
    public static let eventBudget: UInt32 = 4_194_304
    public static let receiveBufferBytes = 262_144

    // Gateway protocol
    public static let jsonDepth = 256
    public static let requestIDBytes = 256
    public static let methodBytes = 256
    public static let calls: UInt32 = 65_536
    public static let requestsPerPeer: UInt32 = 1024
    public static let connections: UInt32 = 1024
    /// Of one hello.
    public static let deviceTokens = 16
    public static let deviceTokenBytes = 4096
    public static let tokenFileBytes = 1_048_576

    public static let idempotencyKeyBytes = 256
    public static let traceparentBytes = 128
    public static let subscriptions = 1024
    public static let subscriptionBytes = 1_048_576
    public static let syncCalls = 32
    public static let offlineCalls: UInt32 = 256
    public static let offlineBytes: UInt32 = 1_048_576
    public static let resyncHeldBytes: UInt32 = 4_194_304
    public static let recordedFrameBytes: UInt32 = 512
    public static let measuredMethods: UInt32 = 64

    // Socket.IO
    /// More than ten of one packet the official servers refuse.
    public static let sioAttachments: UInt32 = 10
    public static let sioNamespaces: UInt32 = 64
    public static let sioBufferedPackets: UInt32 = 1024
    public static let sioBufferedBytes: UInt32 = 4_194_304
    public static let sioHeldPackets: UInt32 = 4096

    // Times, milliseconds
    public static let connectMilliseconds: UInt32 = 15_000
    public static let proxyMilliseconds: UInt32 = 15_000
    public static let tlsMilliseconds: UInt32 = 15_000
    public static let trustAnswerMilliseconds: UInt32 = 60_000
    public static let upgradeMilliseconds: UInt32 = 15_000
    public static let challengeMilliseconds: UInt32 = 15_000
    /// For the host to give credentials; gateways wait 15 s for the whole handshake.
    public static let credentialsMilliseconds: UInt32 = 10_000
    public static let helloMilliseconds: UInt32 = 15_000
    public static let sioOpenMilliseconds: UInt32 = 20_000
    public static let sioAuthMilliseconds: UInt32 = 60_000
    public static let closeMilliseconds: UInt32 = 5_000
    public static let callMilliseconds: UInt32 = 30_000
    /// Timers of other runtimes fire at once above it.
    public static let longestCallMilliseconds: UInt32 = 2_147_483_647
    public static let offlineMilliseconds: UInt32 = 60_000
    public static let resyncMilliseconds: UInt32 = 10_000
    public static let handshakeMilliseconds: UInt32 = 15_000
    public static let refusedBodyMilliseconds: UInt32 = 1_000
    public static let clientPingMilliseconds: UInt32 = 30_000
    public static let serverPingMilliseconds: UInt32 = 25_000
    public static let pongMilliseconds: UInt32 = 20_000
    /// For the ping that asks whether a connection has survived a change of the network.
    public static let probeMilliseconds: UInt32 = 5_000
    public static let tickMilliseconds: UInt32 = 30_000
    public static let reconnectInitialMilliseconds: UInt32 = 1_000
    public static let reconnectMaximumMilliseconds: UInt32 = 30_000
    public static let sioReconnectMaximumMilliseconds: UInt32 = 5_000
}
