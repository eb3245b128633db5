import GWBase
import GWSocketIO
import Testing

@Suite("Acknowledgements")
struct AckTests {
    @Test("ids count from 0 in each namespace, and answers may come in any order")
    func order() throws {
        let (end, ids) = ClientEnd.joined(["/", "/a"])
        let acks = try (0..<3).map { try end.emit(ids[0], "e", "[\($0)]", ack: true) }
        let other = try end.emit(ids[1], "e", ack: true)
        #expect(end.take() == [#"> 420["e",0]"#, #"> 421["e",1]"#, #"> 422["e",2]"#, #"> 42/a,0["e"]"#])
        for message in ["432[]", "430[1]", "43/a,0", "431[[2]]"] { end.receive(message) }
        #expect(end.take() == ["ack \(acks[2]) []", "ack \(acks[0]) [1]", "ack \(other) []", "ack \(acks[1]) [[2]]"])
        #expect(end.machine.acksInFlight == 0)
    }

    @Test("one that comes for an unknown id, twice or too late is ignored")
    func ignored() throws {
        let (end, ids) = ClientEnd.joined()
        let ack = try end.emit(ids[0], "e", ack: true, timeout: 100)
        end.receive("437[]")
        end.advance(100)
        end.receive("430[]")
        #expect(end.take().dropFirst() == ["ended \(ack) \(Status.callTimeout.code)"])
        #expect(end.closing == nil)
    }

    @Test("one whose packet still waits is not sent any more once its time limit has passed")
    func expiredInBuffer() throws {
        let end = ClientEnd()
        let namespace = end.join("/")
        let ack = try end.emit(namespace, "late", ack: true, timeout: 50)
        try end.emit(namespace, "kept")
        end.advance(50)
        end.connect()
        end.receive(#"40{"sid":"S"}"#)
        #expect(
            end.take() == [
                "ended \(ack) \(Status.notSent.code)", "opened 25000", "> 40", #"> 42["kept"]"#, "joined 1 S",
            ])
    }

    @Test("those in flight always end with their connection: not sent, or unknown; those that wait stay")
    func lostConnection() throws {
        let (end, ids) = ClientEnd.joined()
        let sent = try end.emit(ids[0], "sent", ack: true)
        let offset = end.written
        let queued = try end.emit(ids[0], "queued", ack: true)
        end.lose(sentOffset: offset)
        let kept = try end.emit(ids[0], "kept", ack: true)
        #expect(
            end.take().suffix(3) == [
                "ended \(sent) \(Status.outcomeUnknown.code)", "ended \(queued) \(Status.notSent.code)",
                "disconnected 1 transport close",
            ])
        end.connect()
        end.receive(#"40{"sid":"S2"}"#)
        end.receive(#"432["x"]"#)
        #expect(end.take().suffix(3) == [#"> 422["kept"]"#, "joined 1 S2", #"ack \#(kept) ["x"]"#])
    }

    @Test("the host may cancel one, and its answer is ignored then")
    func cancelled() throws {
        let (end, ids) = ClientEnd.joined()
        let ack = try end.emit(ids[0], "e", ack: true)
        #expect(end.cancel(ack))
        #expect(!end.cancel(ack))
        end.receive("430[]")
        #expect(end.take().dropFirst() == ["ended \(ack) \(Status.cancelled.code)"])
    }

    @Test("no more are waited for than allowed")
    func limit() throws {
        var settings = SocketIOMachine.Settings()
        settings.maxAcks = 2
        let (end, ids) = ClientEnd.joined(["/"], settings)
        for _ in 0..<2 { try end.emit(ids[0], "e", ack: true) }
        #expect(throws: Failure.self) { try end.emit(ids[0], "e", ack: true) }
        try end.emit(ids[0], "e")
        for id in 0..<3 { end.receive("42\(id)[\"q\"]") }
        #expect(end.take().suffix(3) == [#"event 1 "q" [] ?"#, #"event 1 "q" []"#, "warn \(Status.limit.code)"])
    }

    @Test("the host acknowledges an event once, on the connection that it came on")
    func ours() throws {
        let (end, _) = ClientEnd.joined(["/a"])
        end.receive(#"42/a,18446744073709551615["too long"]"#)
        #expect(end.closing != nil)
        let (other, _) = ClientEnd.joined(["/a"])
        other.receive(#"42/a,9007199254740991["q",1]"#)
        try other.acknowledge(other.lastAck, #"["ok"]"#)
        #expect(throws: Failure.self) { try other.acknowledge(other.lastAck) }
        other.receive(#"42/a,7["q"]"#)
        let ack = other.lastAck
        other.lose()
        other.connect()
        other.receive(#"40/a,{"sid":"S2"}"#)
        #expect(throws: Failure.self) { try other.acknowledge(ack) }
        #expect(other.take().contains(#"> 43/a,9007199254740991["ok"]"#))
    }

    @Test("with attachments in both directions")
    func binary() throws {
        let (end, ids) = ClientEnd.joined()
        let ack = try end.emit(
            ids[0], "e", #"[{"_placeholder":true,"num":0}]"#, attachments: [[1, 2]], ack: true)
        end.receive(#"461-0[{"_placeholder":true,"num":0}]"#)
        end.receive(binary: [3])
        end.receive(#"423["q"]"#)
        try end.acknowledge(end.lastAck, #"[{"_placeholder":true,"num":0}]"#, attachments: [[]])
        #expect(
            end.take() == [
                #"> 451-0["e",{"_placeholder":true,"num":0}]"#, "> hex 0102",
                #"ack \#(ack) [{"_placeholder":true,"num":0}] 03"#, #"event 1 "q" [] ?"#,
                #"> 461-3[{"_placeholder":true,"num":0}]"#, "> hex ",
            ])
    }
}
