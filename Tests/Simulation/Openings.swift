/// In which order requests reach the gateway on each wire: subscriptions, initial sync, calls that have waited, then those that
/// were made on it (`call.h`).
final class Openings {
    private struct Opening {
        /// Those that the connection begins with.
        var subscriptions: Set<Int>
        var syncCalls: Int
        var subscribed: Set<Int> = []
        var synced = 0
        var lastKept = -1
        var isOver = false
    }

    private unowned let world: World
    private var openings: [Int: Opening] = [:]

    init(_ world: World) { self.world = world }

    /// The client is ready on a wire, and sends what the connection begins with.
    func begin(_ wire: Int, subscriptions: Set<Int>, syncCalls: Int) {
        openings[wire] = Opening(subscriptions: subscriptions, syncCalls: syncCalls)
    }

    func subscribed(_ number: Int, on wire: Int) {
        let isNew = openings[wire]?.subscribed.insert(number).inserted ?? true
        world.check(isNew, "subscription \(number) is made twice on wire \(wire)")
    }

    func synced(_ place: Int, on wire: Int) {
        guard var opening = openings[wire] else { return world.check(false, "wire \(wire) has no opening") }
        world.check(
            place == opening.synced, "call \(place) of the sync comes as the \(opening.synced). of wire \(wire)")
        checkSubscriptions(opening, wire)
        opening.synced += 1
        openings[wire] = opening
    }

    /// A call of the host has come.
    func called(_ place: Int, wasKept: Bool, on wire: Int) {
        guard var opening = openings[wire] else { return world.check(false, "wire \(wire) has no opening") }
        checkSubscriptions(opening, wire)
        world.check(opening.synced == opening.syncCalls, "call \(place) comes before the sync of wire \(wire)")
        if wasKept {
            world.check(!opening.isOver, "call \(place), which has waited, comes behind one that has not")
            world.check(place > opening.lastKept, "call \(place), which has waited, has lost its place")
            opening.lastKept = place
        } else {
            opening.isOver = true
        }
        openings[wire] = opening
    }

    private func checkSubscriptions(_ opening: Opening, _ wire: Int) {
        world.check(
            opening.subscriptions.isSubset(of: opening.subscribed),
            "something comes before the subscriptions of wire \(wire)")
    }
}
