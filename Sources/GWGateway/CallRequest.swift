import GWBase
import GWJSON

/// A call to be made.  What it points to lives as long as the call is being taken.
public struct CallRequest {
    public var method: UnsafeRawBufferPointer
    /// JSON that was checked, or empty for none.
    public var params: UnsafeRawBufferPointer
    public var expectsFinal = false
    /// 0: the client's default; `.max`: none.
    public var timeoutMilliseconds: UInt32 = 0
    public var userData: UInt = 0
    /// Put an idempotency key into the params.
    public var isIdempotent = false
    /// The key; empty: a new one.
    public var idempotencyKey = UnsafeRawBufferPointer(start: nil, count: 0)
    /// The W3C trace context to send with the frame, or empty.
    public var traceparent = UnsafeRawBufferPointer(start: nil, count: 0)
    /// Send it to gateways of every protocol.
    public var insistsOnTrace = false
    /// Never keep the call for a later connection.
    public var isOnlineOnly = false

    public init(method: UnsafeRawBufferPointer, params: UnsafeRawBufferPointer) {
        self.method = method
        self.params = params
    }

    /// At most what the frame takes, whatever id it gets.
    var frameBytes: Int {
        var size = JSON.stringLength(method) + params.count + 64
        if isIdempotent { size += 64 + JSON.stringLength(idempotencyKey) }
        if !traceparent.isEmpty { size += 32 + JSON.stringLength(traceparent) }
        return size
    }
}

/// An idempotency key and the params that it is put into.
struct KeyedParams {
    let key: [UInt8]
    /// What follows the opening brace, or empty.
    let rest: UnsafeRawBufferPointer

    /// Refuses params that are no object, or have a key already.
    init(_ request: CallRequest, _ random: RandomPool) throws(Failure) {
        key = request.idempotencyKey.isEmpty ? UUIDText.make(random) : Array(request.idempotencyKey)
        guard !request.params.isEmpty else {
            rest = request.params
            return
        }
        var members = JSONMembers()
        guard let object = JSON.scan(request.params, &members), object.kind == .object else {
            throw Failure(.argument, .program, "params must be an object to hold an idempotency key")
        }
        guard members.find("idempotencyKey", in: request.params) == nil else {
            throw Failure(
                .argument, .program, "params holds an idempotencyKey already: leave it out, or give it as the option")
        }
        rest = UnsafeRawBufferPointer(rebasing: request.params[(object.range.lowerBound + 1)...])
    }

    /// Writes the object up to what is left of the params.
    func write(into buffer: inout ByteBuffer) {
        buffer.append("{\"idempotencyKey\":")
        buffer.appendJSONString(key)
        guard !rest.isEmpty else { return buffer.append(0x7d) }
        let isAlone = rest.first { $0 > 0x20 } == 0x7d
        if !isAlone { buffer.append(0x2c) }
    }
}

/// Random UUIDs (RFC 9562 section 5.4).
enum UUIDText {
    static func make(_ random: RandomPool) -> [UInt8] {
        var bytes = random.bytes(16)
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (index, byte) in bytes.enumerated() {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(0x2d) }
            text.append(contentsOf: hexText(CollectionOfOne(byte)))
        }
        return text
    }
}
