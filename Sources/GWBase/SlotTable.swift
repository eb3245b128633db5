/// Elements under 64-bit ids that are never reused: the low half is the place, the high half counts its tenants.
///
/// An id of something that has ended finds nothing, however often its place was used since.  0 is never an id.
public struct SlotTable<Element> {
    private struct Slot {
        var tenant: UInt32 = 0
        var element: Element?
    }

    private var slots: [Slot] = []
    private var free: [Int] = []
    public private(set) var count = 0

    public init() {}

    public mutating func insert(_ element: Element) -> UInt64 {
        count += 1
        if let place = free.popLast() {
            slots[place].tenant &+= 1
            slots[place].element = element
            return SlotTable.id(place, slots[place].tenant)
        }
        slots.append(Slot(tenant: 1, element: element))
        return SlotTable.id(slots.count - 1, 1)
    }

    /// Where an id stands, for tables kept beside this one; nil if it has ended or never was.
    public func place(_ id: UInt64) -> Int? {
        let low = id & 0xffff_ffff
        guard low > 0, low <= UInt64(slots.count) else { return nil }
        let place = Int(truncatingIfNeeded: low) - 1
        let isTenant = slots[place].tenant == UInt32(truncatingIfNeeded: id >> 32)
        return isTenant && slots[place].element != nil ? place : nil
    }

    /// Whether the id was given out by this table and has ended since.
    public func hasEnded(_ id: UInt64) -> Bool {
        let low = id & 0xffff_ffff
        guard low > 0, low <= UInt64(slots.count) else { return false }
        let slot = slots[Int(truncatingIfNeeded: low) - 1]
        let tenant = UInt32(truncatingIfNeeded: id >> 32)
        return tenant > 0 && (tenant < slot.tenant || (tenant == slot.tenant && slot.element == nil))
    }

    public func id(at place: Int) -> UInt64? {
        guard place >= 0, place < slots.count, slots[place].element != nil else { return nil }
        return SlotTable.id(place, slots[place].tenant)
    }

    public subscript(id: UInt64) -> Element? {
        guard let place = place(id) else { return nil }
        return slots[place].element
    }

    public mutating func update(_ id: UInt64, _ element: Element) {
        if let place = place(id) { slots[place].element = element }
    }

    @discardableResult
    public mutating func remove(_ id: UInt64) -> Element? {
        guard let place = place(id) else { return nil }
        let element = slots[place].element
        slots[place].element = nil
        // A place whose tenants have all been counted is not used again.
        if slots[place].tenant < .max { free.append(place) }
        count -= 1
        return element
    }

    /// The ids in use, in the order of their places.
    public var ids: [UInt64] {
        var found: [UInt64] = []
        found.reserveCapacity(count)
        for place in slots.indices where slots[place].element != nil {
            found.append(SlotTable.id(place, slots[place].tenant))
        }
        return found
    }

    private static func id(_ place: Int, _ tenant: UInt32) -> UInt64 {
        UInt64(tenant) << 32 | UInt64(UInt32(truncatingIfNeeded: place + 1))
    }
}
