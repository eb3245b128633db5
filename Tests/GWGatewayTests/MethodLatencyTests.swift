import GWBase
import GWGateway
import Testing

@Suite("How long answers took, by method")
struct MethodLatencyTests {
    private func end(_ methods: UInt32) -> MachineEnd {
        let end = MachineEnd { $0.measuredMethods = methods }
        end.connect()
        return end
    }

    @Test("least, mean and greatest time of each method; rejections count, losses and time-outs do not")
    func times() throws {
        let end = end(8)
        for milliseconds in [10, 20, 60] as [UInt32] {
            _ = try end.call("a").get()
            end.advance(milliseconds)
            end.answer(end.sent.count - 1, milliseconds == 20 ? #""ok":false"# : #""ok":true"#)
        }
        _ = try end.call("b").get()
        end.lose()
        let entries = end.machine.latencies
        #expect(entries.map { text($0.method) } == ["a", "b"])
        #expect(entries[0].count == 3 && entries[0].least == 10_000 && entries[0].greatest == 60_000)
        #expect(entries[0].mean == 30_000 && entries[1].count == 0 && entries[1].mean == 0)
    }

    @Test("an accepted call is timed up to its final answer")
    func expectFinal() throws {
        let end = end(8)
        _ = try end.call("a") { $0.expectsFinal = true }.get()
        end.advance(5)
        end.answer(0, #""ok":true,"payload":{"status":"accepted"}"#)
        end.advance(5)
        end.answer(0)
        #expect(end.machine.latencies[0].least == 10_000)
    }

    @Test("methods beyond the limit share one entry")
    func limit() throws {
        let end = end(2)
        for method in ["a", "b", "c", "a"] {
            _ = try end.call(method).get()
            end.answer(end.sent.count - 1)
        }
        #expect(end.machine.latencies.map { text($0.method) } == ["a", "*"])
        #expect(end.machine.latencies.map(\.count) == [2, 2])
    }

    @Test("without the option nothing is timed")
    func off() throws {
        let end = end(0)
        _ = try end.call("a").get()
        end.answer(0)
        #expect(end.machine.latencies.isEmpty)
    }
}
