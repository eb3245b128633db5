import GWBase

/// What one end wants of permessage-deflate, whatever its role.
public struct DeflateSettings: Equatable, Sendable {
    /// 0 (stored) to 9 (smallest).
    public var level: Int32 = 6
    /// 1 to 9: the deflater's hash tables take 2^(level + 9) bytes.
    public var memoryLevel: Int32 = 8
    /// Messages of fewer bytes are sent uncompressed.
    public var thresholdBytes: UInt32 = Limits.deflateThresholdBytes

    /// A message compressed beside a secret of another one can betray it by its size, and a kept window costs memory for
    /// as long as the connection lives; so both ends forget it unless the host says otherwise.
    public var serverNoContextTakeover = true
    public var clientNoContextTakeover = true

    /// Largest windows wished for, as powers of two, 9 to 15.
    public var serverMaxWindowBits: UInt8 = 15
    public var clientMaxWindowBits: UInt8 = 15

    public init() {}

    /// The same with every number in its range.
    var clamped: DeflateSettings {
        var settings = self
        settings.level = min(max(level, 0), 9)
        settings.memoryLevel = min(max(memoryLevel, 1), 9)
        settings.serverMaxWindowBits = min(max(serverMaxWindowBits, 9), 15)
        settings.clientMaxWindowBits = min(max(clientMaxWindowBits, 9), 15)
        return settings
    }
}

/// What both ends agreed on (RFC 7692 section 7.1).
public struct DeflateParameters: Equatable, Sendable {
    public var serverNoContextTakeover: Bool
    public var clientNoContextTakeover: Bool
    /// 8 to 15.
    public var serverMaxWindowBits: UInt8
    public var clientMaxWindowBits: UInt8

    public init(
        serverNoContextTakeover: Bool = false, clientNoContextTakeover: Bool = false,
        serverMaxWindowBits: UInt8 = 15, clientMaxWindowBits: UInt8 = 15
    ) {
        self.serverNoContextTakeover = serverNoContextTakeover
        self.clientNoContextTakeover = clientNoContextTakeover
        self.serverMaxWindowBits = serverMaxWindowBits
        self.clientMaxWindowBits = clientMaxWindowBits
    }
}
