import CGatewire
import GWBase
import GWRuntime

/// What shows a certificate that can be replaced.
protocol Reloading: AnyObject {
    var address: ListeningAddress { get }
    func use(_ reloaded: ListeningSettings)
}

extension Server: Reloading {}
extension Listener: Reloading {}

/// Reads the certificate of what a handle refers to again.
func reload<Target: Reloading>(_ handle: ListeningHandle, _ find: () -> Target?) -> gw_status {
    // Files are read before the context is locked.
    let reloaded = prepare { () throws(Failure) in try handle.listening.reloaded() }
    return onContext(handle.context) { () throws(Failure) in
        guard let target = find() else { throw Failure(.gone, .program, "it has ended") }
        target.use(try reloaded.get())
        handle.changed(target.address)
        return .ok
    }
}
