import GWBase
import GWSocketIO
import Testing

@Suite("Connection state recovery")
struct RecoveryTests {
    private func lost(_ events: [String]) -> ClientEnd {
        let end = ClientEnd()
        _ = end.join("/", auth: ClientEnd.auth(#"{"token":"t"}"#))
        end.connect()
        end.receive(#"40{"sid":"S1","pid":"P1"}"#)
        for event in events { end.receive(event) }
        end.lose()
        _ = end.take()
        end.connect()
        return end
    }

    @Test("a join after a loss asks to go on behind the last event, with the auth object over it")
    func asking() {
        let end = lost([#"42["a",1,"o1"]"#, #"42["b", "o\n2" ]"#, #"425["c","no offset"]"#, #"42["d",3]"#])
        #expect(end.take().last == #"> 40{"pid":"P1","offset":"o\n2","token":"t"}"#)
    }

    @Test("before the first event there is no offset")
    func noOffset() { #expect(lost([]).take().last == #"> 40{"pid":"P1","token":"t"}"#) }

    @Test("the session goes on where the server answers with the same pid: what was missed comes first")
    func recovered() {
        let end = lost([#"42["a","o1"]"#])
        _ = end.take()
        end.receive(#"42["missed","o2"]"#)
        end.receive(#"40{"sid":"S1","pid":"P1"}"#)
        #expect(end.take() == [#"event 1 "missed" ["o2"]"#, "joined 1 S1 recovered"])
        end.lose()
        end.connect()
        #expect(end.take().last == #"> 40{"pid":"P1","offset":"o2","token":"t"}"#)
    }

    @Test("with another pid it is a new session, without an offset")
    func notRecovered() {
        let end = lost([#"42["a","o1"]"#])
        end.receive(#"40{"sid":"S9","pid":"P9"}"#)
        #expect(end.take().last == "joined 1 S9")
        end.lose()
        end.connect()
        #expect(end.take().last == #"> 40{"pid":"P9","token":"t"}"#)
    }

    @Test("members of the auth object win over those of the recovery")
    func authWins() {
        let end = ClientEnd()
        _ = end.join("/", auth: ClientEnd.auth(#" { "pid" : 1 } "#))
        end.connect()
        end.receive(#"40{"sid":"S1","pid":"P1"}"#)
        end.receive(#"42["a","o1"]"#)
        end.lose()
        end.connect()
        #expect(end.take().last == #"> 40{"offset":"o1","pid" : 1 } "#)
    }

    @Test("after a namespace was left it begins anew")
    func left() {
        let (end, ids) = ClientEnd.joined(["/", "/a"])
        end.receive(#"41/a,"#)
        _ = end.join("/a")
        #expect(end.take().last == "> 40/a,")
        #expect(ids.count == 2)
    }
}
