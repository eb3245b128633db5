import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("Client session: liveness and gaps (openclaw-gateway 6)")
struct ClientLivenessTests {
    private func closesAt(_ end: ClientEnd) -> UInt32? {
        for time in 1...40 {
            end.advance(10_000)
            while true {
                switch end.tick() {
                case .callExpired: continue
                case .none: break
                case .send: break
                case .close(let code, let reason, let verdict):
                    #expect(code == 4000 && text(reason) == "tick timeout")
                    #expect(verdict.failure.status == .tickTimeout && !verdict.stopsReconnecting)
                    return UInt32(time) * 10
                }
                break
            }
        }
        return nil
    }

    @Test("silence closes at the third check, unless every call in flight has a time limit (6.2)")
    func suspension() {
        #expect(closesAt(ClientEnd.ready()) == 90)
        let limited = ClientEnd.ready()
        _ = limited.call(timeout: 130_000)
        #expect(closesAt(limited) == 150)
        let unlimited = ClientEnd.ready()
        _ = unlimited.call(expectsFinal: true)
        #expect(closesAt(unlimited) == 90)
        let both = ClientEnd.ready()
        _ = both.call(timeout: 1_000_000)
        _ = both.call(timeout: .max)
        #expect(closesAt(both) == 90)
        let answered = ClientEnd.ready()
        _ = answered.call(timeout: 1_000_000)
        if let id = answered.call(timeout: .max) { _ = answered.answer(id, #""ok":true"#) }
        #expect(closesAt(answered) == nil)
    }

    @Test("every valid frame is activity, answers to nobody too (2.5)")
    func activity() {
        for frame in [
            #"{"type":"event","event":"tick"}"#, #"{"type":"res","id":"nobody","ok":true}"#,
            #"{"type":"res","id":"1","error":{}}"#,
        ] {
            let end = ClientEnd.ready()
            for _ in 0..<20 {
                end.advance(30_000)
                _ = end.receive(frame)
                guard case .none = end.tick() else {
                    Issue.record("closed in spite of \(frame)")
                    return
                }
            }
        }
    }

    @Test("time in which we did not read says nothing about the gateway")
    func heldReading() {
        let end = ClientEnd.ready()
        for _ in 0..<20 {
            end.advance(30_000)
            end.session.readingIsHeld(end.now)
            if case .close = end.tick() { Issue.record("closed though nothing was read") }
        }
        #expect(closesAt(end) == 90)
    }

    @Test("the interval is the hello's, and 30 s where that is none (6.2)")
    func interval() {
        for (policy, wanted) in [
            (#""tickIntervalMs":1000"#, 1000), (#""tickIntervalMs":0"#, 30_000), (#""tickIntervalMs":-1"#, 30_000),
            (#""tickIntervalMs":1.5"#, 30_000), (#""tickIntervalMs":"1""#, 30_000), (#""tickIntervalMs":null"#, 30_000),
            (#""tickIntervalMs":1e18"#, 2_147_483_647), (#""other":1"#, 30_000),
        ] as [(String, UInt32)] {
            let end = ClientEnd()
            _ = end.receive(ClientEnd.challenge)
            guard case .connected(let hello, _) = end.answerConnect(#""ok":true,"payload":{"policy":{\#(policy)}}"#)
            else {
                Issue.record("not connected: \(policy)")
                continue
            }
            #expect(hello.tickMilliseconds == wanted, "\(policy)")
            #expect(end.session.deadline == end.now.adding(milliseconds: wanted), "\(policy)")
        }
    }

    @Test("sequence numbers as in the vectors, counted anew on each connection (6.4)")
    func sequences() throws {
        for item in try cases("sequence", of: "timers.json") {
            let wanted: [[String: Any]] = try required("resetPerConnection", of: item)
            var end = ClientEnd.ready()
            for (index, entry) in try required("stream", of: item, as: [Any].self).enumerated() {
                if entry as? String == "reconnect" {
                    end = ClientEnd.ready()
                    continue
                }
                let seq = (entry as? UInt64).map { #","seq":\#($0)"# } ?? ""
                guard case .event(_, _, let missing) = end.receive(#"{"type":"event","event":"x"\#(seq)}"#) else {
                    Issue.record("no event")
                    continue
                }
                let gap = wanted[index]["gap"]
                let expected: UInt64? = member("expected", of: gap)
                let received: UInt64? = member("received", of: gap)
                #expect(missing == (received ?? 0) - (expected ?? 0), "\(canonical(item["stream"])) at \(index)")
            }
        }
    }

    @Test("a number that went back is the last one all the same (6.4)")
    func fallingSequences() {
        let end = ClientEnd.ready()
        for (seq, wanted) in [(4, 0), (2, 0), (4, 1), (4, 0), (6, 1)] as [(Int, UInt64)] {
            guard case .event(_, _, wanted) = end.receive(#"{"type":"event","event":"x","seq":\#(seq)}"#) else {
                Issue.record("not \(wanted) at \(seq)")
                continue
            }
        }
    }

    @Test("sequence numbers at the end of their range do no harm")
    func extremeSequences() {
        let end = ClientEnd.ready()
        for (seq, wanted) in [("0", 0), ("9223372036854775807", UInt64(Int64.max) - 1), ("0", 0)] {
            guard case .event(_, _, wanted) = end.receive(#"{"type":"event","event":"x","seq":\#(seq)}"#) else {
                Issue.record("not \(wanted)")
                continue
            }
        }
    }
}
