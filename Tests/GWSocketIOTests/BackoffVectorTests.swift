import Foundation
import GWBase
import GWSocketIO
import Testing

@Suite("Reconnection delays: vectors")
struct BackoffVectorTests {
    @Test("the delay of each attempt for each random number is the official client's")
    func all() throws {
        for item in try vectors("cases", of: "backoff.json") {
            func number(_ name: String) -> Double { (item[name] as? NSNumber)?.doubleValue ?? -1 }
            var backoff = Backoff(
                initialMilliseconds: UInt32(number("min")), maximumMilliseconds: UInt32(number("max")),
                jitter: number("jitter"))
            for _ in 0..<Int(number("attempt")) { _ = backoff.failed(random: 0) }
            #expect(backoff.failed(random: number("random")) == UInt32(number("delay_ms")), "\(canonical(item))")
        }
    }

    @Test("no setting and no number of attempts overflows")
    func extremes() {
        var backoff = Backoff(initialMilliseconds: .max, maximumMilliseconds: .max, jitter: 1)
        for random in [0, 0.5, 0.999_999, 1, 2, -1] {
            for _ in 0..<100 { _ = backoff.failed(random: random) }
        }
        #expect(backoff.attempts == 600)
        backoff.succeeded()
        #expect(backoff.attempts == 0)
    }
}
