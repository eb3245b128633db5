/// The status codes of the C interface (`include/gatewire/base.h`), which says what each means.
///
/// A struct over the number rather than an enum, so that no number can fail to convert.
public struct Status: Equatable, Sendable {
    public let code: Int32
    public init(_ code: Int32) { self.code = code }

    public static let ok = Status(0)
    public static let queued = Status(1)
    public static let timeout = Status(2)

    public static let argument = Status(-100)
    public static let structSize = Status(-101)
    public static let flags = Status(-102)
    public static let gone = Status(-103)
    public static let busy = Status(-104)
    public static let state = Status(-105)
    public static let forked = Status(-106)
    public static let url = Status(-107)
    public static let plaintext = Status(-108)
    public static let pinText = Status(-109)
    public static let jsonText = Status(-110)
    public static let identity = Status(-111)
    public static let certificate = Status(-112)
    public static let unsupported = Status(-113)

    public static let system = Status(-200)
    public static let resolve = Status(-201)
    public static let connect = Status(-202)
    public static let connectTimeout = Status(-203)
    public static let listen = Status(-204)
    public static let lost = Status(-205)
    public static let proxy = Status(-206)
    public static let proxyRefused = Status(-207)
    public static let proxyTimeout = Status(-208)

    public static let tls = Status(-300)
    public static let tlsPin = Status(-301)
    public static let tlsChain = Status(-302)
    public static let tlsName = Status(-303)
    public static let tlsExpired = Status(-304)
    public static let tlsALPN = Status(-305)
    public static let tlsTimeout = Status(-306)
    public static let tlsRefused = Status(-307)

    public static let upgradeRefused = Status(-400)
    public static let upgradeInvalid = Status(-401)
    public static let upgradeTimeout = Status(-402)

    public static let protocolError = Status(-500)
    public static let utf8 = Status(-501)
    public static let tooBig = Status(-502)
    public static let deflate = Status(-503)
    public static let closed = Status(-504)
    public static let pongTimeout = Status(-505)

    public static let challengeTimeout = Status(-600)
    public static let challenge = Status(-601)
    public static let connectRejected = Status(-602)
    public static let protocolRange = Status(-603)
    public static let helloTimeout = Status(-604)
    public static let hello = Status(-605)
    public static let tickTimeout = Status(-606)
    public static let rejected = Status(-607)
    public static let notSent = Status(-608)
    public static let outcomeUnknown = Status(-609)
    public static let callTimeout = Status(-610)
    public static let json = Status(-611)
    public static let frame = Status(-612)
    public static let unknownID = Status(-613)
    public static let cancelled = Status(-614)
    public static let credentials = Status(-615)

    public static let sioOpen = Status(-700)
    public static let sioParse = Status(-701)
    public static let sioPingTimeout = Status(-702)
    public static let sioRefused = Status(-703)
    public static let sioDisconnected = Status(-704)

    public static let limit = Status(-900)
    public static let full = Status(-901)
    public static let `internal` = Status(-999)
}
