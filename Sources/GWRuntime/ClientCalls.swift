import GWBase
import GWGateway
import GWJSON
import GWTLS
import GWTLS
import GWWebSocket

/// Calls of the host, and the events that the session's actions become.
extension Client {
    // MARK: - Calls

    /// Queues a request; `params` is JSON that was checked, or empty for none.
    public func call(
        method: UnsafeRawBufferPointer, params: UnsafeRawBufferPointer, expectsFinal: Bool, timeoutMilliseconds: UInt32,
        userData: UInt
    ) throws(Failure) -> (call: UInt64, isAboveMark: Bool) {
        guard let session, let channel, channel.isOpen, let webSocket = channel.webSocket, webSocket.isOpen else {
            throw Failure(.state, .none, "there is no connection to the gateway now", isRetryable: true)
        }
        // The frame is known but for its id, which is at most 16 digits.
        let size = JSON.stringLength(method) + params.count + 64
        if let failure = session.tooBig(size) { throw failure }
        let queued = channel.queuedBytes
        guard size <= Int(settings.maxQueuedBytes) else {
            throw Failure(
                .tooBig, .program,
                "the request has \(size) bytes, max_queued_bytes is \(settings.maxQueuedBytes)")
        }
        guard queued + size <= Int(settings.maxQueuedBytes) else {
            throw Failure(
                .full, .program,
                "\(queued) bytes wait to be sent, \(size) more would pass max_queued_bytes (\(settings.maxQueuedBytes))",
                isRetryable: true)
        }
        let action = session.call(
            expectsFinal: expectsFinal, timeoutMilliseconds: timeoutMilliseconds, userData: userData,
            streamOffset: channel.nextOffset, now: Syscall.coarseNow())
        let id: UInt64
        switch action {
        case .refused(let failure): throw failure
        case .queued(let call): id = call
        }
        scratch.clear()
        FrameWriter.request(id: id, method: method, hasParams: params.count > 0, into: &scratch)
        webSocket.beginMessage(.text, length: scratch.count + params.count + 1, compress: true)
        webSocket.append(scratch.readable)
        if params.count > 0 { webSocket.append(params) }
        webSocket.append(FrameWriter.end)
        if let failure = webSocket.endMessage() {
            _ = session.cancel(id)
            throw failure
        }
        channel.queueSend()
        reschedule()
        let isAboveMark = channel.queuedBytes > Int(settings.maxQueuedBytes) / 4
        if isAboveMark { owesWritable = true }
        return (id, isAboveMark)
    }

    /// Ends a call for the host; whether there was one.
    public func cancel(_ call: UInt64) -> Bool {
        guard let session, let pending = session.cancel(call) else { return false }
        finish(
            call, pending,
            Failure(.cancelled, .none, "the call was cancelled; the gateway may still run it"))
        return true
    }

    /// Closes politely; whether it was still open.
    public func close(code: UInt16, reason: [UInt8]) -> Bool {
        switch phase {
        case .closing, .closed:
            return false
        case .open:
            guard let channel, let webSocket = channel.webSocket else { return false }
            let now = Syscall.now()
            channel.send(now)
            // Sending may have found the connection lost.
            guard case .open = phase, self.channel === channel else { return close(code: code, reason: reason) }
            // What is still queued now may leave before the close frame does.
            sentOffset = .max
            phase = .closing
            endCalls(Failure(.cancelled, .none, "the client was closed"))
            if let refused = webSocket.sendClose(code, reason, now) {
                channel.end(refused, now)
                return true
            }
            channel.queueSend()
            reschedule()
            return true
        case .dialing(let race):
            race.cancel()
            finishClosing(nil)
            return true
        case .waiting:
            finishClosing(nil)
            return true
        }
    }

    // MARK: - Ends of calls

    /// The connection has ended, and every call with it: not sent if no byte of it has left the process, else unknown.
    func endCalls(_ failure: Failure) {
        guard let session else { return }
        for (id, call) in session.end() {
            let status: Status = call.streamOffset >= sentOffset ? .notSent : .outcomeUnknown
            let what = status == .notSent ? "the call was not sent" : "it is not known whether the call was run"
            finish(id, call, Failure(status, .none, "\(what): \(failure.text)", isRetryable: status == .notSent))
        }
    }

    func expire(_ id: UInt64, _ call: PendingCall) {
        // A frame that is still queued cannot be taken back, so this is never a call that was not sent.
        finish(
            id, call, Failure(.callTimeout, .none, "no answer within the call's time limit; it may have been run"))
    }

    private func finish(_ id: UInt64, _ call: PendingCall, _ failure: Failure) {
        var event = Event(.callDone, source: self.id, userData: call.userData)
        event.explain(failure, context.arena)
        event.connection = connections
        event.subject = id
        context.emit(event)
    }

    // MARK: - Actions of the session

    func connected(_ hello: Hello, _ warning: Failure?) {
        connections += 1
        channel?.wipeOutput()
        reconnect.succeeded()
        var event = Event(.clientConnected, source: id, userData: settings.userData)
        event.connection = connections
        event.code = hello.protocolVersion
        event.name = context.arena.copy(hello.serverVersion)
        event.payload = context.arena.copy(hello.redacted)
        context.emit(event)
        if let warning { warn(warning) }
    }

    func report(_ frame: EventFrame, _ text: UnsafeRawBufferPointer, _ missing: UInt64) {
        if missing > 0 {
            var gap = Event(.gap, source: id, userData: settings.userData)
            gap.connection = connections
            gap.sequence = frame.sequence ?? Event.noSequence
            gap.code = UInt32(clamping: missing)
            context.emit(gap)
        }
        var event = Event(.gatewayEvent, source: id, userData: settings.userData)
        event.connection = connections
        event.sequence = frame.sequence ?? Event.noSequence
        event.name = borrowedString(frame.name, text)
        if let payload = frame.payload { event.payload = payload.bytes(in: text) }
        emit(event)
    }

    func report(
        _ type: EventType, _ id: UInt64, _ call: PendingCall, _ payload: JSONSlice?, _ text: UnsafeRawBufferPointer
    ) {
        var event = Event(type, source: self.id, userData: call.userData)
        event.connection = connections
        event.subject = id
        if let payload { event.payload = payload.bytes(in: text) }
        emit(event)
    }

    func reject(_ id: UInt64, _ call: PendingCall, _ error: JSONSlice?, _ text: UnsafeRawBufferPointer) {
        let object = ErrorObject(error, in: text)
        var event = Event(.callDone, source: self.id, userData: call.userData)
        event.connection = connections
        event.subject = id
        event.status = .rejected
        event.actor = .program
        event.name = context.arena.copy(object.code)
        event.text = context.arena.copy(object.message)
        if let error { event.payload = error.bytes(in: text) }
        event.flags = object.isRetryable ? Event.retryable : 0
        event.retryAfterMilliseconds = object.retryAfterMilliseconds
        context.emit(event)
    }

    func warn(_ failure: Failure) {
        var event = Event(.clientWarning, source: id, userData: settings.userData)
        event.explain(failure, context.arena)
        event.connection = connections
        context.emit(event)
    }

    /// The text of a JSON string: where it lies if it has no escapes, else a copy.
    private func borrowedString(_ value: JSONSlice, _ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let content = UnsafeRawBufferPointer(rebasing: text[value.range.dropFirst().dropLast()])
        guard content.contains(0x5c) else { return content }
        return context.arena.copy(JSON.string(value, in: text) ?? [])
    }

    /// The session ends the connection: a close frame, then the end for the cause that the session named.
    func endSession(_ code: UInt16, _ reason: StaticString, _ failure: ConnectFailure, _ now: Instant) {
        guard let channel else { return }
        verdict = failure
        let text = Array(UnsafeBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount))
        _ = channel.webSocket?.sendClose(code, text, now)
        channel.end(failure.failure, now)
    }

    // MARK: - State

    public struct State {
        public var phase: UInt32
        public var protocolVersion: UInt32
        public var nextAttemptMilliseconds: UInt32
        public var connections: UInt64
        public var attempts: UInt64
        public var callsInFlight: UInt64
        public var queuedBytes: UInt64
        public var roundTripMicroseconds: UInt64
        public var isDeflating: Bool
        public var isEncrypted: Bool
        public var timings: DialTimings
        public var endpoint: Int
    }

    /// What TLS agreed on in the present connection; nil without it.
    public var agreement: TLSAgreement? { channel?.agreement }

    /// Replaces the pins for every handshake that begins from now on.
    public func replace(pins: PinSet) throws(Failure) {
        guard let tls = settings.dial.tls else {
            throw Failure(
                .pinText, .program, "a pin was given, but the URL is not wss://: there is no certificate to compare")
        }
        try tls.replace(pins: pins)
        // What one endpoint takes, all take: they have the same mode.
        for alternate in settings.alternates { try alternate.tls?.replace(pins: pins) }
    }

    public var state: State {
        var wait: UInt32 = 0
        if case .waiting(let until) = phase { wait = until.milliseconds(after: Syscall.now()) }
        return State(
            phase: phaseNumber, protocolVersion: session?.hello?.protocolVersion ?? 0, nextAttemptMilliseconds: wait,
            connections: connections, attempts: reconnect.attempts, callsInFlight: UInt64(session?.callsInFlight ?? 0),
            queuedBytes: UInt64(channel?.queuedBytes ?? 0),
            roundTripMicroseconds: channel?.webSocket?.roundTripMicroseconds ?? 0,
            isDeflating: channel?.webSocket?.isDeflating ?? false, isEncrypted: channel?.isEncrypted ?? false,
            timings: currentTimings, endpoint: currentEndpoint)
    }

    private var currentTimings: DialTimings {
        if case .dialing(let race) = phase { return race.timings }
        return timings
    }

    private var currentEndpoint: Int {
        if case .dialing(let race) = phase { return race.place }
        return endpoint
    }

    /// `GW_PHASE_*`.
    private var phaseNumber: UInt32 {
        switch phase {
        case .waiting: 0
        case .dialing(let race): race.phaseNumber
        case .open:
            if let session, session.isReady { 7 } else if let session, session.isAwaitingChallenge { 5 } else { 6 }
        case .closing: 8
        case .closed: 9
        }
    }
}
