import GWBase
import GWGateway
import GWTLS

/// What the host asked for of its gateway connection, checked.
public struct ClientSettings {
    public var link: LinkSettings
    public var machine = ClientMachine.Settings()
    public var journal = Journal.Settings()

    public enum Identity {
        /// A fresh key for the life of the client.
        case temporary
        case file(String)
        case none
    }

    public init(_ link: LinkSettings, identity: Identity) throws(Failure) {
        self.link = link
        switch identity {
        case .none: machine.signer = nil
        case .temporary: machine.signer = DeviceKey(try Ed25519Key.make())
        case .file(let path): machine.signer = DeviceKey(try IdentityStore.key(inFile: path))
        }
    }
}
