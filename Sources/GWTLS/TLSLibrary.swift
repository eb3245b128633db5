import COpenSSL

/// The OpenSSL that is in use.
public enum TLSLibrary {
    /// Before anything else of it is used: keeps it from taking itself apart at the exit of the process, when threads of the
    /// library or the host may still be using it.  Too late, and without effect, where the host has used it already.
    public static func begin() { _ = OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) }

    /// "OpenSSL 3.0.19 27 Jan 2026".
    public static var version: String { OpenSSL_version(OPENSSL_VERSION).map { String(cString: $0) } ?? "OpenSSL" }
}
