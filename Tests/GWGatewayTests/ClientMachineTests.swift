import GWBase
import GWGateway
import Testing

@Suite("Client machine: ends of connections (openclaw-gateway 1.6, 6.6, 7.1)")
struct ClientMachineTests {
    private func closed(_ code: UInt32, reason: String = "") -> Failure {
        var failure = Failure(.closed, .none, "closed by the peer with code \(code)", isRetryable: true, code: code)
        failure.name = reason.bytes
        return failure
    }

    @Test("restartExpectedMs of the shutdown event is the floor of the next delay, and of that one alone (6.6)")
    func shutdown() throws {
        let end = MachineEnd()
        end.connect()
        end.receive(#"{"type":"event","event":"shutdown","payload":{"reason":"x","restartExpectedMs":8000}}"#)
        #expect(end.told.last == "event -")
        #expect(try #require(end.lose(closed(1012))) >= 8000)
        #expect(try #require(end.lose()) < 8000)
        end.connect()
        #expect(try #require(end.lose()) <= 1000)
    }

    @Test("a shutdown that names no time sets no floor", arguments: ["null", "-1", "\"8000\"", "{}"])
    func shutdownWithoutTime(value: String) throws {
        let end = MachineEnd()
        end.connect()
        end.receive(#"{"type":"event","event":"shutdown","payload":{"restartExpectedMs":\#(value)}}"#)
        end.receive(#"{"type":"event","event":"shutdown","payload":[]}"#)
        end.receive(#"{"type":"event","event":"shutdown"}"#)
        #expect(try #require(end.lose(closed(1012))) <= 1000)
    }

    @Test("close codes are explained (1.6)", arguments: [1000, 1006, 1008, 1012, 1013, 4000, 4001])
    func hints(code: UInt32) {
        let end = MachineEnd()
        end.connect()
        end.lose(closed(code))
        #expect(end.told.last?.contains("closed by the peer with code \(code); ") == true)
    }

    @Test("a close without a word before the hello is forgiven once: it does not lengthen the waits (7.1)")
    func forgiven() throws {
        let end = MachineEnd()
        _ = end.machine.opened(end.now, wallMilliseconds: 0)
        #expect(end.lose(closed(1000)) != nil && end.machine.attempts == 0)
        _ = end.machine.opened(end.now, wallMilliseconds: 0)
        #expect(end.lose(closed(1000)) != nil && end.machine.attempts == 1)
        end.connect()
        end.lose()
        _ = end.machine.opened(end.now, wallMilliseconds: 0)
        end.lose(closed(1000, reason: "x"))
        #expect(end.machine.attempts == 2, "a close with a reason was forgiven")
        _ = end.machine.opened(end.now, wallMilliseconds: 0)
        end.lose(closed(1000))
        #expect(end.machine.attempts == 2)
    }

    @Test("a byte that left decides between not sent and unknown")
    func outcomes() throws {
        let end = MachineEnd()
        end.connect()
        let left = try end.call("a", offset: 10).get()
        let stayed = try end.call("b", offset: 20).get()
        end.lose(sentOffset: 20)
        #expect(end.told.contains { $0.hasPrefix("\(Status.outcomeUnknown.code) \(left) ") })
        #expect(end.told.contains { $0.hasPrefix("\(Status.notSent.code) \(stayed) ") })
    }
}
