import COpenSSL
import GWBase

/// Ed25519 signatures (RFC 8032) and the texts in which keys and signatures travel.
public enum Ed25519 {
    public static let keySize = 32
    public static let signatureSize = 64
    /// Longer texts are no key and no signature.
    static let textLimit = 4096

    /// Whether `signature` over `message` was made by the owner of the raw public key.
    public static func verify(_ signature: [UInt8], over message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureSize, publicKey.count == keySize,
            let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, keySize)
        else { return false }
        defer {
            EVP_PKEY_free(key)
            OpenSSLError.clearQueue()
        }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, signatureSize, message, message.count) == 1
    }

    /// The raw 32 bytes of a public key in base64 or base64url, padded or not, or as SubjectPublicKeyInfo in PEM.
    public static func publicKey(fromText text: [UInt8]) -> [UInt8]? {
        guard text.count <= textLimit else { return nil }
        // Of these forms only PEM has spaces.
        let isPEM = text.contains(0x20)
        let key = isPEM ? publicKey(fromPEM: text) : Base64.decode(text)
        return key?.count == keySize ? key : nil
    }

    /// The 64 bytes of a signature in base64 or base64url, padded or not.
    public static func signature(fromText text: [UInt8]) -> [UInt8]? {
        guard text.count <= textLimit, let signature = Base64.decode(text) else { return nil }
        return signature.count == signatureSize ? signature : nil
    }

    private static func publicKey(fromPEM text: [UInt8]) -> [UInt8]? {
        defer { OpenSSLError.clearQueue() }
        return text.withUnsafeBytes { bytes in
            readingText(bytes) { bio in
                guard let key = PEM_read_bio_PUBKEY(bio, nil, noPassword, nil) else { return nil }
                defer { EVP_PKEY_free(key) }
                return rawPublicKey(key)
            }
        }
    }

    /// nil if it is not of Ed25519.
    fileprivate static func rawPublicKey(_ key: OpaquePointer) -> [UInt8]? {
        guard EVP_PKEY_get_id(key) == EVP_PKEY_ED25519 else { return nil }
        var size = keySize
        let raw = [UInt8](unsafeUninitializedCapacity: keySize) { buffer, count in
            count = EVP_PKEY_get_raw_public_key(key, buffer.baseAddress, &size) == 1 ? size : 0
        }
        return raw.count == keySize ? raw : nil
    }
}

/// The private key of an Ed25519 identity.  OpenSSL holds it and wipes it when freed; it has no description.
public final class Ed25519Key {
    private let key: PrivateKey
    /// Raw, 32 bytes.
    public let publicKey: [UInt8]

    private init?(_ key: PrivateKey?) {
        guard let key, let publicKey = Ed25519.rawPublicKey(key.handle) else { return nil }
        self.key = key
        self.publicKey = publicKey
    }

    /// A fresh key.
    public static func make() throws(Failure) -> Ed25519Key {
        guard let made = Ed25519Key(PrivateKey.make("ED25519")) else {
            throw Failure(.identity, .none, "no Ed25519 key could be made: \(OpenSSLError.takeText())")
        }
        return made
    }

    /// From the 32 bytes that are the private key of RFC 8032.  They stay the caller's, to wipe.
    public static func from(seed: UnsafeRawBufferPointer) throws(Failure) -> Ed25519Key {
        let bytes = seed.baseAddress?.assumingMemoryBound(to: UInt8.self)
        let handle =
            seed.count == Ed25519.keySize
            ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, bytes, seed.count) : nil
        OpenSSLError.clearQueue()
        guard let loaded = Ed25519Key(handle.map { PrivateKey(owning: $0) }) else {
            throw Failure(.identity, .user, "an Ed25519 seed has 32 bytes, not \(seed.count)")
        }
        return loaded
    }

    /// From PKCS #8 in PEM, not encrypted.  The text stays the caller's, to wipe.
    public static func from(pem: UnsafeRawBufferPointer) throws(Failure) -> Ed25519Key {
        OpenSSLError.clearQueue()
        let handle = readingText(pem) { PEM_read_bio_PrivateKey($0, nil, noPassword, nil) }
        let reason = OpenSSLError.takeText(otherwise: "its type is another")
        guard let loaded = Ed25519Key(handle.map { PrivateKey(owning: $0) }) else {
            throw Failure(.identity, .user, "the identity's private key is no Ed25519 key in PEM: \(reason)")
        }
        return loaded
    }

    /// PKCS #8 in PEM, not encrypted.  The caller wipes it.
    public func privatePEM() -> ByteBuffer { key.pem() }

    /// SubjectPublicKeyInfo in PEM.
    public var publicPEM: [UInt8] { printedText { PEM_write_bio_PUBKEY($0, key.handle) } ?? [] }

    /// 64 bytes.
    public func sign(_ message: [UInt8]) throws(Failure) -> [UInt8] {
        OpenSSLError.clearQueue()
        var signature: [UInt8] = []
        if let context = EVP_MD_CTX_new() {
            signature = [UInt8](unsafeUninitializedCapacity: Ed25519.signatureSize) { buffer, count in
                count = Ed25519.signatureSize
                let isSigned =
                    EVP_DigestSignInit(context, nil, nil, nil, key.handle) == 1
                    && EVP_DigestSign(context, buffer.baseAddress, &count, message, message.count) == 1
                if !isSigned { count = 0 }
            }
            EVP_MD_CTX_free(context)
        }
        guard signature.count == Ed25519.signatureSize else {
            throw Failure(.identity, .none, "the identity could not sign: \(OpenSSLError.takeText())")
        }
        return signature
    }
}
