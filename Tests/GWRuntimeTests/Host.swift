import Foundation
import GWBase
import GWGateway
import GWRuntime
import GWTLS
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// All of them share the process's descriptors and the machine's loopback, so they run one after the other.
@Suite(.serialized) struct RuntimeTests {}

/// The ways to share the work between host and library.  The limit is short, so that the guardian steps in all the time.
let everyDrive: [Context.Drive] = [.host, .guarded(milliseconds: 1), .thread]

/// An event with its bytes copied out of the batch.
struct Seen {
    let type: EventType
    let status: Status
    let source: UInt64
    let connection: UInt64
    let subject: UInt64
    let sequence: UInt64
    let userData: UInt
    let name: String
    let payload: String
    let text: String
    let code: UInt32
    let flags: UInt32
    let actor: Actor
    let retryAfterMilliseconds: UInt32

    init(_ event: Event) {
        type = event.type
        status = event.status
        source = event.source
        connection = event.connection
        subject = event.subject
        sequence = event.sequence
        userData = event.userData
        name = String(decoding: event.name, as: UTF8.self)
        payload = String(decoding: event.payload, as: UTF8.self)
        text = String(decoding: event.text, as: UTF8.self)
        code = event.code
        flags = event.flags
        actor = event.actor
        retryAfterMilliseconds = event.retryAfterMilliseconds
    }
}

/// What a host does with a context: polls it and collects its events.
///
/// One thread polls at a time; the calls are the context's own and may come from any thread.
final class Host: @unchecked Sendable {
    let context: Context
    private(set) var seen: [Seen] = []

    init(_ drive: Context.Drive = .host, eventBudget: UInt32? = nil) throws {
        var settings = Context.Settings()
        settings.drive = drive
        if let eventBudget { settings.eventBudget = eventBudget }
        context = try Context(settings)
    }

    deinit { context.close() }

    @discardableResult
    func poll(_ milliseconds: Int32) -> Status {
        context.poll(milliseconds: milliseconds) { reader in
            while let event = reader.next() { seen.append(Seen(event)) }
        }
    }

    /// Polls until something holds; whether it came to hold in time.
    @discardableResult
    func poll(within seconds: Double = 5, until isDone: () -> Bool) -> Bool {
        let limit = ContinuousClock.now + .seconds(seconds)
        while !isDone() {
            guard ContinuousClock.now < limit else { return false }
            poll(5)
        }
        return true
    }

    func events(_ type: EventType) -> [Seen] { seen.filter { $0.type == type } }

    /// Polls until there have been `count` events of a type; the last of them.
    @discardableResult
    func wait(
        _ type: EventType, count: Int = 1, within seconds: Double = 5, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Seen {
        poll(within: seconds) { events(type).count >= count }
        let found = events(type)
        try #require(
            found.count >= count, "\(type) \(found.count) of \(count) times; seen: \(seen.map(\.type))",
            sourceLocation: sourceLocation)
        return found[count - 1]
    }

    // MARK: - Clients

    func open(_ settings: ClientSettings) -> Client { context.call { Client(context: context, settings: settings) } }

    /// Opens a client for a port of loopback, which connects once unless told otherwise.
    func open(
        port: UInt16, pin: [UInt8]? = nil, _ change: (inout ClientSettings) -> Void = { _ in }
    ) throws -> Client {
        var settings = try clientSettings(port: port, pin: pin)
        change(&settings)
        return open(settings)
    }

    /// The id of the call, or why it was refused.
    func call(
        _ client: Client, _ method: String, _ params: String = "", expectsFinal: Bool = false,
        milliseconds: UInt32 = 0
    ) throws -> UInt64 {
        try tryCall(client, method, params, expectsFinal: expectsFinal, milliseconds: milliseconds).get().call
    }

    func tryCall(
        _ client: Client, _ method: String, _ params: String = "", expectsFinal: Bool = false,
        milliseconds: UInt32 = 0
    ) -> Result<(call: UInt64, isAboveMark: Bool), Failure> {
        let method = method.bytes
        let params = params.bytes
        return context.call {
            method.withUnsafeBytes { method in
                params.withUnsafeBytes { params in
                    do throws(Failure) {
                        var request = CallRequest(method: method, params: params)
                        request.expectsFinal = expectsFinal
                        request.timeoutMilliseconds = milliseconds
                        return .success(try client.call(request))
                    } catch {
                        return .failure(error)
                    }
                }
            }
        }
    }

    @discardableResult
    func close(_ client: Client) -> Bool { context.call { client.close(code: 1000, reason: []) } }

    func state(_ client: Client) -> Link.State { context.call { client.state } }

    // MARK: - Servers

    func serve(
        _ certificate: ListeningSettings.Certificate = .none, _ change: (inout ServerSettings) -> Void = { _ in }
    ) throws -> Server {
        var settings = ServerSettings(
            try ListeningSettings(address: "127.0.0.1".bytes, port: 0, certificate: certificate))
        settings.session.version = "test".bytes
        change(&settings)
        return try context.call { () -> Result<Server, Failure> in
            do throws(Failure) {
                return .success(try Server.open(context: context, settings: settings))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    func reply(_ server: Server, _ request: UInt64, _ payload: String) {
        let payload = payload.bytes
        _ = context.call { payload.withUnsafeBytes { server.reply(request, payload: $0, isFinal: true) } }
    }

    func push(_ server: Server, _ event: String, _ payload: String) {
        let event = event.bytes
        let payload = payload.bytes
        _ = context.call {
            event.withUnsafeBytes { event in
                payload.withUnsafeBytes { server.push(to: nil, event: event, payload: $0) }
            }
        }
    }

    @discardableResult
    func stop(_ server: Server) -> Bool { context.call { server.stop(reason: []) } }
}

/// Settings for a gateway on loopback: no device, one connection, short times for what would make a test long.
func clientSettings(port: UInt16, pin: [UInt8]? = nil) throws -> ClientSettings {
    var target = DialSettings.Target()
    target.url = "\(pin == nil ? "ws" : "wss")://127.0.0.1:\(port)".bytes
    if let pin { target.trust.tls.pins = try PinSet([pin]) }
    var settings = try ClientSettings(LinkSettings(DialSettings(target)), identity: .none)
    settings.machine.session.connect.clientVersion = "1".bytes
    settings.machine.reconnects = false
    return settings
}

/// The host does something else for a while; nothing is polled.
func hostIsAway(milliseconds: Int32) { _ = Glibc.poll(nil, 0, milliseconds) }

/// Runs something that may never come back; whether it did in time.  If not, its thread is left alone.
func isDone(within seconds: Double, _ body: @escaping @Sendable () -> Void) -> Bool {
    let done = DispatchSemaphore(value: 0)
    Foundation.Thread.detachNewThread {
        body()
        done.signal()
    }
    return done.wait(timeout: .now() + seconds) == .success
}

/// Runs a body on several threads at once and waits for all.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    let done = DispatchGroup()
    for index in 0..<count {
        done.enter()
        Foundation.Thread.detachNewThread {
            body(index)
            done.leave()
        }
    }
    done.wait()
}
