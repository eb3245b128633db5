/// How bad it gets in a run.
struct Weather {
    /// Of connections, that are cut behind some byte.
    var cutPercent = 0
    /// Of upgrades, that are refused.
    var refusalPercent = 0
    /// Of what the gateway says, that it says twice.
    var twicePercent = 0
    var leastLatency: UInt64 = 100
    var mostLatency: UInt64 = 1000

    static let calm = Weather()

    static func drawn(_ world: World) -> Weather {
        var weather = Weather()
        weather.cutPercent = world.pick([0, 20, 50, 90])
        weather.refusalPercent = world.pick([0, 0, 10])
        weather.twicePercent = world.pick([0, 10])
        weather.mostLatency = world.pick([1000, 50_000, 400_000])
        return weather
    }

    func latency(_ world: World) -> UInt64 { world.between(leastLatency, mostLatency) }
}
