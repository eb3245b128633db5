import GWBase
import GWGateway
import GWJSON
import GWWebSocket

/// What the machine says is done, as `GWRuntime/Client.swift`, `ClientCalls.swift` and `ClientBeginning.swift` do it.
extension SimulatedClient {
    func tickMachine() {
        if let heard = channel?.webSocket?.lastReceived { machine.heard(heard) }
        while true {
            switch machine.tick(now) {
            case .none: return
            case .send(let frame): channel?.sendText(Array(frame.readable), compress: false)
            case .ended(let call): host.client(self, ended: call)
            case .began(let action): follow(action)
            case .release(let failure): release(failure)
            case .close(let code, let reason, let failure): return end(code, reason, failure.failure)
            }
        }
    }

    func follow(_ action: consuming ClientSession.MessageAction, _ text: UnsafeRawBufferPointer) {
        switch consume action {
        case .none:
            break
        case .send(let frame):
            channel?.sendText(Array(frame.readable), compress: false)
        case .ask(let question):
            trace("asks for credentials")
            host.client(self, asks: question)
        case .pairing(let pairing, let frame):
            trace("has a pairing that is \(pairing.name)")
            if !frame.isEmpty { channel?.sendText(Array(frame.readable), compress: false) }
        case .connected(let hello, _):
            host.clientConnected(self, hello: hello)
            if let resync = machine.resyncAfterReconnect(now) { host.client(self, resync: resync) }
            begin()
        case .event(let frame, let missing):
            arrange(frame, text, missing)
        case .accepted(let id, _, _):
            host.client(self, accepted: id)
        case .answered(let id, _, let payload):
            host.client(self, answered: id, .ok, payload.map { Array($0.bytes(in: text)) } ?? [])
        case .rejected(let id, _, let error):
            host.client(self, answered: id, .rejected, ErrorObject(error, in: text).message)
        case .settled(let call, let response):
            follow(machine.settle(call, response, text))
        case .warn(let failure):
            host.client(self, warned: failure)
        case .close(let code, let reason, let failure):
            end(code, reason, failure.failure)
        }
    }

    // MARK: - Credentials

    func answer(_ question: UInt64, _ credentials: Credentials?) {
        guard isOpen else { return }
        follow(machine.answer(question, credentials, now, wallMilliseconds: wall), ClientSession.noText)
        reschedule()
    }

    // MARK: - Beginning

    /// Sends what the connection begins with, as far as it has not been sent.
    func begin() {
        while isOpen, let channel, channel.isOpen {
            let offset = channel.nextOffset
            let action = machine.next(offset: offset, now)
            switch action {
            case .none: return
            case .frame:
                let frame = Array(machine.frameHead)
                channel.sendText(frame, compress: true)
                host.client(self, wrote: frame, on: channel, offset: offset)
            case .ended, .subscribed, .synced: follow(action)
            }
            reschedule()
        }
    }

    private func follow(_ action: ClientMachine.BeginAction) {
        switch action {
        case .none, .frame: break
        case .ended(let call): host.client(self, ended: call)
        case .subscribed(let id, _, _): host.client(self, subscribed: id)
        case .synced(let outcomes, _): host.client(self, synced: outcomes)
        }
    }

    func subscribe(_ params: [UInt8]) throws(Failure) -> UInt64 {
        let id = try machine.subscribe(method: Array("sessions.subscribe".utf8), params: params, userData: 0)
        begin()
        return id
    }

    // MARK: - Events

    private func arrange(_ frame: EventFrame, _ text: UnsafeRawBufferPointer, _ missing: UInt64) {
        host.client(self, arrived: GatewayEvent(frame, in: text), missing: missing)
        if missing > 0 { host.client(self, resync: machine.resync(before: frame, missing: missing, now)) }
        switch machine.pass(frame, text) {
        case .deliver: host.client(self, event: GatewayEvent(frame, in: text))
        case .held: break
        case .release(let failure): release(failure)
        }
        reschedule()
    }

    func resynced(_ id: UInt64) -> Bool {
        guard machine.resynced(id) else { return false }
        giveHeld()
        return true
    }

    private func release(_ failure: Failure) {
        host.client(self, warned: failure)
        giveHeld()
    }

    private func giveHeld() {
        while let (frame, text) = machine.nextHeld() {
            text.withUnsafeBytes { host.client(self, event: GatewayEvent(frame, in: $0)) }
        }
    }

    // MARK: - Calls

    struct Call {
        let id: UInt64
        /// Where its frame begins in the output of a channel; nil: it waits for one.
        let place: (channel: Channel, offset: UInt64)?
    }

    static let maxQueuedBytes = 150_000

    func call(
        _ params: [UInt8], timeout: UInt32, expectsFinal: Bool, key: [UInt8]? = nil
    ) throws(Failure) -> Call {
        let method: StaticString = "chat.send"
        let made: Result<Call, Failure> = params.withUnsafeBytes { params in
            (key ?? []).withUnsafeBytes { keyBytes in
                var request = CallRequest(
                    method: UnsafeRawBufferPointer(start: method.utf8Start, count: method.utf8CodeUnitCount),
                    params: params)
                request.timeoutMilliseconds = timeout
                request.expectsFinal = expectsFinal
                request.isIdempotent = key != nil
                request.idempotencyKey = keyBytes
                do throws(Failure) { return .success(try call(request)) } catch { return .failure(error) }
            }
        }
        reschedule()
        return try made.get()
    }

    private func call(_ request: CallRequest) throws(Failure) -> Call {
        guard isOpen, let channel, channel.isOpen, channel.webSocket?.isOpen == true else {
            return Call(id: try machine.call(request, output: nil, now).id, place: nil)
        }
        let offset = channel.nextOffset
        let output = OutputRoom(
            queuedBytes: channel.queuedBytes, maxQueuedBytes: SimulatedClient.maxQueuedBytes, offset: offset)
        let action = try machine.call(request, output: output, now)
        guard case .send(let id, let rest) = action else { return Call(id: action.id, place: nil) }
        if let failure = channel.sendText(
            rest.isEmpty ? [machine.frameHead] : [machine.frameHead, rest, FrameWriter.end], compress: true)
        {
            machine.withdraw(id)
            throw failure
        }
        return Call(id: id, place: (channel, offset))
    }

    func cancel(_ id: UInt64) -> Bool {
        guard let ended = machine.cancel(id) else { return false }
        host.client(self, ended: ended)
        return true
    }
}
