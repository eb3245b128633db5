import GWBase
import GWTLS

/// The TLS context that the clients of one engine share: whom they trust is read once, not for each connection.
///
/// The last one is kept: most hosts trust one thing.  A CA file that has changed is read anew.
public final class SharedTLS {
    private struct Kept {
        var settings: ClientTLSSettings
        var file: FileStamp?
        var context: TLSContext
    }

    private let lock = Mutex()
    private var kept: Kept?

    public init() {}

    /// A client with these settings.
    public func client(_ settings: ClientTLSSettings) throws(Failure) -> TLSClient {
        try TLSClient(settings, sharing: try context(settings))
    }

    private func context(_ settings: ClientTLSSettings) throws(Failure) -> TLSContext {
        // What has secrets in it is nobody else's.
        guard settings.canShare(with: settings) else { return try TLSContext(client: settings) }
        let file = settings.authorities.file.flatMap { FileStamp(of: $0) }
        let known = lock.locked { () -> TLSContext? in
            guard let kept, kept.settings.canShare(with: settings), kept.file == file else { return nil }
            return kept.context
        }
        if let known { return known }
        let context = try TLSContext(client: settings)
        lock.locked { kept = Kept(settings: settings, file: file, context: context) }
        return context
    }
}
