import COpenSSL
import GWBase

/// Message digests of whole byte strings.
public enum Digest {
    public static let sha256Size = 32

    /// Empty only if OpenSSL cannot do SHA-256, which no working installation shows.
    public static func sha256(_ bytes: UnsafeRawBufferPointer) -> [UInt8] { digest(bytes, EVP_sha256()) }

    public static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { sha256(UnsafeRawBufferPointer($0)) }
    }

    /// For RFC 6455 section 4.2.2 only, where it is no protection.
    static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        bytes.withUnsafeBufferPointer { digest(UnsafeRawBufferPointer($0), EVP_sha1()) }
    }

    private static func digest(_ bytes: UnsafeRawBufferPointer, _ type: OpaquePointer?) -> [UInt8] {
        let size = Int(EVP_MD_get_size(type))
        guard size > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let isDone = EVP_Digest(bytes.baseAddress, bytes.count, buffer.baseAddress, nil, type, nil) == 1
            count = isDone ? size : 0
            OpenSSLError.clearQueue()
        }
    }
}
