import GWBase
import GWJSON

/// The host's calls: taken, kept, and how they end without an answer.
extension ClientMachine {
    public enum CallAction {
        /// Send `frameHead`.  Unless `rest` is empty, it is followed by that, which spares long params a copy, and `}`.
        case send(id: UInt64, rest: UnsafeRawBufferPointer)
        /// It waits for a connection.
        case kept(id: UInt64)

        public var id: UInt64 {
            switch self {
            case .send(let id, _), .kept(let id): id
            }
        }
    }

    /// The frame of the call that was taken last or its beginning, or the whole frame that `next` gave.
    public var frameHead: UnsafeRawBufferPointer { frame.readable }

    /// Takes a call.  `output` is nil where no connection takes frames.
    public func call(_ request: CallRequest, output: OutputRoom?, _ now: Instant) throws(Failure) -> CallAction {
        guard let session, session.isReady, let output else { return try keep(request, now) }
        let size = request.frameBytes
        if let failure = session.tooBig(size) ?? output.refusal(of: "the request", size) { throw failure }
        let keyed = request.isIdempotent ? try KeyedParams(request, random) : nil
        let action = session.call(
            expectsFinal: request.expectsFinal, timeoutMilliseconds: request.timeoutMilliseconds,
            isLong: session.isLong(request.method), userData: request.userData,
            streamOffset: output.offset, now: now)
        switch action {
        case .refused(let failure): throw failure
        case .queued(let id):
            if measuresMethods { calls.began(id, request.method, now) }
            return .send(id: id, rest: write(request, id, keyed))
        }
    }

    /// Writes a frame, or its beginning: then what is left of its params.
    @inline(__always)
    private func write(_ request: CallRequest, _ id: UInt64, _ keyed: KeyedParams?) -> UnsafeRawBufferPointer {
        frame.clear()
        let hasParams = request.params.count > 0 || keyed != nil
        let isTraced = request.traceparent.count > 0 && (protocolVersion >= 4 || request.insistsOnTrace)
        FrameWriter.request(
            id: id, method: request.method, traceparent: isTraced ? request.traceparent : ClientSession.noText,
            hasParams: hasParams, into: &frame)
        var rest = request.params
        if let keyed {
            keyed.write(into: &frame)
            calls.setKey(keyed.key, of: id)
            rest = keyed.rest
        }
        guard rest.count <= ClientMachine.copiedBytes else { return rest }
        frame.append(rest)
        frame.append(FrameWriter.end)
        return ClientSession.noText
    }

    /// Params up to this size are cheaper to copy than to mask as a piece of their own.
    private static let copiedBytes = 512

    /// The frame of a call could not be written: it was never made.
    public func withdraw(_ id: UInt64) { _ = calls.remove(id) }

    // MARK: - Without a connection

    private func keep(_ request: CallRequest, _ now: Instant) throws(Failure) -> CallAction {
        guard let settings = settings.offline, !request.isOnlineOnly, !isClosing else {
            throw Failure(.state, .none, "there is no connection to the gateway now", isRetryable: true)
        }
        guard calls.count < Int(self.settings.session.maxCalls) else {
            throw self.settings.session.tooManyCalls(calls.count)
        }
        if let refusal = offline.refusal(request.frameBytes) { throw refusal }
        let keyed = request.isIdempotent ? try KeyedParams(request, random) : nil
        let id = calls.add(
            PendingCall(
                userData: request.userData, expectsFinal: request.expectsFinal, streamOffset: PendingCall.notWritten),
            deadline: now.adding(milliseconds: settings.milliseconds))
        let rest = write(request, id, keyed)
        if rest.count > 0 {
            frame.append(rest)
            frame.append(FrameWriter.end)
        }
        offline.append(
            OfflineQueue.Entry(
                id: id, method: Array(request.method), frame: Array(frame.readable),
                timeoutMilliseconds: request.timeoutMilliseconds))
        return .kept(id: id)
    }

    /// A call that was kept can never be sent.
    func dropKept(_ id: UInt64, _ failure: Failure) -> BeginAction {
        guard let call = calls.remove(id) else { return .none }
        return .ended(end(id, call, notSent(failure)))
    }

    private func notSent(_ failure: Failure) -> Failure {
        Failure(.notSent, .none, "the call was not sent: \(failure.text)", isRetryable: true)
    }

    func endKeptCalls(_ failure: Failure) -> [EndedCall] {
        var ended: [EndedCall] = []
        while let entry = offline.popFirst() {
            guard let call = calls.remove(entry.id) else { continue }
            ended.append(end(entry.id, call, notSent(failure)))
        }
        return ended
    }

    // MARK: - Ends

    /// A call that has ended without an answer.
    public struct EndedCall {
        public var id: UInt64
        public var userData: UInt
        /// Its name is the idempotency key, if the call had one.
        public var failure: Failure
    }

    private func end(_ id: UInt64, _ call: PendingCall, _ failure: Failure) -> EndedCall {
        var ended = EndedCall(id: id, userData: call.userData, failure: failure)
        ended.failure.name = calls.takeKey(of: call, id)
        return ended
    }

    /// Ends a call for the host; nil if it has ended already.
    public func cancel(_ id: UInt64) -> EndedCall? {
        guard let call = calls.find(id), call.purpose == .host else { return nil }
        _ = calls.remove(id)
        guard call.streamOffset != PendingCall.notWritten else {
            offline.remove(id)
            return end(id, call, Failure(.cancelled, .none, "the call was cancelled before it was sent"))
        }
        return end(id, call, Failure(.cancelled, .none, "the call was cancelled; the gateway may still run it"))
    }

    /// The time of a call has passed; it is removed already.
    func expire(_ id: UInt64, _ call: PendingCall) -> EndedCall {
        guard call.streamOffset != PendingCall.notWritten else {
            offline.remove(id)
            let limit = settings.offline?.milliseconds ?? 0
            return end(id, call, notSent(Failure(.timeout, .none, "there was no connection for \(limit) ms")))
        }
        return end(id, call, callTimedOut)
    }

    /// A frame that is still queued cannot be taken back, so this is never a call that was not sent.
    var callTimedOut: Failure {
        Failure(.callTimeout, .none, "no answer within the call's time limit; it may have been run")
    }

    /// Every call in flight ends: not sent if no byte of it has left the process, else unknown.
    func endCalls(_ failure: Failure, sentOffset: UInt64) -> [EndedCall] {
        var ended: [EndedCall] = []
        for (id, call) in session?.end() ?? [] where call.purpose == .host {
            let status: Status = call.streamOffset >= sentOffset ? .notSent : .outcomeUnknown
            let what = status == .notSent ? "the call was not sent" : "it is not known whether the call was run"
            ended.append(
                end(id, call, Failure(status, .none, "\(what): \(failure.text)", isRetryable: status == .notSent)))
        }
        return ended
    }
}
