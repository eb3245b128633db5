import GWBase
import GWGateway
import GWJSON

/// A client machine under a clock of the test's, over as many connections as it likes, with what it tells as texts.
final class MachineEnd {
    let machine: ClientMachine
    var now = ClientEnd.start
    /// Frames that the machine had sent on the present connection, but for its connect request.
    private(set) var sent: [String] = []
    /// What the host would be told, in order.
    var told: [String] = []
    private var connectID = ""

    init(_ change: (inout ClientMachine.Settings) -> Void = { _ in }) {
        var settings = ClientMachine.Settings()
        settings.session.connect.clientVersion = "1".bytes
        change(&settings)
        var random = Seeded(1)
        machine = ClientMachine(
            settings: settings,
            random: RandomPool { buffer in
                for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: random.next() >> 40) }
            })
    }

    // MARK: - The gateway

    /// Brings a connection to its hello.
    func connect(protocolVersion: Int = 4, maxPayload: Int = 26_214_400) {
        sent = []
        take(machine.opened(now, wallMilliseconds: 0), Text(""))
        receive(ClientEnd.challenge)
        receive(
            """
            {"type":"res","id":"\(connectID)","ok":true,"payload":{"type":"hello-ok","protocol":\(protocolVersion),\
            "policy":{"maxPayload":\(maxPayload),"tickIntervalMs":30000}}}
            """)
    }

    func receive(_ json: String) {
        let text = Text(json)
        take(machine.receive(text.bytes, now, wallMilliseconds: 0), text)
    }

    func event(_ name: String, sequence: Int, payload: String = "null") {
        receive(#"{"type":"event","event":"\#(name)","seq":\#(sequence),"payload":\#(payload)}"#)
    }

    /// Answers the frame that was sent as the n-th of this connection.
    func answer(_ index: Int, _ rest: String = #""ok":true,"payload":1"#) {
        let id = object(sent[index])["id"] as? String ?? ""
        receive(#"{"type":"res","id":"\#(id)",\#(rest)}"#)
    }

    /// The connection ends; how long until the next attempt.
    @discardableResult
    func lose(
        _ failure: Failure = Failure(.lost, .network, "lost", isRetryable: true), sentOffset: UInt64 = .max
    ) -> UInt32? {
        let end = machine.ended(failure, sentOffset: sentOffset)
        end.calls.forEach(tell)
        told.append("ended \(end.connection): \(end.failure.text)")
        return end.retryMilliseconds
    }

    // MARK: - The host

    /// The id of a call, or why it was refused.
    func call(
        _ method: String, _ params: String = "", key: String? = nil, trace: String = "", offset: UInt64 = 0,
        _ change: (inout CallRequest) -> Void = { _ in }
    ) -> Result<UInt64, Failure> {
        let (method, params, given, trace) = (Text(method), Text(params), Text(key ?? ""), Text(trace))
        var request = CallRequest(method: method.bytes, params: params.bytes)
        request.isIdempotent = key != nil
        request.idempotencyKey = given.bytes
        request.traceparent = trace.bytes
        change(&request)
        let output = OutputRoom(queuedBytes: 0, maxQueuedBytes: 1 << 20, offset: offset)
        do throws(Failure) {
            let action = try machine.call(request, output: machine.isReady ? output : nil, now)
            if case .send(_, let rest) = action {
                sent.append(text(machine.frameHead) + (rest.isEmpty ? "" : text(rest) + "}"))
            }
            return .success(action.id)
        } catch {
            return .failure(error)
        }
    }

    func advance(_ milliseconds: UInt32) {
        now = now.adding(milliseconds: milliseconds)
        while true {
            switch machine.tick(now) {
            case .none: return
            case .send: told.append("asked")
            case .ended(let call): tell(call)
            case .began(let action): tell(action, Text(""))
            case .release(let failure):
                told.append("warning \(text(failure.name)): \(failure.text)")
                giveHeld()
            case .close(_, let reason, _): told.append("close \(text(reason))")
            }
        }
    }

    func resynced(_ id: UInt64) -> Bool {
        guard machine.resynced(id) else { return false }
        giveHeld()
        return true
    }

    /// Sends what the connection begins with, as far as it has not been sent.
    func begin(offset: UInt64 = 0) {
        while true {
            let action = machine.next(offset: offset, now)
            switch action {
            case .none: return
            case .frame: sent.append(text(machine.frameHead))
            case .ended, .subscribed, .synced: tell(action, Text(""))
            }
        }
    }

    // MARK: - What is told

    private func take(_ action: consuming ClientSession.MessageAction, _ message: Text) {
        func cut(_ value: JSONSlice?) -> String { value.map { text(message.bytes[$0.range]) } ?? "" }
        switch consume action {
        case .none: break
        case .pairing: told.append("pairing")
        case .send(let frame): connectID = object(text(frame))["id"] as? String ?? ""
        case .ask(let question): told.append("ask \(question)")
        case .connected:
            told.append("connected \(machine.connections)")
            if let resync = machine.resyncAfterReconnect(now) { tell(resync) }
            begin()
        case .event(let frame, let missing):
            if missing > 0 { tell(machine.resync(before: frame, missing: missing, now)) }
            switch machine.pass(frame, message.bytes) {
            case .deliver: tell(frame, message)
            case .held: break
            case .release(let failure):
                told.append("warning \(text(failure.name)): \(failure.text)")
                giveHeld()
            }
        case .accepted(let id, _, let payload): told.append("accepted \(id): \(cut(payload))")
        case .answered(let id, _, let payload): told.append("answered \(id): \(cut(payload))")
        case .rejected(let id, _, let error): told.append("rejected \(id): \(cut(error))")
        case .settled(let call, let response): tell(machine.settle(call, response, message.bytes), message)
        case .warn(let failure): told.append("warning: \(failure.text)")
        case .close(_, let reason, _): told.append("close \(text(reason))")
        }
    }

    private func giveHeld() {
        while let held = machine.nextHeld() { tell(held.frame, Text(held.text)) }
    }

    private func tell(_ frame: EventFrame, _ message: Text) {
        told.append("event \(frame.sequence.map { "\($0)" } ?? "-")")
    }

    private func tell(_ resync: ClientMachine.Resync) {
        told.append("resync \(resync.id) \(resync.reason) after \(resync.lastSequence.map { "\($0)" } ?? "-")")
    }

    private func tell(_ call: ClientMachine.EndedCall) {
        told.append("\(call.failure.status.code) \(call.id) [\(text(call.failure.name))]: \(call.failure.text)")
    }

    private func tell(_ action: ClientMachine.BeginAction, _ message: Text) {
        switch action {
        case .none, .frame: break
        case .ended(let call): tell(call)
        case .subscribed(let id, _, .answered): told.append("subscribed \(id)")
        case .subscribed(let id, _, .rejected): told.append("subscription \(id) rejected")
        case .subscribed(let id, _, .failed(let failure)): told.append("subscription \(id): \(failure.text)")
        case .synced(let list, let failed): told.append("synced \(failed): \(text(list))")
        }
    }
}
