import GWBase

/// What joins two channels: a pipe each way, and what befalls them.
final class Wire {
    enum Side: Int {
        case client
        case gateway
        var other: Side { self == .client ? .gateway : .client }
    }

    enum Fault {
        /// Both ends are told at once.
        case reset
        /// An orderly end of the transport each way, as of a proxy that goes.
        case finish
        /// Nothing arrives any more at this side, or at neither; nobody is told.
        case dark(Side?)
        /// Nothing arrives at this side for so many microseconds.
        case stall(Side, UInt64)
    }

    enum Read {
        case bytes([UInt8])
        case wouldBlock
        case ended
        case reset
    }

    /// Each connection has a number of its own.
    let number: Int
    private unowned let world: World
    /// By the side that sends into it.
    private var pipes = [Pipe(), Pipe()]
    private var ends: [Channel?] = [nil, nil]
    private var isReset = [false, false]
    private var isDark = [false, false]
    private let latency: UInt64
    private let isSliced: Bool
    /// What happens when so many bytes have come from a side.
    private var plan: (from: Side, bytes: UInt64, fault: Fault)?

    init(_ world: World, number: Int, weather: Weather) {
        self.world = world
        self.number = number
        latency = weather.latency(world)
        isSliced = world.chance(percent: 60)
        for side in 0..<2 { pipes[side].capacity = world.pick([300, 300, 4096, 65_536]) }
        if world.chance(percent: weather.cutPercent) {
            let bytes = UInt64(world.below(world.pick([300, 1500, 6000, 60_000])))
            plan = (world.chance(percent: 50) ? .client : .gateway, bytes, Wire.fault(world))
        }
    }

    static func fault(_ world: World) -> Fault {
        let side: Side = world.chance(percent: 50) ? .client : .gateway
        switch world.below(10) {
        case 0..<4: return .reset
        case 4..<6: return .finish
        case 6: return .dark(nil)
        case 7: return .dark(side)
        default: return .stall(side, world.between(.milliseconds(100), .seconds(world.pick([2, 20, 100]))))
        }
    }

    func attach(_ channel: Channel, _ side: Side) { ends[side.rawValue] = channel }

    /// All bytes that a side has given away.
    func accepted(from side: Side) -> UInt64 { pipes[side.rawValue].accepted }

    // MARK: - System calls

    /// How many bytes were taken; nil: the connection is no more.
    func write(_ side: Side, _ bytes: UnsafeRawBufferPointer) -> Int? {
        guard !isReset[side.rawValue] else { return nil }
        let count = min(pipes[side.rawValue].room, bytes.count)
        guard count > 0 else { return 0 }
        let taken = UnsafeRawBufferPointer(rebasing: bytes[0..<count])
        let arrivals = pipes[side.rawValue].write(taken, slices: slices(count), world.now)
        for arrival in arrivals { deliver(from: side, arrival) }
        return count
    }

    private func slices(_ count: Int) -> [(size: Int, delay: UInt64)] {
        guard isSliced else { return [(count, delay)] }
        var slices: [(size: Int, delay: UInt64)] = []
        var left = count
        while left > 0 {
            let size = slices.count == 7 ? left : 1 + world.below(world.pick([8, 200, left]))
            slices.append((size, delay))
            left -= size
        }
        return slices
    }

    private var delay: UInt64 { latency + world.between(0, latency / 2) }

    func read(_ side: Side) -> Read {
        let bytes = pipes[side.other.rawValue].read()
        if !bytes.isEmpty {
            // The sender may have waited for room.
            world.after(latency) { [self] in ends[side.other.rawValue]?.writable() }
            return .bytes(bytes)
        }
        if isReset[side.rawValue] { return .reset }
        return pipes[side.other.rawValue].hasEndArrived ? .ended : .wouldBlock
    }

    func shutdownWrite(_ side: Side) {
        guard !isReset[side.rawValue] else { return }
        if let arrival = pipes[side.rawValue].finish(delay: delay, world.now) { deliver(from: side, arrival) }
    }

    func close(_ side: Side) {
        shutdownWrite(side)
        ends[side.rawValue] = nil
    }

    // MARK: - The way

    private func deliver(from side: Side, _ arrival: Instant) {
        world.at(arrival) { [self] in arrive(from: side) }
    }

    private func arrive(from side: Side) {
        guard !isDark[side.rawValue], !isReset[side.other.rawValue] else { return pipes[side.rawValue].drop() }
        let planned = plan.flatMap { $0.from == side ? $0 : nil }
        let isReached = pipes[side.rawValue].arrive(world.now, limit: planned?.bytes ?? .max)
        if let planned, isReached {
            plan = nil
            world.trace("wire \(number)", "\(planned.bytes) bytes have come from the \(side)")
            strike(planned.fault)
        }
        guard let end = ends[side.other.rawValue] else {
            // Nobody is there any more to read it.
            if !pipes[side.rawValue].read().isEmpty { reset(side) }
            return
        }
        end.readable()
    }

    // MARK: - What befalls it

    func strike(_ fault: Fault) {
        world.trace("wire \(number)", "\(fault)")
        switch fault {
        case .reset:
            reset(.client)
            reset(.gateway)
        case .finish:
            for side in [Side.client, .gateway] {
                pipes[side.rawValue].drop()
                shutdownWrite(side)
            }
        case .dark(let side):
            for sender in [Side.client, .gateway] where side != sender { isDark[sender.rawValue] = true }
        case .stall(let side, let microseconds):
            let time = pipes[side.other.rawValue].stall(
                until: Instant(microseconds: world.now.microseconds + microseconds))
            deliver(from: side.other, time)
        }
    }

    /// A side learns that the connection is no more.
    private func reset(_ side: Side) {
        guard !isReset[side.rawValue] else { return }
        isReset[side.rawValue] = true
        world.after(0) { [self] in ends[side.rawValue]?.readable() }
    }

    /// The host of a side has vanished: with `isTold` the other learns it as soon as word can come.
    func vanish(_ side: Side, isTold: Bool) {
        ends[side.rawValue] = nil
        pipes[side.rawValue].drop()
        if isTold { world.after(latency) { [self] in reset(side.other) } } else { strike(.dark(nil)) }
    }
}
