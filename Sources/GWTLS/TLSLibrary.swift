import COpenSSL

/// The OpenSSL that is in use.
public enum TLSLibrary {
    /// "OpenSSL 3.0.19 27 Jan 2026".
    public static var version: String { OpenSSL_version(OPENSSL_VERSION).map { String(cString: $0) } ?? "OpenSSL" }
}
