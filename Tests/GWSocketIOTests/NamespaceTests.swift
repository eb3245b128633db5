import GWBase
import GWSocketIO
import Testing

@Suite("Namespaces")
struct NamespaceTests {
    @Test("all are joined again after a loss, in the order in which they were asked for")
    func rejoin() {
        let (end, _) = ClientEnd.joined(["/", "/a"])
        end.lose()
        end.connect()
        end.receive(#"40/a,{"sid":"S2"}"#)
        #expect(
            end.take() == [
                "disconnected 1 transport close", "disconnected 2 transport close", "opened 25000", "> 40", "> 40/a,",
                "joined 2 S2",
            ])
    }

    @Test("auth is asked for at each attempt, and an answer to an old question is refused")
    func auth() {
        let end = ClientEnd()
        let namespace = end.join("/", auth: .asked)
        end.connect()
        #expect(end.answer(end.questions[0], #"{"token":"1"}"#))
        #expect(!end.answer(end.questions[0], #"{"token":"1"}"#))
        end.lose()
        end.connect()
        #expect(end.questions.count == 2)
        #expect(!end.answer(end.questions[0], "{}"))
        #expect(end.answer(end.questions[1], ""))
        #expect(
            end.take().filter { $0.hasPrefix(">") || $0.hasPrefix("ask") } == [
                "ask \(namespace)", #"> 40{"token":"1"}"#, "ask \(namespace)", "> 40",
            ])
    }

    @Test("a namespace for which the host gives no auth in time ends, the others go on")
    func authDeadline() {
        var settings = SocketIOMachine.Settings()
        settings.authMilliseconds = 100
        let end = ClientEnd(settings)
        _ = end.join("/slow", auth: .asked)
        _ = end.join("/")
        end.connect()
        end.receive(#"40{"sid":"S"}"#)
        end.advance(100)
        #expect(end.take().last?.hasPrefix("left 1 no auth object was given") == true)
        #expect(end.closing == nil)
        #expect(!end.answer(end.questions[0], "{}"))
    }

    @Test("a connect packet that is not answered in time ends the connection, and the delays grow")
    func joinDeadline() throws {
        let end = ClientEnd()
        _ = end.join("/")
        var delays: [UInt32] = []
        for _ in 0..<3 {
            end.connect()
            end.advance(20_000)
            let failure = try #require(end.closing)
            #expect(failure.status == .helloTimeout)
            guard case .retry(let delay, _) = end.lose() else { continue }
            delays.append(delay)
        }
        #expect(delays.count == 3 && delays[0] <= 1500 && delays[1] >= 1000 && delays[2] >= 2000)
    }

    @Test("leaving says so to the server, ends what waits, and closes the connection with the last one")
    func leaving() throws {
        let (end, ids) = ClientEnd.joined(["/", "/a"])
        let ack = try end.emit(ids[1], "e", ack: true)
        #expect(end.leave(ids[1]))
        #expect(!end.leave(ids[1]))
        #expect(throws: Failure.self) { try end.emit(ids[1], "e") }
        #expect(end.leave(ids[0]))
        #expect(
            end.take() == [
                #"> 42/a,0["e"]"#, "> 41/a,", "ended \(ack) \(Status.outcomeUnknown.code)",
                "left 2 io client disconnect", "> 41", "left 1 io client disconnect", "close io client disconnect",
            ])
        guard case .rest = end.lose() else { return #expect(Bool(false), "the client does not rest") }
    }

    @Test("one that was left or refused can be joined again on the same connection, with an id of its own")
    func again() {
        let (end, ids) = ClientEnd.joined(["/", "/a"])
        #expect(end.leave(ids[1]))
        let second = end.join("/a")
        end.receive(#"44/a,{"message":"no"}"#)
        let third = end.join("/a")
        end.receive(#"40/a,{"sid":"S3"}"#)
        #expect(Set([ids[1], second, third]).count == 3)
        #expect(end.take().suffix(4) == ["> 40/a,", "left 3 no", "> 40/a,", "joined 4 S3"])
    }

    @Test(
        "one that is left before the server has answered is told to it after the answer, and asked for again only then")
    func leftWhileJoining() {
        let (end, _) = ClientEnd.joined()
        let first = end.join("/a")
        #expect(end.leave(first))
        let second = end.join("/a")
        end.receive(#"42/a,["early"]"#)
        end.receive(#"40/a,{"sid":"S1"}"#)
        end.receive(#"40/a,{"sid":"S2"}"#)
        #expect(
            end.take() == ["> 40/a,", "left 2 io client disconnect", "> 41/a,", "> 40/a,", "joined \(second) S2"])
        let third = end.join("/b")
        #expect(end.leave(third))
        end.receive(#"44/b,{"message":"no"}"#)
        _ = end.join("/c")
        #expect(end.leave(5))
        end.advance(20_000)
        #expect(end.closing?.status == .helloTimeout)
    }

    @Test("the same one is not joined twice, nor more of them than allowed")
    func refusedJoins() throws {
        var settings = SocketIOMachine.Settings()
        settings.maxNamespaces = 2
        let (end, _) = ClientEnd.joined(["/", "/a"], settings)
        for name in ["/", "/a", "/b", "b", "/c,d"] {
            #expect(throws: Failure.self) { try end.machine.join(JoinRequest(name: name.bytes), end.now) }
        }
    }

    @Test("packets for namespaces that are not joined are ignored, with their attachments")
    func unknown() {
        let (end, _) = ClientEnd.joined()
        for message in [#"42/x,["e"]"#, "43/x,0[]", "41/x,", "44/x,", #"40/x,{"sid":"S"}"#, #"40{"sid":"again"}"#] {
            end.receive(message)
        }
        end.receive(#"451-/x,["e",{"_placeholder":true,"num":0}]"#)
        end.receive(binary: [1])
        end.receive(#"42["e"]"#)
        #expect(end.take() == [#"event 1 "e" []"#])
    }

    @Test("a server of an older protocol, which gives no sid, counts as a refusal")
    func olderProtocol() {
        let end = ClientEnd()
        _ = end.join("/")
        end.connect()
        end.receive("40")
        #expect(end.take().contains { $0.hasPrefix("left 1 the server gave no sid") })
    }

    @Test("closing the client leaves every namespace")
    func closing() {
        let (end, _) = ClientEnd.joined(["/", "/a"])
        end.machine.close()
        end.drain()
        #expect(end.take() == ["> 41", "> 41/a,", "left 1 io client disconnect", "left 2 io client disconnect"])
    }
}
