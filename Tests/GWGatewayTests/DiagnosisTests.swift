import GWBase
import Testing

@testable import GWGateway

@Suite("Diagnosis: each step is judged once, in order")
struct DiagnosisTests {
    private func at(_ milliseconds: UInt64) -> Instant { Instant(microseconds: 1_000_000 + milliseconds * 1000) }

    @Test("steps follow one another, and each has the time since the one before")
    func order() {
        var diagnosis = Diagnosis(at(0))
        #expect(diagnosis.present == .name)
        let name = diagnosis.pass("found", at(5))
        #expect(name?.step == .name && name?.microseconds == 5000)
        let tcp = diagnosis.pass("connected", at(7))
        #expect(tcp?.step == .tcp && tcp?.microseconds == 2000)
        let proxy = diagnosis.skip("none", at(9))
        #expect(proxy?.step == .proxy && proxy?.isSkipped == true && proxy?.microseconds == 0)
        #expect(diagnosis.present == .tls)
    }

    @Test("a failure is the present step's, and what is behind it is never reached")
    func failure() {
        var diagnosis = Diagnosis(at(0))
        _ = diagnosis.skip("an address", at(0))
        let findings = diagnosis.fail(Failure(.connect, .network, "refused"), detail: "{}".bytes, at(3))
        #expect(findings.map(\.step) == [.tcp, .proxy, .tls, .pin, .upgrade, .challenge, .auth, .tick])
        #expect(findings.first?.failure?.status == .connect)
        #expect(findings.first?.text == "refused; check that the gateway runs and listens on this address and port")
        #expect(findings.first?.detail == "{}".bytes)
        #expect(findings.dropFirst().allSatisfy { $0.isSkipped && $0.text == "not reached" })
        #expect(diagnosis.present == nil)
        #expect(diagnosis.failure?.step == .tcp)
        #expect(diagnosis.pass("too late", at(9)) == nil)
    }

    @Test("a wrong pin is the pin's failure: the handshake before it was good")
    func pin() {
        var diagnosis = Diagnosis(at(0))
        for _ in 0..<3 { _ = diagnosis.skip("", at(0)) }
        let findings = diagnosis.fail(Failure(.tlsPin, .user, "another certificate"), at(8))
        #expect(findings.prefix(2).map(\.step) == [.tls, .pin])
        #expect(findings.first?.failure == nil && findings.first?.isSkipped == false)
        #expect(diagnosis.failure?.step == .pin)
    }

    @Test(
        "advice for a refused upgrade depends on its status",
        arguments: [(401, "credentials"), (404, "path"), (502, "reach")])
    func refusal(status: UInt32, word: String) {
        var diagnosis = Diagnosis(at(0))
        for _ in 0..<5 { _ = diagnosis.skip("", at(0)) }
        let findings = diagnosis.fail(Failure(.upgradeRefused, .operator, "no", code: status), at(1))
        #expect(findings.first?.text.contains(word) == true)
    }
}
