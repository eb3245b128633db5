import GWBase
import GWGateway
import GWTLS

/// What the host asked for of its gateway connection, checked.
public struct ClientSettings {
    public var dial: DialSettings
    /// Further endpoints of the same gateway.
    public var alternates: [DialSettings] = []
    public var signer: (any DeviceSigner)?
    public var session = ClientSession.Settings()
    public var reconnects = true
    public var maxQueuedBytes = Limits.clientQueuedBytes
    public var reconnectInitialMilliseconds = Limits.reconnectInitialMilliseconds
    public var reconnectMaximumMilliseconds = Limits.reconnectMaximumMilliseconds
    public var userData: UInt = 0

    public enum Identity {
        /// A fresh key for the life of the client.
        case temporary
        case file(String)
        case none
    }

    public init(_ dial: DialSettings, identity: Identity) throws(Failure) {
        self.dial = dial
        switch identity {
        case .none: signer = nil
        case .temporary: signer = DeviceKey(try Ed25519Key.make())
        case .file(let path): signer = DeviceKey(try IdentityStore.key(inFile: path))
        }
    }
}
