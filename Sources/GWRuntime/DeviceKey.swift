import GWBase
import GWGateway
import GWTLS

/// The device's Ed25519 key, as a session signs with it.
final class DeviceKey: DeviceSigner {
    private let key: Ed25519Key

    init(_ key: Ed25519Key) { self.key = key }

    var deviceID: [UInt8] { hexText(Digest.sha256(key.publicKey)) }
    var publicKeyText: [UInt8] { Base64.encodeURL(key.publicKey) }

    func sign(_ payload: [UInt8]) -> [UInt8]? {
        do throws(Failure) {
            return Base64.encodeURL(try key.sign(payload))
        } catch {
            return nil
        }
    }
}

/// The checks of the accepting side, done by OpenSSL.
public final class OpenSSLVerifier: ProofVerifier {
    public init() {}

    public func publicKey(_ text: [UInt8]) -> [UInt8]? { Ed25519.publicKey(fromText: text) }

    public func deviceID(_ publicKey: [UInt8]) -> [UInt8] { hexText(Digest.sha256(publicKey)) }

    public func isSignature(_ signature: [UInt8], over payload: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let raw = Ed25519.signature(fromText: signature) else { return false }
        return Ed25519.verify(raw, over: payload, publicKey: publicKey)
    }

    public func isEqual(_ shown: [UInt8], _ secret: Secret) -> Bool { isSameSecret(shown, secret) }
}
