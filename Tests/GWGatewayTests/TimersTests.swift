import Foundation
import GWBase
import GWGateway
import Testing

@Suite("Liveness (openclaw-gateway 6.2, 6.4)")
struct TickWatchTests {
    @Test("the timelines of the vectors")
    func timelines() throws {
        for item in try cases("tickWatch", of: "timers.json") {
            // Older generations and the override of the limit are not ours.
            guard member("rules", of: item) == "current", item["timeoutMs"] is NSNull else { continue }
            let name: String = try required("name", of: item)
            func at(_ milliseconds: UInt32) -> Instant { ClientEnd.start.adding(milliseconds: milliseconds) }
            var watch = TickWatch(
                tickMilliseconds: try required("tickIntervalMs", of: item), now: ClientEnd.start)
            var activity: [UInt32] = try required("activityAtMs", of: item)
            for check in try required("checks", of: item, as: [[String: Any]].self) {
                let time: UInt32 = try required("atMs", of: check)
                while let next = activity.first, next <= time {
                    watch.active(at(next))
                    activity.removeFirst()
                }
                #expect(watch.nextCheck == at(time), "\(name)")
                let action: String = try required("action", of: check)
                var early = watch
                if case .silent = early.check(at(time - 1), isSuspended: false) { Issue.record("too early: \(name)") }
                switch watch.check(at(time), isSuspended: action == "skip") {
                case .wait: #expect(action != "close", "\(name) at \(time)")
                case .silent(let silence):
                    #expect(action == "close", "\(name) at \(time)")
                    #expect(silence == member("gapMs", of: check), "\(name) at \(time)")
                }
            }
        }
    }

    @Test("silence of exactly two intervals is not too long, and extreme intervals do no harm")
    func edges() {
        var watch = TickWatch(tickMilliseconds: 1000, now: ClientEnd.start)
        let edge = ClientEnd.start.adding(milliseconds: 2000)
        if case .silent = watch.check(edge, isSuspended: false) { Issue.record("closed at the limit") }
        for interval: UInt32 in [0, 1, .max] {
            var watch = TickWatch(tickMilliseconds: interval, now: Instant(microseconds: .max - 1))
            _ = watch.check(.never, isSuspended: false)
            watch.active(Instant(microseconds: 0))
            _ = watch.check(Instant(microseconds: 0), isSuspended: false)
        }
    }
}

@Suite("Reconnect (openclaw-gateway 7.1)")
struct ReconnectTests {
    @Test("the ceiling doubles from the initial delay to the maximum, and a hello resets it")
    func ceilings() throws {
        let backoff: [String: Any] = try #require(try vectors("timers.json")["backoff"] as? [String: Any])
        let wanted: [UInt32] = try required("delaysWithoutJitter", of: backoff)
        var reconnect = Reconnect(
            initialMilliseconds: try required("initialMs", of: backoff),
            maximumMilliseconds: try required("maxMs", of: backoff))
        for _ in 0..<2 {
            #expect(wanted.map { _ in reconnect.failed(floor: 0) { $0 } } == wanted)
            #expect(reconnect.attempts == UInt64(wanted.count))
            reconnect.succeeded()
            #expect(reconnect.attempts == 0)
        }
    }

    @Test("another network: the waits begin anew, the attempts stay counted")
    func networkChanged() {
        var reconnect = Reconnect(initialMilliseconds: 100, maximumMilliseconds: 30_000)
        #expect((0..<4).map { _ in reconnect.failed(floor: 0) { $0 } } == [100, 200, 400, 800])
        reconnect.networkChanged()
        #expect(reconnect.attempts == 4)
        #expect((0..<3).map { _ in reconnect.failed(floor: 0) { $0 } } == [100, 200, 400])
        #expect(reconnect.attempts == 7)
    }

    @Test("delays are spread over all of 0 to the ceiling")
    func spread() {
        let pool = seededPool(7)
        var counts = [Int](repeating: 0, count: 10)
        for _ in 0..<5000 {
            var reconnect = Reconnect(initialMilliseconds: 1000, maximumMilliseconds: 30_000)
            let delay = reconnect.failed(floor: 0) { pool.uniform(upTo: $0) }
            #expect(delay <= 1000)
            counts[min(Int(delay) / 100, 9)] += 1
        }
        // 500 each are expected; 400 and 600 are more than four standard deviations away.
        #expect(counts.allSatisfy { $0 > 400 && $0 < 600 }, "\(counts)")
    }

    @Test("the time that the peer asked for is a floor, and the spread stays above it")
    func floor() {
        let pool = seededPool(8)
        var seen: Set<UInt32> = []
        for _ in 0..<1000 {
            var reconnect = Reconnect(initialMilliseconds: 1000, maximumMilliseconds: 30_000)
            let delay = reconnect.failed(floor: 5000) { pool.uniform(upTo: $0) }
            #expect(delay >= 5000 && delay <= 6000)
            seen.insert(delay)
        }
        #expect(seen.count > 300)
    }

    @Test("limits of zero, turned round or as large as can be do no harm")
    func extremes() {
        for (initial, maximum): (UInt32, UInt32) in [(0, 0), (1000, 10), (.max, .max), (1, .max)] {
            var reconnect = Reconnect(initialMilliseconds: initial, maximumMilliseconds: maximum)
            for _ in 0..<70 {
                #expect(reconnect.failed(floor: 0) { $0 } <= max(1, initial, maximum))
                #expect(reconnect.failed(floor: .max) { $0 } == .max)
            }
        }
    }

    private func seededPool(_ seed: UInt64) -> RandomPool {
        var random = Seeded(seed)
        return RandomPool { buffer in
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: random.next() >> 40) }
        }
    }

    @Test("a gateway that is starting is asked again as it says, within bounds")
    func startup() throws {
        for item in try cases("startupRetryDelay", of: "timers.json") {
            // JSON has no number that is none; a text in its place is as good as none.
            let after = item["retryAfterMs"].flatMap { $0 is NSNull ? nil : #","retryAfterMs":\#(json($0))"# } ?? ""
            let message = Text(
                #"{"code":"UNAVAILABLE","message":"m","retryable":true,"details":{"reason":"startup-sidecars"}\#(after)}"#
            )
            let error = ErrorObject(message.scan(), in: message.bytes)
            let failure = ConnectFailure(error, in: message.bytes)
            #expect(startupDelay(failure) == member("delayMs", of: item), "\(after)")
            #expect(!failure.stopsReconnecting)
        }
    }
}
