import GWBase
import GWSocketIO
import Testing

@Suite("Sending events")
struct SendingTests {
    @Test("what is emitted before the join is kept in order, within limits, over losses")
    func buffer() throws {
        var settings = SocketIOMachine.Settings()
        settings.maxBufferedPackets = 3
        settings.maxBufferedBytes = 60
        let end = ClientEnd(settings)
        let namespace = end.join("/")
        try end.emit(namespace, "a")
        end.connect()
        try end.emit(namespace, "b", #"[{"_placeholder":true,"num":0}]"#, attachments: [[9]])
        end.lose()
        #expect(throws: Failure.self) { try end.emit(namespace, "c", "[\(String(repeating: "1", count: 30))]") }
        end.connect()
        try end.emit(namespace, "d")
        #expect(throws: Failure.self) { try end.emit(namespace, "e") }
        _ = end.take()
        end.receive(#"40{"sid":"S"}"#)
        #expect(
            end.take() == [
                #"> 42["a"]"#, #"> 451-["b",{"_placeholder":true,"num":0}]"#, "> hex 09", #"> 42["d"]"#, "joined 1 S",
            ])
        try end.emit(namespace, "f")
        #expect(end.take() == [#"> 42["f"]"#])
    }

    @Test("a volatile event is dropped where it cannot be sent at once")
    func volatile() throws {
        let end = ClientEnd()
        let namespace = end.join("/")
        #expect(throws: Failure.self) { try end.emit(namespace, "v", volatile: true) }
        end.connect()
        #expect(throws: Failure.self) { try end.emit(namespace, "v", volatile: true) }
        end.receive(#"40{"sid":"S"}"#)
        try end.emit(namespace, "v", "[1]", volatile: true)
        end.isBusy = true
        #expect(throws: Failure.self) { try end.emit(namespace, "v", ack: true, volatile: true) }
        #expect(end.take().filter { $0.hasPrefix("> 42") } == [#"> 42["v",1]"#])
        #expect(end.machine.acksInFlight == 0)
    }

    @Test("reserved names are refused", arguments: ["connect", "connect_error", "disconnect", "disconnecting"])
    func reserved(_ name: String) {
        let (end, ids) = ClientEnd.joined()
        #expect(throws: Failure.self) { try end.emit(ids[0], name) }
        #expect(end.take().isEmpty)
    }

    @Test("ordinary names are not", arguments: ["message", "error", "ping", "", "connected", "\"\n"])
    func ordinary(_ name: String) throws {
        let (end, ids) = ClientEnd.joined()
        try end.emit(ids[0], name)
        #expect(end.take().count == 1)
    }

    @Test("a message above the server's maxPayload is refused, exactly so large a one is sent")
    func maxPayload() throws {
        let end = ClientEnd()
        let namespace = end.join("/")
        try end.emit(namespace, "x", "[\"\(String(repeating: "a", count: 60))\"]")
        let kept = try end.emit(namespace, "y", "[\"\(String(repeating: "a", count: 60))\"]", ack: true)
        end.connect(openPacket: #"0{"sid":"E","pingInterval":1000,"pingTimeout":1000,"maxPayload":40}"#)
        _ = end.take()
        end.receive(#"40{"sid":"S"}"#)
        #expect(end.take() == ["warn \(Status.tooBig.code)", "ended \(kept) \(Status.tooBig.code)", "joined 1 S"])
        let filler = String(repeating: "a", count: 40 - #"42["x",""]"#.utf8.count)
        try end.emit(namespace, "x", "[\"\(filler)\"]")
        #expect(throws: Failure.self) { try end.emit(namespace, "x", "[\"\(filler)a\"]") }
        let binary = #"[{"_placeholder":true,"num":0}]"#
        #expect(throws: Failure.self) {
            try end.emit(namespace, "x", binary, attachments: [[UInt8](repeating: 0, count: 41)])
        }
    }

    @Test("arguments must be an array, and placeholders must name an attachment")
    func arguments() {
        let (end, ids) = ClientEnd.joined()
        #expect(throws: Failure.self) { try end.emit(ids[0], "x", "{}") }
        for arguments in [
            #"[{"_placeholder":true,"num":1}]"#, #"[[{"a":{"num":-1,"_placeholder":true}}]]"#,
            #"[{"_placeholder":true}]"#, #"[{"_placeholder":true,"num":"0"}]"#,
            #"[{"_pl\u0061ceholder":true,"num":0.5}]"#,
        ] {
            #expect(throws: Failure.self) { try end.emit(ids[0], "x", arguments, attachments: [[1]]) }
        }
        let eleven = [[UInt8]](repeating: [1], count: 11)
        #expect(throws: Failure.self) { try end.emit(ids[0], "x", "[]", attachments: eleven) }
        #expect(end.take().isEmpty)
    }

    @Test("an object that only looks like a placeholder is one only beside attachments")
    func lookalike() throws {
        let (end, ids) = ClientEnd.joined()
        try end.emit(ids[0], "x", #"[{"_placeholder":true,"num":9}]"#)
        end.receive(#"42["x",{"_placeholder":true,"num":9}]"#)
        #expect(end.take().count == 2)
    }
}
