import CZlib

/// The zlib that is in use.
public enum Zlib {
    /// "1.2.13".
    public static var version: String { zlibVersion().map { String(cString: $0) } ?? "" }
}
