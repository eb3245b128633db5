import GWBase
import GWGateway

/// What happens to a client and its gateway that neither of them does.
struct Storm {
    let world: World
    let gateway: SimulatedGateway
    let host: Host

    func strike() {
        switch world.below(100) {
        case 0..<30: gateway.pushEvents()
        case 30..<45: host.client?.channel?.wire.strike(Wire.fault(world))
        case 45..<50: gateway.shutDown(downFor: outage, announced: world.chance(percent: 50))
        case 50..<54: gateway.crash(world.chance(percent: 70) ? .refusing : .dark, downFor: outage)
        case 54..<58: gateway.stop(pause)
        case 58..<62: host.client?.stop(pause, sleeps: false)
        case 62..<66: host.client?.stop(world.between(.seconds(1), .seconds(7200)), sleeps: true)
        case 66..<69: gateway.rotateToken()
        case 69..<74: refuse()
        default: break
        }
    }

    private var outage: UInt64 { world.between(0, .seconds(world.pick([1, 10, 90]))) }

    private var pause: UInt64 { world.between(0, .seconds(world.pick([1, 20, 120]))) }

    /// For a while nobody is let in, for one of the reasons that gateways have.
    private func refuse() {
        guard gateway.rejection == nil else { return }
        let rejection = world.pick(gateway.dialect.rejections)
        gateway.trace("lets nobody in: \(String(printable: rejection.message)) \(String(printable: rejection.details))")
        gateway.rejection = rejection
        world.after(outage) { [self] in gateway.rejection = nil }
        // It also shows those the door that are in.
        if world.chance(percent: 50) { host.client?.channel?.wire.strike(.finish) }
    }
}
