import GWBase

/// The time, the one source of chance, and what went against the rules.
final class World {
    let seed: UInt64
    private static let start = Instant(microseconds: 1_000_000_000)
    private(set) var now = World.start
    private var agenda = Agenda()
    private var random: Random
    private let isTraced: Bool
    private(set) var problems: [String] = []
    private var steps = 0

    /// More than any seed needs by far.
    private static let mostSteps = 2_000_000

    init(seed: UInt64, isTraced: Bool) {
        self.seed = seed
        self.isTraced = isTraced
        random = Random(seed)
    }

    // MARK: - Time

    func at(_ time: Instant, _ action: @escaping () -> Void) { agenda.add(max(time, now), action) }

    func after(_ microseconds: UInt64, _ action: @escaping () -> Void) {
        at(Instant(microseconds: now.microseconds + microseconds), action)
    }

    /// Lets happen what is to happen up to a time, or until something holds.
    func run(until end: Instant, unless isDone: () -> Bool = { false }) {
        while agenda.next <= end, !isDone(), problems.isEmpty {
            guard let (time, action) = agenda.popFirst() else { return }
            now = time
            action()
            steps += 1
            check(steps < World.mostSteps, "it does not come to rest in \(steps) steps")
        }
        if !isDone(), problems.isEmpty, end != .never { now = max(now, end) }
    }

    /// Microseconds that have passed.
    var elapsed: UInt64 { now.microseconds - World.start.microseconds }

    /// Whether nothing is to happen any more.
    var isAtRest: Bool { agenda.next == .never }

    // MARK: - Chance

    /// 0 up to the limit, without it.
    func below(_ limit: Int) -> Int { limit < 1 ? 0 : Int(random.next() >> 33) % limit }

    func chance(percent: Int) -> Bool { below(100) < percent }

    func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// Evenly spread between the two, both included.
    func between(_ least: UInt64, _ most: UInt64) -> UInt64 { least + random.next() % (most - least + 1) }

    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next() >> 40) } }

    /// For the machines, which draw no randomness of their own.
    func pool() -> RandomPool { seededPool(random.next()) }

    // MARK: - What is found

    func check(_ holds: Bool, _ rule: @autoclosure () -> String) {
        guard !holds else { return }
        let problem = rule()
        trace("check", problem)
        problems.append(problem)
    }

    func trace(_ who: String, _ what: @autoclosure () -> String) {
        guard isTraced else { return }
        let time = elapsed
        let fraction = String(time % 1_000_000)
        let padding = String(repeating: "0", count: 6 - fraction.count)
        let seconds = String(time / 1_000_000)
        print(
            String(repeating: " ", count: max(6 - seconds.count, 0))
                + "\(seconds).\(padding)\(fraction) \(who): \(what())")
    }
}

extension UInt64 {
    /// In microseconds.
    static func milliseconds(_ count: UInt64) -> UInt64 { count * 1000 }
    static func seconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }
}
