import Foundation
import GWBase
import GWGateway
import GWRuntime
import Testing

extension RuntimeTests {
    /// client.h: a call ends once; NOT_SENT only if it has certainly not run.
    @Suite struct Outcomes {
        private func ready(
            _ host: Host, _ listener: RawListener, _ change: (inout ClientSettings) -> Void = { _ in }
        ) throws -> (Client, FakeGateway) {
            let client = try host.open(port: listener.port, change)
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            return (client, gateway)
        }

        @Test func callsThatNeverLeftWereNotSent() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            let calls = try (0..<5).map { _ in try host.call(client, "m") }
            gateway.peer.reset()
            try host.wait(.callDone, count: 5)
            try host.wait(.clientClosed)
            #expect(Set(host.events(.callDone).map(\.subject)) == Set(calls))
            for done in host.events(.callDone) { #expect(done.status == .notSent || done.status == .outcomeUnknown) }
        }

        @Test func callsThatLeftAreUnknown() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            let calls = try (0..<5).map { _ in try host.call(client, "m") }
            host.context.flush()
            host.poll { gateway.messages().count == 5 }
            gateway.peer.close()
            try host.wait(.clientClosed)
            #expect(Set(host.events(.callDone).map(\.subject)) == Set(calls))
            #expect(host.events(.callDone).count == 5)
            #expect(host.events(.callDone).allSatisfy { $0.status == .outcomeUnknown })
            #expect(host.seen.last?.type == .clientClosed, "calls end before their client")
        }

        /// Whatever the peer has read of a call, that call is not reported as not sent: also what leaves after the end.
        @Test(arguments: [false, true])
        func whatThePeerReadsWasNeverReportedAsNotSent(breaksProtocol: Bool) throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener(receiveBuffer: 4096)) {
                $0.machine.session.helloMilliseconds = 1000
                $0.link.maxQueuedBytes = 64 << 20
                $0.link.dial.offersDeflate = false
            }
            let params = "\"" + String(repeating: "p", count: 60_000) + "\""
            var ids: [UInt64] = []
            for _ in 0..<200 { ids.append(try host.call(client, "m", params)) }
            host.context.flush()
            #expect(host.state(client).queuedBytes > 0, "the kernel took everything; the test shows nothing")
            gateway.peer.send(breaksProtocol ? RawFrame.frame(0x83, []) : RawFrame.close(1001))
            host.poll { !host.events(.callDone).isEmpty }
            // The peer reads on, and the connection lingers for its last bytes.
            host.poll(within: 4) {
                gateway.peer.take(); return gateway.peer.isEnded
            }
            let read = Set(try gateway.messages().filter { $0.contains("\"m\"") }.map { try FakeGateway.id(of: $0) })
            let reported = host.events(.callDone)
            #expect(reported.count == 200 && Set(reported.map(\.subject)) == Set(ids))
            let notSent = reported.filter { $0.status == .notSent }
            // Wire ids are not the host's, but both count in the order of the calls.
            #expect(notSent.count + read.count <= 200, "\(notSent.count) not sent, yet \(read.count) were read")
        }

        /// The time limit passes while the call still waits to be sent; it may leave later, so it is not "not sent".
        @Test func aCallThatExpiresInTheQueue() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            let call = try host.call(client, "m", milliseconds: 1)
            hostIsAway(milliseconds: 20)
            let done = try host.wait(.callDone)
            #expect(done.subject == call)
            host.poll(20)
            let wasRead = gateway.messages().contains { $0.contains("\"m\"") }
            #expect(!(wasRead && done.status == .notSent), "it was reported as not sent, and it was sent")
            #expect(done.status == .callTimeout || done.status == .notSent)
        }

        @Test func aCallWithoutAnAnswerTimesOut() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            let call = try host.call(client, "m", milliseconds: 30)
            let request = try gateway.message(host, with: "\"m\"")
            let done = try host.wait(.callDone)
            #expect(done.subject == call && done.status == .callTimeout)
            // A late answer is nothing to speak of.
            gateway.send(#"{"type":"res","id":"\#(try FakeGateway.id(of: request))","ok":true}"#)
            host.poll(30)
            #expect(host.events(.callDone).count == 1 && host.events(.clientWarning).isEmpty)
        }

        /// A host that comes late finds the answer that came in time.
        @Test func anAnswerThatLiesInTheSocketIsReadBeforeTheTimeLimitIsJudged() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            _ = try host.call(client, "m", milliseconds: 60)
            let request = try gateway.message(host, with: "\"m\"")
            gateway.send(#"{"type":"res","id":"\#(try FakeGateway.id(of: request))","ok":true,"payload":1}"#)
            hostIsAway(milliseconds: 100)
            #expect(try host.wait(.callDone).status == .ok)
        }

        @Test func cancelEndsOnce() throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener())
            let call = try host.call(client, "m")
            #expect(host.context.call { client.cancel(call) })
            #expect(!host.context.call { client.cancel(call) })
            #expect(try host.wait(.callDone).status == .cancelled)
            host.close(client)
            host.poll(20)
            gateway.peer.close()
            try host.wait(.clientClosed)
            #expect(host.events(.callDone).count == 1)
        }

        /// A close that finds the connection broken still ends in its event.
        @Test(arguments: [true, false])
        func closingABrokenConnection(reconnects: Bool) throws {
            let host = try Host()
            let (client, gateway) = try ready(host, RawListener()) { $0.machine.reconnects = reconnects }
            _ = try host.call(client, "m")
            gateway.peer.reset()
            host.close(client)
            try host.wait(.clientClosed)
            host.poll(30)
            #expect(host.events(.clientClosed).count == 1 && host.events(.callDone).count == 1)
            #expect(host.seen.last?.type == .clientClosed)
        }

        /// client.h: hold back after GW_QUEUED until GW_EVENT_CLIENT_WRITABLE, which therefore comes.
        @Test func writableFollowsQueuedAlsoIfTheKernelTakesAllAtOnce() throws {
            let host = try Host()
            let (client, _) = try ready(host, RawListener()) { $0.link.maxQueuedBytes = 40_000 }
            var isAbove = false
            let params = "\"" + String(repeating: "0123456789", count: 100) + "\""
            while !isAbove { isAbove = try host.tryCall(client, "m", params).get().isAboveMark }
            try host.wait(.clientWritable)
        }

        /// The same over TLS, where what is encrypted may wait for the kernel too.
        @Test(arguments: [false, true])
        func whatAGatewayReadsWasNeverReportedAsNotSent(isEncrypted: Bool) throws {
            let gatewayHost = try Host()
            let server = try gatewayHost.serve(isEncrypted ? .selfSigned(names: ["localhost"]) : .none) {
                // It sends no tick while nobody polls it, and reads nothing.
                $0.session.tickMilliseconds = 200
                $0.session.hasBuiltinMethods = false
            }
            let host = try Host()
            let pin = isEncrypted ? server.address.certificatePin : nil
            let client = try host.open(port: server.address.port, pin: pin) {
                $0.link.maxQueuedBytes = 64 << 20
                $0.link.dial.offersDeflate = false
            }
            gatewayHost.poll {
                host.poll(1)
                return !host.events(.clientConnected).isEmpty
            }
            let params = "\"" + String(repeating: "p", count: 60_000) + "\""
            for _ in 0..<200 { _ = try host.call(client, "m", params, expectsFinal: true) }
            #expect(try host.wait(.clientClosed).status == .tickTimeout)
            gatewayHost.poll {
                host.poll(1)
                return !gatewayHost.events(.peerDisconnected).isEmpty
            }
            let notSent = host.events(.callDone).filter { $0.status == .notSent }.count
            let read = gatewayHost.events(.peerRequest).count
            #expect(host.events(.callDone).count == 200)
            #expect(notSent + read <= 200, "\(notSent) not sent, yet \(read) were read")
        }

        @Test func fullIsSaidAndNothingTaken() throws {
            let host = try Host()
            let (client, _) = try ready(host, RawListener()) { $0.link.maxQueuedBytes = 4000 }
            var taken = 0
            while case .success = host.tryCall(client, "m") { taken += 1 }
            guard case .failure(let failure) = host.tryCall(client, "m") else { return }
            #expect(failure.status == .full && host.state(client).callsInFlight == UInt64(taken))
        }
    }
}
