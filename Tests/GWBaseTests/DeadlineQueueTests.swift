import GWBase
import Testing

@Suite("DeadlineQueue")
struct DeadlineQueueTests {
    private func at(_ microseconds: UInt64) -> Instant { Instant(microseconds: microseconds) }

    @Test("the same as a list that is searched, over random changes")
    func model() {
        var random = Seeded(3)
        var queue = DeadlineQueue()
        var model: [Int: UInt64] = [:]
        for _ in 0..<20_000 {
            let place = Int.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0...1:
                let deadline = UInt64.random(in: 0..<1000, using: &random)
                queue.set(place, at(deadline))
                model[place] = deadline
            case 2:
                queue.remove(place)
                model[place] = nil
            default:
                let now = UInt64.random(in: 0..<1000, using: &random)
                if let expired = queue.popExpired(at(now)) {
                    let deadline = model.removeValue(forKey: expired)
                    #expect(deadline != nil && deadline! <= now)
                    #expect(model.values.allSatisfy { $0 >= deadline! })
                } else {
                    #expect(model.values.allSatisfy { $0 > now })
                }
            }
            let state = (queue.next, queue.isEmpty)
            #expect(state == (model.values.min().map(at) ?? .never, model.isEmpty))
        }
    }

    @Test("a deadline that never comes is none")
    func never() {
        var queue = DeadlineQueue()
        queue.set(3, at(5))
        queue.set(3, .never)
        let state = (queue.next, queue.isEmpty)
        #expect(state == (.never, true))
        #expect(queue.popExpired(.never) == nil)
    }

    @Test("a deadline has passed when it is now")
    func inclusive() {
        var queue = DeadlineQueue()
        queue.set(0, at(5))
        #expect(queue.popExpired(at(4)) == nil)
        #expect(queue.popExpired(at(5)) == 0)
        #expect(queue.popExpired(at(5)) == nil)
    }

    @Test("places that are none are passed over")
    func noPlaces() {
        var queue = DeadlineQueue()
        queue.set(-1, at(1))
        queue.remove(-1)
        queue.remove(1000)
        let isEmpty = queue.isEmpty
        #expect(isEmpty)
    }
}

@Suite("Instant")
struct InstantTests {
    @Test("sums that do not fit never come")
    func adding() {
        #expect(Instant(microseconds: 5).adding(milliseconds: 2) == Instant(microseconds: 2005))
        #expect(Instant(microseconds: 5).adding(milliseconds: .max) == .never)
        #expect(Instant(microseconds: .max - 5).adding(milliseconds: 1) == .never)
        #expect(Instant.never.adding(milliseconds: 1) == .never)
    }

    @Test("waiting the milliseconds after now reaches the instant")
    func waiting() {
        let now = Instant(microseconds: 10_000)
        #expect(Instant(microseconds: 10_000).milliseconds(after: now) == 0)
        #expect(Instant(microseconds: 10_001).milliseconds(after: now) == 1)
        #expect(Instant(microseconds: 11_000).milliseconds(after: now) == 1)
        #expect(Instant(microseconds: 11_001).milliseconds(after: now) == 2)
        #expect(Instant(microseconds: 9).milliseconds(after: now) == 0)
        #expect(Instant.never.milliseconds(after: now) == .max)
        #expect(Instant(microseconds: .max - 1).milliseconds(after: now) == UInt32.max - 1)
    }

    @Test("time does not run backwards")
    func since() {
        #expect(Instant(microseconds: 7).microseconds(since: Instant(microseconds: 5)) == 2)
        #expect(Instant(microseconds: 5).microseconds(since: Instant(microseconds: 7)) == 0)
        #expect(Instant(microseconds: 5) < Instant(microseconds: 7))
    }
}
