import Foundation
import GWBase
import GWGateway
import GWRuntime
import Testing

extension RuntimeTests {
    @Suite struct Threads {
        private final class Shared: @unchecked Sendable {
            let host: Host
            let server: Server
            let client: Client
            init(_ host: Host, _ server: Server, _ client: Client) {
                self.host = host
                self.server = server
                self.client = client
            }
        }

        /// gatewire.h: "every function may be called from any thread".
        @Test(arguments: everyDrive)
        func everythingFromEightThreads(drive: Context.Drive) throws {
            let host = try Host(drive)
            let server = try host.serve()
            let client = try host.open(port: server.address.port)
            try host.wait(.clientConnected)
            let shared = Shared(host, server, client)
            onThreads(8) { index in
                let limit = ContinuousClock.now + .seconds(1)
                var last: UInt64 = 0
                while ContinuousClock.now < limit {
                    switch index {
                    case 0: shared.host.poll(2)
                    case 1: last = (try? shared.host.call(shared.client, "health")) ?? 0
                    case 2: last = (try? shared.host.call(shared.client, "unknown", "[1]")) ?? 0
                    case 3: shared.host.push(shared.server, "tick", "{}")
                    case 4: shared.host.context.flush()
                    case 5: shared.host.context.wake()
                    case 6: _ = shared.host.state(shared.client)
                    default:
                        // Clients come and go meanwhile.
                        if let other = try? shared.host.open(port: shared.server.address.port) {
                            _ = shared.host.state(shared.client)
                            shared.host.close(other)
                        }
                    }
                    if index == 2, last != 0 { _ = shared.host.context.call { shared.client.cancel(last) } }
                    if index == 7 { Foundation.Thread.sleep(forTimeInterval: 0.002) }
                }
            }
            host.close(client)
            host.poll(within: 10) { host.events(.clientClosed).contains { $0.source == client.id || client.id == 0 } }
            host.stop(server)
            try host.wait(.serverClosed, within: 10)
            for (what, found) in [
                ("client", host.events(.clientClosed).map(\.source)), ("call", host.events(.callDone).map(\.subject)),
                ("peer", host.events(.peerDisconnected).map(\.connection)),
            ] {
                #expect(Set(found).count == found.count, "a \(what) ended twice")
            }
            #expect(host.events(.peerConnected).count <= host.events(.peerDisconnected).count)
        }

        /// Sockets, epoll descriptors, timers and events of this process.
        private func descriptors() throws -> Int {
            let kinds = ["socket:", "anon_inode:[eventpoll]", "anon_inode:[eventfd]", "anon_inode:[timerfd]"]
            return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
                let target = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/" + name)) ?? ""
                return kinds.contains { target.hasPrefix($0) }
            }.count
        }

        private func useEverything(_ drive: Context.Drive) throws {
            let host = try Host(drive)
            let server = try host.serve(.selfSigned(names: ["localhost"]))
            let client = try host.open(port: server.address.port, pin: server.address.certificatePin)
            try host.wait(.clientConnected)
            _ = try host.call(client, "health")
            try host.wait(.callDone)
            let listener = try RawListener()
            _ = try host.open(port: listener.port)
            _ = try host.open(port: listener.port, pin: server.address.certificatePin)
            let raw = try RawPeer(port: server.address.port)
            raw.send("garbage")
            var target = DialSettings.Target()
            target.url = "ws://localhost:\(listener.port)".bytes
            _ = host.open(try ClientSettings(LinkSettings(DialSettings(target)), identity: .none))
            host.poll(20)
            // Freed with everything under way.
        }

        @Test func noDescriptorIsLeftBehind() throws {
            for drive in everyDrive { try useEverything(drive) }
            let before = try descriptors()
            for _ in 0..<5 { for drive in everyDrive { try useEverything(drive) } }
            #expect(try descriptors() == before)
        }

        /// Clients that ended leave nothing in the context, whichever way they ended.
        @Test func endedClientsLeaveNoDescriptor() throws {
            let host = try Host()
            let server = try host.serve()
            let before = try descriptors()
            for count in 1...20 {
                let client = try host.open(port: server.address.port)
                if count % 2 == 0 { try host.wait(.clientConnected, count: count / 2) }
                host.close(client)
                try host.wait(.clientClosed, count: count)
            }
            #expect(host.poll(within: 6) { (try? descriptors()) == before })
        }
    }
}
