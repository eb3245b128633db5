import GWBase
import GWGateway
import GWTLS

/// The device identity in a file of its own: read, or made if the file is missing.  A file that is not understood is never
/// overwritten.
enum IdentityStore {
    static func key(inFile path: String) throws(Failure) -> Ed25519Key {
        switch Files.read(path, limit: 65_536) {
        case .bytes(var bytes):
            defer { bytes.wipe() }
            return try key(from: bytes.readable, path)
        case .missing:
            if let directory = StateDirectory.holding(path) {
                throw Failure(
                    .identity, .user,
                    "there is no identity file \(path), and none is made in OpenClaw's own directory \(directory): name another"
                )
            }
            if let key = try make(path) { return key }
            return try key(inFile: path)
        case .failed(let text):
            throw Failure(.identity, .user, "cannot read the identity file \(path): \(text)")
        }
    }

    /// The key that an identity file's text holds.
    static func key(from text: UnsafeRawBufferPointer, _ path: String) throws(Failure) -> Ed25519Key {
        let key: Ed25519Key
        let stated: [UInt8]?
        switch DeviceIdentityFile.read(text) {
        case .pem(let privateKey, let publicKey, _):
            key = try privateKey.withUnsafeBufferPointer { bytes throws(Failure) in
                try Ed25519Key.from(pem: UnsafeRawBufferPointer(bytes))
            }
            stated = Ed25519.publicKey(fromText: publicKey)
        case .raw(let privateKey, let publicKey, _):
            guard let seed = Base64.decode(privateKey), seed.count == Ed25519.keySize else {
                throw notUsable(path, "its private key has not 32 bytes")
            }
            key = try seed.withUnsafeBufferPointer { bytes throws(Failure) in
                try Ed25519Key.from(seed: UnsafeRawBufferPointer(bytes))
            }
            stated = Ed25519.publicKey(fromText: publicKey)
        case .unknown(let why):
            throw notUsable(path, why)
        }
        guard let stated, stated.elementsEqual(key.publicKey) else {
            throw notUsable(path, "its private key does not belong to its public key")
        }
        return key
    }

    private static func notUsable(_ path: String, _ why: String) -> Failure {
        Failure(
            .identity, .user,
            "the identity file \(path) cannot be used: \(why); it was left as it is, name another file or move it away")
    }

    /// nil if another has made the file in the meantime.
    private static func make(_ path: String) throws(Failure) -> Ed25519Key? {
        let key = try Ed25519Key.make()
        var pem = key.privatePEM()
        defer { pem.wipe() }
        var text = DeviceIdentityFile.write(
            deviceID: hexText(Digest.sha256(key.publicKey)), publicKeyPEM: key.publicPEM, privateKeyPEM: pem.readable,
            createdAtMilliseconds: Syscall.wallMilliseconds())
        defer { text.wipe() }
        var unique: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &unique) { SecureRandom.fill($0) }
        switch Files.create(path, text.readable, unique: unique) {
        case .created: return key
        case .exists: return nil
        case .failed(let problem):
            throw Failure(.identity, .user, "cannot store the device identity in \(path): \(problem)")
        }
    }
}
