import GWBase

/// The way from clients to the gateway.
final class Network {
    enum Answer {
        /// Connected; both ends have the wire.
        case open(Wire)
        case refused
    }

    private unowned let world: World
    private let gateway: SimulatedGateway
    /// Of connections that are yet to come.
    var weather: Weather
    private(set) var wires = 0
    /// When clients have tried.
    private(set) var attempts: [Instant] = []

    init(_ world: World, _ gateway: SimulatedGateway, _ weather: Weather) {
        self.world = world
        self.gateway = gateway
        self.weather = weather
    }

    /// Connects; what comes of it, if anything does.
    func connect(_ completion: @escaping (Answer) -> Void) {
        attempts.append(world.now)
        world.after(weather.latency(world)) { [self] in
            switch gateway.state {
            case .dark: return
            case .refusing: world.after(weather.latency(world)) { completion(.refused) }
            case .up:
                wires += 1
                let wire = Wire(world, number: wires, weather: weather)
                gateway.accept(wire)
                world.after(weather.latency(world)) { completion(.open(wire)) }
            }
        }
    }
}
