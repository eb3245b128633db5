import GWBase
import GWGateway

/// What a dialect of the gateway protocol brings to the simulation: how its client is set up, and its gateway's end of
/// a connection.
protocol Dialect: Sendable {
    /// As many calls are in flight at most.
    var maxCalls: Int { get }
    /// Events have numbers, which show where some are missing.
    var numbersEvents: Bool { get }
    /// Why a gateway lets nobody in for a while.
    var rejections: [Rejection] { get }
    /// Milliseconds that a call without a time limit of its own may take; `.max`: there is none.
    func timeLimit(expectsFinal: Bool) -> UInt32
    func client(_ world: World, token: [UInt8]) -> ClientMachine.Settings
    func session(_ gateway: SimulatedGateway, wire: Int, _ now: Instant) -> any GatewaySession
}

/// The gateway's end of one connection in one dialect.  Frames are whole texts.
protocol GatewaySession: AnyObject {
    var isReady: Bool { get }
    /// It pings itself, rather than the WebSocket below it.
    var pings: Bool { get }
    var deadline: Instant { get }
    /// What the gateway says before anything was said to it.
    func opening() -> [UInt8]?
    func receive(_ text: UnsafeRawBufferPointer, _ now: Instant) -> SessionStep
    func pong(_ now: Instant)
    func tick(_ now: Instant) -> SessionStep
    func answer(_ id: [UInt8], isOK: Bool, _ content: [UInt8]) -> [UInt8]
    /// `skips` events were lost before it.
    func event(_ name: StaticString, _ payload: [UInt8], skips: Int) -> [UInt8]
    func end()
}

enum SessionStep {
    case none
    case send([UInt8])
    case admitted(hello: [UInt8])
    /// `id` as it is to stand in the answer, and the params as they came.
    case request(id: [UInt8], params: [UInt8])
    /// Send the event that shows that the gateway lives.
    case tick
    case ping
    /// The connection is over without a close frame.
    case drop(Failure)
    case close([UInt8], UInt16, reason: [UInt8], Failure)
}
