import GWBase
import GWSocketIO
import Testing

@Suite("Silence, limits and what servers must not do")
struct LivenessTests {
    @Test("a ping is answered with its data")
    func pong() {
        let (end, _) = ClientEnd.joined()
        for message in ["2", "2probe", "3", "5", "6"] { end.receive(message) }
        #expect(end.take() == ["> 3", "> 3probe"])
    }

    @Test("without a ping within pingInterval + pingTimeout the server is lost, whatever else it sends")
    func silence() {
        let (end, _) = ClientEnd.joined()
        end.advance(44_000)
        end.receive("2")
        end.advance(44_999)
        end.receive(#"42["e"]"#)
        #expect(end.closing == nil)
        end.advance(1)
        #expect(end.take().last == "close ping timeout")
    }

    @Test("as long as our side does not read, silence counts for nothing")
    func held() {
        let (end, _) = ClientEnd.joined()
        for _ in 0..<4 {
            end.advance(40_000)
            end.machine.readingIsHeld(end.now)
        }
        #expect(end.closing == nil)
    }

    @Test("intervals above all bounds are held within them")
    func intervals() {
        let end = ClientEnd()
        _ = end.join("/")
        end.connect(openPacket: #"0{"sid":"E","pingInterval":9223372036854775807,"pingTimeout":9223372036854775807}"#)
        end.receive(#"40{"sid":"S"}"#)
        end.advance(4_000_000_000)
        #expect(end.closing == nil)
    }

    @Test("attachments that do not come in time end the connection")
    func missingAttachments() {
        let (end, _) = ClientEnd.joined()
        end.receive(#"452-["x"]"#)
        end.receive(binary: [1])
        end.advance(30_000)
        end.receive("2")
        end.advance(15_000)
        #expect(end.take().last == "close parse error")
    }

    @Test("more attachments than allowed, or more bytes of them, end the connection")
    func limits() {
        var settings = SocketIOMachine.Settings()
        settings.maxPacketBytes = 100
        settings.maxAttachments = 2
        for (count, bytes, isTaken) in [(2, 40, true), (2, 50, false), (3, 1, false)] {
            let (end, _) = ClientEnd.joined(["/"], settings)
            end.receive("45\(count)-[\"x\"]")
            for _ in 0..<count { end.receive(binary: [UInt8](repeating: 0, count: bytes)) }
            #expect((end.closing == nil) == isTaken)
        }
    }

    @Test("events ahead of the answer to a connect packet are held within limits")
    func heldEvents() {
        var settings = SocketIOMachine.Settings()
        settings.maxPacketBytes = 100
        let end = ClientEnd(settings)
        _ = end.join("/")
        end.connect()
        for _ in 0..<10 { end.receive(#"42["0123456789"]"#) }
        #expect(end.closing?.status == .limit)
    }

    @Test("base64 in text is an attachment; what is none ends the connection")
    func base64() {
        let (end, _) = ClientEnd.joined()
        end.receive(#"451-["x"]"#)
        end.receive("bAQID")
        #expect(end.take() == [#"event 1 "x" [] 010203"#])
        end.receive(#"451-["x"]"#)
        end.receive("b!")
        #expect(end.take() == ["close parse error"])
    }

    @Test("a client gives up after as many attempts as it may make, or where trying again cannot help")
    func givingUp() {
        var settings = SocketIOMachine.Settings()
        settings.maxAttempts = 2
        let end = ClientEnd(settings)
        _ = end.join("/")
        var ends: [String] = []
        for _ in 0..<3 {
            switch end.lose() {
            case .retry: ends.append("retry")
            case .rest: ends.append("rest")
            case .stop: ends.append("stop")
            }
        }
        #expect(ends == ["retry", "retry", "stop"])
        #expect(end.take() == ["left 1 lost"])
        let other = ClientEnd()
        _ = other.join("/")
        if case .stop = other.lose(Failure(.tlsPin, .user, "pin")) {} else { Issue.record("a pin is tried again") }
    }

    @Test("a refused upgrade is tried again")
    func refusedUpgrade() {
        let end = ClientEnd()
        _ = end.join("/")
        guard case .retry = end.lose(Failure(.upgradeRefused, .operator, "400", code: 400)) else {
            return #expect(Bool(false), "it is not")
        }
    }

    @Test("once its end is decided, what a connection still brings is ignored")
    func ending() {
        let (end, _) = ClientEnd.joined()
        end.receive("9")
        for message in ["42[\"e\"]", "2", "9"] { end.receive(message) }
        end.receive(binary: [1])
        end.advance(100_000)
        #expect(end.take() == ["close parse error"])
    }
}
