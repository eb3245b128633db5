import Foundation
import GWBase
import GWGateway
import GWRuntime
import Testing

#if canImport(Glibc)
    import Glibc
#endif

private func isReadable(_ host: Host, milliseconds: Int32 = 0) -> Bool {
    var entry = pollfd(fd: host.context.fd, events: Int16(POLLIN), revents: 0)
    return Glibc.poll(&entry, 1, milliseconds) == 1
}

extension RuntimeTests {
    /// context.h: the descriptor, poll, wake and flush.
    @Suite struct Polling {
        /// Polls as an event loop does: only when the descriptor is readable.
        private func watch(_ host: Host, within seconds: Double = 5, until isDone: () -> Bool) -> Bool {
            let limit = ContinuousClock.now + .seconds(seconds)
            while !isDone() {
                guard ContinuousClock.now < limit else { return false }
                if isReadable(host, milliseconds: 20) { host.poll(0) }
            }
            return true
        }

        @Test(arguments: everyDrive)
        func anEventLoopNeedsTheDescriptorOnly(drive: Context.Drive) throws {
            let host = try Host(drive)
            _ = host.context.fd
            let server = try host.serve()
            let client = try host.open(port: server.address.port)
            #expect(watch(host) { !host.events(.clientConnected).isEmpty })
            for round in 1...20 {
                _ = try host.call(client, "health")
                #expect(watch(host) { host.events(.callDone).count == round })
            }
            host.close(client)
            #expect(watch(host) { !host.events(.clientClosed).isEmpty && !host.events(.peerDisconnected).isEmpty })
            host.stop(server)
            #expect(watch(host) { !host.events(.serverClosed).isEmpty })
        }

        /// Nothing to do and nothing to give: the descriptor is silent, so that an event loop sleeps.
        @Test(arguments: everyDrive)
        func theDescriptorRestsWhenThereIsNothing(drive: Context.Drive) throws {
            let host = try Host(drive)
            _ = host.context.fd
            let server = try host.serve()
            let client = try host.open(port: server.address.port)
            #expect(watch(host) { !host.events(.clientConnected).isEmpty && !host.events(.peerConnected).isEmpty })
            _ = try host.call(client, "health")
            #expect(watch(host) { !host.events(.callDone).isEmpty })
            #expect(rests(host))
            host.context.wake()
            #expect(isReadable(host))
            #expect(rests(host), "after a wake-up")
            host.context.wake()
            _ = try host.call(client, "health")
            #expect(watch(host) { host.events(.callDone).count == 2 })
            #expect(rests(host), "after a wake-up among events")
        }

        /// Whether the descriptor becomes silent within a few polls.
        private func rests(_ host: Host) -> Bool {
            for _ in 0..<20 {
                guard isReadable(host, milliseconds: 5) else { return true }
                host.poll(0)
            }
            return false
        }

        @Test func timeLimitsReachAnEventLoop() throws {
            let host = try Host()
            _ = host.context.fd
            let listener = try RawListener()
            _ = try host.open(port: listener.port) { $0.link.dial.upgradeMilliseconds = 30 }
            #expect(watch(host) { !host.events(.clientClosed).isEmpty })
            #expect(host.events(.clientClosed).first?.status == .upgradeTimeout)
        }

        /// A wake-up takes no time limit away: the timer is set again whatever the poll returned for.
        @Test func timeLimitsSurviveWakeUps() throws {
            for round in 0..<10 {
                let host = try Host()
                _ = host.context.fd
                let listener = try RawListener()
                let limit = UInt32(20 + round)
                _ = try host.open(port: listener.port) { $0.link.dial.upgradeMilliseconds = limit }
                _ = watch(host, within: 0.01) { false }
                // Timer and wake-up are found by one and the same poll.
                hostIsAway(milliseconds: 40)
                host.context.wake()
                #expect(watch(host, within: 2) { !host.events(.clientClosed).isEmpty })
            }
        }

        @Test(arguments: everyDrive)
        func wakeEndsAWaitingPoll(drive: Context.Drive) throws {
            let host = try Host(drive)
            #expect(
                isDone(within: 5) {
                    let waker = DispatchSemaphore(value: 0)
                    Foundation.Thread.detachNewThread {
                        host.context.wake()
                        waker.signal()
                    }
                    _ = host.context.poll(milliseconds: -1) { _ in }
                    waker.wait()
                })
        }

        @Test(arguments: everyDrive)
        func aCallOfAnotherThreadReachesAWaitingPoll(drive: Context.Drive) throws {
            let host = try Host(drive)
            let server = try host.serve()
            let client = try host.open(port: server.address.port)
            try host.wait(.clientConnected)
            let sender = Sender(host, client)
            for _ in 0..<50 {
                #expect(
                    isDone(within: 5) {
                        Foundation.Thread.detachNewThread { sender.send() }
                        var isAnswered = false
                        while !isAnswered {
                            _ = host.context.poll(milliseconds: -1) { reader in
                                while let event = reader.next() { isAnswered = isAnswered || event.type == .callDone }
                            }
                        }
                    })
            }
        }

        private final class Sender: @unchecked Sendable {
            private let host: Host
            private let client: Client
            init(_ host: Host, _ client: Client) {
                self.host = host
                self.client = client
            }
            func send() { _ = host.tryCall(client, "health") }
        }

        @Test func aSecondPollIsBusy() throws {
            let host = try Host()
            let started = DispatchSemaphore(value: 0)
            let ended = DispatchSemaphore(value: 0)
            Foundation.Thread.detachNewThread {
                started.signal()
                _ = host.context.poll(milliseconds: 5_000) { _ in }
                ended.signal()
            }
            started.wait()
            var status = Status.ok
            let limit = ContinuousClock.now + .seconds(4)
            while status != .busy, ContinuousClock.now < limit { status = host.context.poll(milliseconds: 0) { _ in } }
            #expect(status == .busy)
            host.context.wake()
            ended.wait()
        }

        @Test func pollTellsTimeFromEvents() throws {
            let host = try Host()
            #expect(host.poll(0) == .timeout)
            let begin = ContinuousClock.now
            #expect(host.poll(30) == .timeout)
            #expect(ContinuousClock.now - begin >= .milliseconds(29))
            host.context.wake()
            #expect(host.poll(5_000) == .ok)
            #expect(host.poll(0) == .timeout)
        }

        /// context.h: "0: do not wait", whatever the peers send.
        @Test func pollReturnsUnderTrafficThatMakesNoEvents() throws {
            let host = try Host()
            let server = try host.serve()
            let client = try FakeClient(port: server.address.port)
            try client.upgrade(host)
            let flood = [[UInt8]](repeating: RawFrame.frame(0x89, [], isMasked: true), count: 20_000).flatMap { $0 }
            let stop = Flag()
            let stopped = DispatchSemaphore(value: 0)
            Foundation.Thread.detachNewThread {
                while !stop.isSet { client.peer.send(flood) }
                stopped.signal()
            }
            // A poll that never returns would wait for the end of the flood for ever.
            DispatchQueue.global().asyncAfter(deadline: .now() + 3) {
                stop.set()
                client.peer.shutdownBoth()
            }
            var longest = ContinuousClock.Duration.zero
            let limit = ContinuousClock.now + .seconds(1)
            while ContinuousClock.now < limit {
                let begin = ContinuousClock.now
                host.poll(0)
                longest = max(longest, ContinuousClock.now - begin)
            }
            stop.set()
            client.peer.shutdownBoth()
            stopped.wait()
            #expect(longest < .milliseconds(700), "one poll(0) took \(longest)")
        }

        final class Flag: @unchecked Sendable {
            private let lock = NSLock()
            private var value = false
            var isSet: Bool { lock.withLock { value } }
            func set() { lock.withLock { value = true } }
        }

        /// context.h: what is sent leaves with the next poll, also if that has events to give already.
        @Test func aPollWithEventsWaitingStillSends() throws {
            let host = try Host()
            let listener = try RawListener()
            let client = try host.open(port: listener.port)
            let gateway = try FakeGateway(listener, host)
            try gateway.admit(host)
            try host.wait(.clientConnected)
            let given = try host.call(client, "given")
            host.context.flush()
            _ = try host.call(client, "queued")
            // Ending a call makes an event at once.
            _ = host.context.call { client.cancel(given) }
            host.poll(0)
            let limit = ContinuousClock.now + .seconds(1)
            var wasSent = false
            while !wasSent, ContinuousClock.now < limit {
                wasSent = gateway.messages().contains { $0.contains("\"queued\"") }
            }
            #expect(wasSent)
        }
    }

    /// context.h: event_budget.
    @Suite struct Backpressure {
        /// A host that does not collect: reading stops near the budget, and goes on when it collects.
        @Test(arguments: everyDrive)
        func readingStopsAtTheBudgetAndGoesOn(drive: Context.Drive) throws {
            let gatewayHost = try Host(.thread)
            let server = try gatewayHost.serve()
            let host = try Host(drive, eventBudget: 100_000)
            var clients: [Client] = []
            for _ in 0..<4 { clients.append(try host.open(port: server.address.port)) }
            try host.wait(.clientConnected, count: 4)
            try gatewayHost.wait(.peerConnected, count: 4)

            let payload = "\"" + randomText(50_000) + "\""
            let sent = 100
            for _ in 0..<sent { gatewayHost.push(server, "big", payload) }
            // 20 MB are on their way to a host that does not collect them.
            let limit = ContinuousClock.now + .milliseconds(300)
            while ContinuousClock.now < limit { gatewayHost.poll(5) }

            var largest = 0
            var received = 0
            let end = ContinuousClock.now + .seconds(20)
            while received < sent * 4, ContinuousClock.now < end {
                var bytes = 0
                _ = host.context.poll(milliseconds: 20) { reader in
                    while let event = reader.next() {
                        bytes += event.payload.count
                        if event.payload.count == payload.utf8.count { received += 1 }
                    }
                }
                largest = max(largest, bytes)
                gatewayHost.poll(0)
            }
            #expect(received == sent * 4)
            #expect(largest < 2_000_000, "one batch held \(largest) bytes, the budget is 100000")
            #expect(host.events(.clientDisconnected).isEmpty && host.events(.clientClosed).isEmpty)
        }

        /// The second connection of a turn finds the budget used up by the first, and is read later.
        @Test func everyConnectionIsReadAgain() throws {
            let host = try Host(.host, eventBudget: 1)
            let listener = try RawListener()
            var gateways: [FakeGateway] = []
            for count in 1...3 {
                _ = try host.open(port: listener.port)
                let gateway = try FakeGateway(listener, host)
                try gateway.admit(host)
                try host.wait(.clientConnected, count: count)
                gateways.append(gateway)
            }
            for round in 1...5 {
                for gateway in gateways { gateway.send(#"{"type":"event","event":"e"}"#) }
                try host.wait(.gatewayEvent, count: round * 3)
            }
        }

        /// Room for what was stopped makes the descriptor readable: an event loop has no other way to learn of it.
        @Test(arguments: everyDrive)
        func anEventLoopReadsOn(drive: Context.Drive) throws {
            let host = try Host(drive, eventBudget: 1)
            _ = host.context.fd
            let listener = try RawListener()
            var gateways: [FakeGateway] = []
            for count in 1...3 {
                _ = try host.open(port: listener.port)
                let gateway = try FakeGateway(listener, host)
                try gateway.admit(host)
                try host.wait(.clientConnected, count: count)
                gateways.append(gateway)
            }
            for round in 1...5 {
                for gateway in gateways { gateway.send(#"{"type":"event","event":"e"}"#) }
                let limit = ContinuousClock.now + .seconds(5)
                while host.events(.gatewayEvent).count < round * 3, ContinuousClock.now < limit {
                    if isReadable(host, milliseconds: 5) { host.poll(0) }
                }
                #expect(host.events(.gatewayEvent).count == round * 3)
            }
        }

        /// A host that does not collect is not a gateway that is silent.
        @Test func theLivenessOfThePeerIsNotJudgedWhileReadingIsStopped() throws {
            let gatewayHost = try Host(.thread)
            let server = try gatewayHost.serve { $0.session.tickMilliseconds = 50 }
            let host = try Host(.thread, eventBudget: 1)
            _ = try host.open(port: server.address.port) {
                $0.link.dial.webSocket.pingMilliseconds = 20
                $0.link.dial.webSocket.pongMilliseconds = 40
            }
            try host.wait(.clientConnected)
            for _ in 0..<10 {
                gatewayHost.push(server, "e", "1")
                hostIsAway(milliseconds: 30)
            }
            gatewayHost.push(server, "last", "1")
            host.poll { host.events(.gatewayEvent).contains { $0.name == "last" } }
            #expect(host.events(.clientClosed).isEmpty, "\(host.events(.clientClosed))")
            #expect(host.events(.gatewayEvent).contains { $0.name == "last" })
        }

        /// Messages that make no events leave nothing behind that counts.
        @Test(arguments: everyDrive)
        func messagesWithoutEventsUseUpNoBudget(drive: Context.Drive) throws {
            let host = try Host(drive, eventBudget: 300_000)
            let server = try host.serve()
            let client = try FakeClient(port: server.address.port)
            try client.connect(host)
            // In two fragments each, so that each is put together in memory of its own.
            let text =
                #"{"type":"req","id":"a","method":"health","params":{"x":""# + String(repeating: "y", count: 9_000)
                + "\"}}"
            let request = text.bytes
            for round in 0..<100 {
                client.peer.send(RawFrame.frame(0x01, Array(request.prefix(5_000)), isMasked: true))
                client.peer.send(RawFrame.frame(0x80, Array(request.dropFirst(5_000)), isMasked: true))
                let isAnswered = host.poll(within: 3) {
                    client.peer.take()
                    return client.peer.text.contains("\"ok\":true")
                }
                try #require(isAnswered, "no answer to request \(round)")
                client.peer.forget()
            }
        }

        private func randomText(_ count: Int) -> String {
            var state: UInt64 = 88_172_645_463_325_252
            var text: [UInt8] = []
            for _ in 0..<count {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                text.append(0x41 + UInt8(state % 26))
            }
            return String(decoding: text, as: UTF8.self)
        }
    }
}
