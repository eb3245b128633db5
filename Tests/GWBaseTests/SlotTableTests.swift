import GWBase
import Testing

@Suite("SlotTable")
struct SlotTableTests {
    @Test("an id that has ended finds nothing, however often its place is used again")
    func neverReused() {
        var random = Seeded(4)
        var table = SlotTable<Int>()
        var live: [UInt64: Int] = [:]
        var ended: Set<UInt64> = []
        for number in 0..<20_000 {
            if Bool.random(using: &random) || live.isEmpty {
                let id = table.insert(number)
                #expect(id != 0)
                #expect(live[id] == nil && !ended.contains(id))
                live[id] = number
            } else if let (id, number) = live.randomElement(using: &random) {
                #expect(table[id] == number)
                #expect(table.remove(id) == number)
                live[id] = nil
                ended.insert(id)
            }
            #expect(table.count == live.count)
        }
        for (id, number) in live {
            #expect(table[id] == number)
            #expect(!table.hasEnded(id))
            #expect(table.place(id).flatMap { table.id(at: $0) } == id)
        }
        for id in ended {
            #expect(table[id] == nil)
            #expect(table.hasEnded(id))
            #expect(table.remove(id) == nil)
        }
        #expect(Set(table.ids) == Set(live.keys))
    }

    @Test("ids that were never given out have not ended and find nothing")
    func strangers() {
        var table = SlotTable<Int>()
        let id = table.insert(1)
        for stranger in [0, 1, 2, id + 1, id &+ 1 << 32, .max, 1 << 32, 0xffff_ffff] where stranger != id {
            #expect(table[stranger] == nil)
            #expect(!table.hasEnded(stranger))
            #expect(table.place(stranger) == nil)
        }
        #expect(table.id(at: -1) == nil)
        #expect(table.id(at: 1) == nil)
    }

    @Test("an element is changed under its id, and only there")
    func update() {
        var table = SlotTable<Int>()
        let first = table.insert(1)
        let second = table.insert(2)
        table.update(first, 10)
        table.remove(second)
        table.update(second, 20)
        #expect(table[first] == 10)
        #expect(table[second] == nil)
        #expect(table.count == 1)
    }
}
