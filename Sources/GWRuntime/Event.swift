import GWBase
import GWGateway
import GWJSON

/// The event types of `include/gatewire/event.h`.
public enum EventType: UInt32, Sendable {
    case clientConnected = 1
    case clientDisconnected = 2
    case clientClosed = 3
    case clientWarning = 4
    case clientWritable = 5
    case gatewayEvent = 6
    case gap = 7
    case callAccepted = 8
    case callDone = 9
    case credentialsRequest = 10
    case resync = 11
    case synced = 12
    case log = 13
    case subscribed = 16
    case peerConnected = 20
    case peerDisconnected = 21
    case peerRequest = 22
    case serverClosed = 23
    case socketRequest = 30
    case socketOpen = 31
    case socketMessage = 32
    case socketPing = 33
    case socketPong = 34
    case socketWritable = 35
    case socketClosed = 36
    case doctorStep = 50
    case doctorDone = 51
    case trustRequest = 40
    case sioAuth = 60
    case sioJoined = 61
    case sioDisconnected = 62
    case sioLeft = 63
    case sioEvent = 64
    case sioAck = 65
}

/// An event on its way to the host.  What its slices point to lies in the arena of its batch.
public struct Event {
    public static let noSequence = UInt64.max
    public static let retryable: UInt32 = 1
    public static let part: UInt32 = 2
    public static let clean: UInt32 = 4
    public static let peerFirst: UInt32 = 8
    public static let skipped: UInt32 = 16
    public static let paused: UInt32 = 32
    public static let recovered: UInt32 = 64

    public var type: EventType
    public var status = Status.ok
    public var source: UInt64
    public var connection: UInt64 = 0
    public var subject: UInt64 = 0
    public var sequence = Event.noSequence
    public var userData: UInt
    public var name = UnsafeRawBufferPointer(start: nil, count: 0)
    public var payload = UnsafeRawBufferPointer(start: nil, count: 0)
    public var text = UnsafeRawBufferPointer(start: nil, count: 0)
    public var code: UInt32 = 0
    public var flags: UInt32 = 0
    public var actor = Actor.none
    public var retryAfterMilliseconds: UInt32 = 0

    init(_ type: EventType, source: UInt64, userData: UInt) {
        self.type = type
        self.source = source
        self.userData = userData
    }

    /// Fills in why something ended.
    mutating func explain(_ failure: Failure, _ arena: Arena) {
        status = failure.status
        actor = failure.actor
        code = failure.code
        flags = failure.isRetryable ? Event.retryable : 0
        retryAfterMilliseconds = failure.retryAfterMilliseconds
        name = arena.copy(failure.name)
        payload = arena.copy(failure.detail)
        text = arena.copy(failure.text.bytes)
    }

    /// Fills in the error that a gateway has answered with.
    mutating func reject(_ error: JSONSlice?, _ text: UnsafeRawBufferPointer, _ arena: Arena) {
        let object = ErrorObject(error, in: text)
        status = .rejected
        actor = .program
        name = arena.copy(object.code)
        self.text = arena.copy(object.message)
        if let error { payload = error.bytes(in: text) }
        flags = object.isRetryable ? Event.retryable : 0
        retryAfterMilliseconds = object.retryAfterMilliseconds
    }
}
