import GWBase
import Glibc

/// `simulation [--first N] [--seeds N]`: so many runs, each of a seed of its own; `--seed N [--trace]`: that one, with
/// its history.
@main
struct Main {
    static func main() {
        var first: UInt64 = 0
        var seeds: UInt64 = 10_000
        var isTraced = false
        var arguments = CommandLine.arguments.dropFirst()
        func number() -> UInt64 {
            guard let text = arguments.popFirst(), let number = UInt64(text) else { usage() }
            return number
        }
        while let argument = arguments.popFirst() {
            switch argument {
            case "--first": first = number()
            case "--seeds": seeds = number()
            case "--seed":
                first = number()
                seeds = 1
            case "--trace": isTraced = true
            default: usage()
            }
        }
        let failed = run(first..<(first + seeds), isTraced: isTraced)
        exit(failed == 0 ? 0 : 1)
    }

    /// By the seed.
    private static let dialects: [any Dialect] = [
        OpenClawDialect(), OpenClawDialect(), OpenClawDialect(), GoClawDialect(),
    ]

    private static func usage() -> Never {
        print("usage: simulation [--first N] [--seeds N] | --seed N [--trace]")
        exit(2)
    }

    private static func run(_ seeds: Range<UInt64>, isTraced: Bool) -> Int {
        var total = Tally()
        var virtual: UInt64 = 0
        var failed = 0
        for seed in seeds where failed < 10 {
            let dialect = dialects[Int(seed % UInt64(dialects.count))]
            let scenario = Scenario(seed: seed, dialect: dialect, isTraced: isTraced)
            scenario.run()
            total.add(scenario.tally)
            virtual += scenario.world.elapsed
            if let problem = scenario.world.problems.first {
                failed += 1
                print("not ok - SEED=\(seed) TRACE=1 make simulate: \(problem)")
            }
        }
        let reached = Tally.all.map { "\(total[keyPath: $0.place]) \($0.name)" }.joined(separator: ", ")
        print("# \(virtual / 3_600_000_000) hours; \(reached)")
        // The seeds reach what they are meant to reach.
        let rare = seeds.count < 1000 ? [] : Tally.all.filter { total[keyPath: $0.place] < seeds.count / 50 }
        for (name, _) in rare { print("not ok - hardly ever: \(name)") }
        let scattered = seeds.count == 1 ? 0 : runHerd(first: seeds.lowerBound)
        print("\(seeds.count - failed) passed, \(failed + rare.count + scattered) failed")
        return failed + rare.count + scattered
    }

    /// How many of the herd's rules do not hold.
    private static func runHerd(first seed: UInt64) -> Int {
        let herd = Herd(seed: seed, dialect: OpenClawDialect(), isTraced: false)
        herd.loseForAMoment()
        herd.loseForMinutes()
        herd.loseWithNotice()
        for problem in herd.world.problems { print("not ok - a herd of \(Herd.size): \(problem)") }
        return herd.world.problems.count
    }
}
