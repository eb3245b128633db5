import GWBase
import GWGateway
import GWHTTP
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

    public init(_ link: LinkSettings, identity: Identity, tokenFile: String? = nil) throws(Failure) {
        self.link = link
        // A token belongs to a device: one that nobody will see again needs no file.
        if tokenFile != nil {
            guard case .file = identity else {
                throw Failure(.argument, .program, "token_file needs an identity_file: tokens are issued to a device")
            }
        }
        switch identity {
        case .none: machine.signer = nil
        case .temporary: machine.signer = DeviceKey(try Ed25519Key.make())
        case .file(let path):
            let key = DeviceKey(try IdentityStore.key(inFile: path))
            machine.signer = key
            if let tokenFile {
                machine.deviceTokens = try TokenFile(tokenFile, gateway: link.dial.url.server, deviceID: key.deviceID)
            }
        }
    }
}
