import GWBase
import GWJSON

/// What each connection begins with: subscriptions, the initial sync, the calls that were kept.
extension ClientMachine {
    public enum BeginAction {
        case none
        /// Send `frameHead`, which is a whole frame.
        case frame
        /// A call that was kept can never be sent.
        case ended(EndedCall)
        case subscribed(id: UInt64, userData: UInt, Outcome)
        /// The outcomes of the initial sync as a JSON array, and how many of its calls failed.
        case synced([UInt8], failed: UInt32)
    }

    /// What a call of the library's own has come to.
    public enum Outcome {
        case answered(JSONSlice?)
        case rejected(JSONSlice?)
        case failed(Failure)
    }

    /// What is to be sent next of what the connection begins with; to be called again until it answers none.
    public func next(offset: UInt64, _ now: Instant) -> BeginAction {
        guard let session, session.isReady else { return .none }
        if let entry = subscriptions.next() {
            let id = UInt(truncatingIfNeeded: entry.id)
            return make(.subscription, id, entry.method, entry.params, offset, now)
        }
        if let (place, call) = sync.next() {
            return make(.sync, UInt(bitPattern: place), call.method, call.params, offset, now)
        }
        while let entry = offline.popFirst() {
            guard let call = calls.find(entry.id) else { continue }
            if let failure = session.tooBig(entry.frame.count) { return dropKept(entry.id, failure) }
            let limit = session.limit(
                entry.timeoutMilliseconds, expectsFinal: call.expectsFinal,
                isLong: entry.method.withUnsafeBytes { session.isLong($0) })
            calls.wrote(entry.id, streamOffset: offset, deadline: now.adding(milliseconds: limit))
            entry.method.withUnsafeBytes { calls.began(entry.id, $0, now) }
            frame.clear()
            entry.frame.withUnsafeBytes { frame.append($0) }
            return .frame
        }
        return .none
    }

    /// Makes a call of the library's own.
    private func make(
        _ purpose: PendingCall.Purpose, _ subject: UInt, _ method: [UInt8], _ params: [UInt8], _ offset: UInt64,
        _ now: Instant
    ) -> BeginAction {
        var call = PendingCall(userData: subject, expectsFinal: false, streamOffset: offset)
        call.purpose = purpose
        if let failure = session?.tooBig(method.count + params.count + 64) { return fail(call, failure) }
        let limit = settings.session.limit(0, expectsFinal: false)
        let id = calls.add(call, deadline: now.adding(milliseconds: limit))
        frame.clear()
        method.withUnsafeBytes {
            calls.began(id, $0, now)
            FrameWriter.request(id: id, method: $0, hasParams: !params.isEmpty, into: &frame)
        }
        params.withUnsafeBytes { frame.append($0) }
        frame.append(FrameWriter.end)
        return .frame
    }

    /// A call of the library's own was answered.
    public func settle(
        _ call: PendingCall, _ response: ResponseFrame, _ text: UnsafeRawBufferPointer
    ) -> BeginAction {
        switch call.purpose {
        case .host:
            return .none
        case .subscription:
            return subscribed(call, response.isOK ? .answered(response.payload) : .rejected(response.error))
        case .sync:
            let place = Int(bitPattern: call.userData)
            let value = (response.isOK ? response.payload : response.error)?.bytes(in: text) ?? ClientSession.noText
            if response.isOK { sync.answered(place, value) } else { sync.failed(place, value) }
            return synced()
        }
    }

    /// A call of the library's own has ended without an answer.
    func fail(_ call: PendingCall, _ failure: Failure) -> BeginAction {
        switch call.purpose {
        case .host:
            return .none
        case .subscription:
            return subscribed(call, .failed(failure))
        case .sync:
            let code: StaticString = failure.status == .callTimeout ? "CALL_TIMEOUT" : "TOO_BIG"
            sync.failed(Int(bitPattern: call.userData), code: code, failure)
            return synced()
        }
    }

    private func subscribed(_ call: PendingCall, _ outcome: Outcome) -> BeginAction {
        // It may have been taken back meanwhile.
        guard let entry = subscriptions.find(UInt64(call.userData)) else { return .none }
        return .subscribed(id: entry.id, userData: entry.userData, outcome)
    }

    private func synced() -> BeginAction {
        guard let list = sync.take() else { return .none }
        return .synced(list, failed: sync.failed)
    }

    // MARK: - Subscriptions

    /// Calls a method on this connection and on each that comes; `next` gives the frame.
    public func subscribe(method: [UInt8], params: [UInt8], userData: UInt) throws(Failure) -> UInt64 {
        try subscriptions.add(method: method, params: params, userData: userData)
    }

    /// Whether there was one.
    public func unsubscribe(_ id: UInt64) -> Bool { subscriptions.remove(id) }
}
