import GWBase

/// A question to the host: does it believe the server whose certificate would be refused?  The TLS handshake of a dial waits for the
/// answer.
final class TrustQuestion: Source {
    private unowned(unsafe) let dial: Dial
    private let until: Instant

    /// The dial must call `finish` before it goes.
    init(of dial: Dial, until: Instant) {
        self.dial = dial
        self.until = until
        super.init(context: dial.context)
        start()
        reschedule()
    }

    override var deadline: Instant { until }

    override func tick(_ now: Instant) {
        guard until <= now else { return }
        finish()
        dial.questionExpired(now)
    }

    func answer(isBelieved: Bool) {
        finish()
        dial.continueSecuring(isBelieved: isBelieved, Syscall.now())
    }
}

extension Context {
    /// The host's answer to a question; whether it still waited for one.
    public func answerTrust(_ question: UInt64, isBelieved: Bool) -> Bool {
        guard let question = sources[question] as? TrustQuestion else { return false }
        question.answer(isBelieved: isBelieved)
        return true
    }
}

extension Event {
    /// What the host is asked.
    init(asking question: UInt64, about refusal: Failure, source: UInt64, userData: UInt, _ arena: Arena) {
        self.init(.trustRequest, source: source, userData: userData)
        explain(refusal, arena)
        flags = 0
        subject = question
    }
}
