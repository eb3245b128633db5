import COpenSSL
import GWBase

/// Whether two secrets are the same, in a time that tells nothing about where they differ.
///
/// Both are digested first, so that their lengths may differ and the comparison does not show it.
public func isSameSecret(_ shown: [UInt8], _ secret: Secret) -> Bool {
    isSameDigest(Digest.sha256(shown), secret.withBytes { Digest.sha256($0) })
}

/// Whether two SHA-256 digests are the same, in constant time.
func isSameDigest(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == Digest.sha256Size, right.count == Digest.sha256Size else { return false }
    return CRYPTO_memcmp(left, right, Digest.sha256Size) == 0
}
