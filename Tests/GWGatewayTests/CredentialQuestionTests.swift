import GWBase
import GWGateway
import Testing

@Suite("Asking the host for credentials")
struct CredentialQuestionTests {
    private func end(milliseconds: UInt32 = 10_000) -> ClientEnd {
        var settings = ClientSession.Settings()
        settings.connect.clientVersion = "1".bytes
        settings.credentialsMilliseconds = milliseconds
        return ClientEnd(settings, signer: TestSigner(seed: Array(0..<32)), asks: true)
    }

    @Test("the question comes with the challenge, and the connect request with the answer")
    func asked() {
        let end = end()
        #expect(end.session.isAwaitingChallenge)
        guard case .ask(1) = end.receive(ClientEnd.challenge) else {
            Issue.record("not asked")
            return
        }
        #expect(end.session.isAwaitingChallenge)
        if case .none = end.receive(ClientEnd.challenge) {} else { Issue.record("asked twice") }
        if case .none = end.answer(question: 2) {} else { Issue.record("another question's answer was taken") }
        guard case .send(let frame) = end.answer(question: 1) else {
            Issue.record("not sent")
            return
        }
        #expect(frame.contains(ClientEnd.nonce) && !end.session.isAwaitingChallenge)
        if case .none = end.answer(question: 1) {} else { Issue.record("answered twice") }
        if case .connected = end.answerConnect(ClientEnd.hello()) {} else { Issue.record("not connected") }
    }

    @Test("none to give, and no answer in time, end the attempt and let others follow", arguments: [true, false])
    func unanswered(saysSo: Bool) {
        let end = end(milliseconds: 50)
        guard case .ask(let question) = end.receive(ClientEnd.challenge) else {
            Issue.record("not asked")
            return
        }
        var verdict: ConnectFailure?
        if saysSo {
            if case .close(1000, "no credentials", let failure) = end.answer(question: question, isGiven: false) {
                verdict = failure
            }
        } else {
            end.advance(49)
            if case .none = end.tick() {} else { Issue.record("too early") }
            end.advance(1)
            if case .close(1000, let reason, let failure) = end.tick(), text(reason) == "no credentials" {
                verdict = failure
            }
        }
        #expect(verdict?.failure.status == .credentials && verdict?.stopsReconnecting == false)
        if case .none = end.answer(question: question) {} else { Issue.record("answered after the end") }
        #expect(end.session.deadline == .never)
    }
}
