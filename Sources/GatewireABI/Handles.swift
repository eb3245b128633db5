import CGatewire
import GWBase
import GWRuntime

// Handle <-> object.  A handle holds one reference; a context handle, and through it every other, keeps the context's object
// alive, so a handle that outlives its context still finds something that can say so.

/// What a `gw_client` refers to.
final class ClientHandle {
    let context: Context
    let id: UInt64
    let link: Link
    /// The link as a gateway client.
    let client: Client?
    // Borrowed by the host until it asks again.
    var tls: TLSTexts?
    var method = ByteBuffer()
    var dump = ByteBuffer()

    init(context: Context, link: Link) {
        self.context = context
        id = link.id
        self.link = link
        client = link as? Client
    }

    /// An id is given back at the end.
    var hasEnded: Bool { link.id != id }
}

/// What a `gw_socket` refers to.
final class SocketHandle {
    let context: Context
    let id: UInt64
    /// Kept for its last state.
    let socket: Socket
    /// Borrowed by the host until it asks again.
    var tls: TLSTexts?

    init(context: Context, socket: Socket) {
        self.context = context
        id = socket.id
        self.socket = socket
    }

    /// An id is given back at the end.
    var hasEnded: Bool { socket.id != id }
}

/// What a `gw_server` or a `gw_listener` refers to.
final class ListeningHandle {
    let context: Context
    let id: UInt64
    /// As it was opened.
    let listening: ListeningSettings
    /// Borrowed by the host until it asks again.
    var tls: TLSTexts?
    /// All that it has been, for as long as the handle: the host borrows its texts.
    private var addresses: [ListeningAddress]

    init(context: Context, id: UInt64, address: ListeningAddress, listening: ListeningSettings) {
        self.context = context
        self.id = id
        self.listening = listening
        addresses = [address]
    }

    var port: UInt16 { addresses.first?.port ?? 0 }

    /// What is true from now on; what was is kept.  With the context's lock held.
    func changed(_ address: ListeningAddress) { addresses.append(address) }

    /// `GW_SERVER_URL` and the others; nil for a number that is none.
    func text(_ which: UInt32) -> gw_slice? {
        let text: [UInt8]
        // In a forked child the lock may be held by a thread that is not there.
        guard let address = context.isForked ? addresses.last : context.call({ addresses.last }) else { return nil }
        switch Int(which) {
        case GW_SERVER_URL: text = address.url
        case GW_SERVER_CERTIFICATE_PIN: text = address.certificatePin
        case GW_SERVER_KEY_PIN: text = address.keyPin
        case GW_SERVER_CERTIFICATE: text = address.certificate
        default: return nil
        }
        return kept(text)
    }
}

func makeHandle(_ object: some AnyObject) -> OpaquePointer {
    OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// Borrows the object of a handle for a call.
@inline(__always)
func withObject<Object: AnyObject, Result>(
    _ handle: OpaquePointer, _ type: Object.Type, _ body: (Object) -> Result
) -> Result {
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle))._withUnsafeGuaranteedRef(body)
}

func releaseHandle<Object: AnyObject>(_ handle: OpaquePointer, _ type: Object.Type) {
    Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}

/// What the host asked for, or why it cannot be, to be dealt with later.
func prepare<Value>(_ body: () throws(Failure) -> Value) -> Result<Value, Failure> {
    do throws(Failure) {
        return .success(try body())
    } catch {
        return .failure(error)
    }
}

/// Runs a host's call on a context: not in a forked child, not after its end; a failure is kept for
/// `gw_context_last_error`.
@inline(__always)
func onContext(_ context: Context, _ body: () throws(Failure) -> Status) -> gw_status {
    guard !context.isForked else { return Status.forked.code }
    return context.call {
        guard !context.isClosed else { return Status.gone }
        do throws(Failure) {
            return try body()
        } catch {
            return context.fail(error)
        }
    }.code
}
