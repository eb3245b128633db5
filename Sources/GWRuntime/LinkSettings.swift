import GWBase

/// Where a client connects to, and what holds for each of its connections, whatever is spoken on it.
public struct LinkSettings {
    public var dial: DialSettings
    /// Further endpoints of the same server.
    public var alternates: [DialSettings] = []
    public var maxQueuedBytes = Limits.clientQueuedBytes
    public var userData: UInt = 0

    public init(_ dial: DialSettings) { self.dial = dial }
}
