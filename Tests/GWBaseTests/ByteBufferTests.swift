import GWBase
import Testing

@Suite("ByteBuffer")
struct ByteBufferTests {
    @Test("what is appended comes out in its order, whatever is taken off in between")
    func queue() {
        var random = Seeded(1)
        var buffer = ByteBuffer()
        var model: [UInt8] = []
        var next: UInt8 = 0
        for _ in 0..<5000 {
            switch Int.random(in: 0..<7, using: &random) {
            case 0...1:
                let piece = (0..<Int.random(in: 0...600, using: &random)).map { _ in
                    next &+= 1
                    return next
                }
                buffer.append(piece)
                model += piece
            case 2:
                buffer.append(next)
                model.append(next)
            case 3:
                let size = Int.random(in: 0...300, using: &random)
                let memory = buffer.reserve(size)
                memory.initializeMemory(as: UInt8.self, repeating: next, count: size)
                buffer.commit(size)
                model += [UInt8](repeating: next, count: size)
            case 4...5:
                let size = Int.random(in: 0...700, using: &random)
                buffer.consume(size)
                model.removeFirst(min(size, model.count))
            default:
                let size = Int.random(in: 0...2000, using: &random)
                buffer.truncate(size)
                model = Array(model.prefix(size))
            }
            let held = Array(buffer.readable)
            #expect(held == model)
            #expect(buffer.count == model.count)
            #expect(buffer.isEmpty == model.isEmpty)
        }
    }

    @Test("consuming more than is held empties it, also at the largest number", arguments: [4, 1000, Int.max])
    func consumeAll(_ size: Int) {
        var buffer = ByteBuffer()
        buffer.append([1, 2, 3, 4])
        buffer.consume(1)
        buffer.consume(size)
        let isEmpty = buffer.isEmpty
        #expect(isEmpty)
        buffer.append([5])
        #expect(Array(buffer.readable) == [5])
    }

    @Test("truncating to more than is held changes nothing, to nothing empties it")
    func truncate() {
        var buffer = ByteBuffer()
        buffer.append([1, 2, 3])
        buffer.consume(1)
        buffer.truncate(Int.max)
        #expect(Array(buffer.readable) == [2, 3])
        buffer.truncate(1)
        #expect(Array(buffer.readable) == [2])
        buffer.truncate(0)
        #expect(Array(buffer.readable) == [])
        buffer.truncate(-1)
        #expect(Array(buffer.readable) == [])
    }

    @Test("memory is kept when cleared and given back when released")
    func memory() {
        var buffer = ByteBuffer()
        #expect(buffer.capacity == 0)
        buffer.append([UInt8](repeating: 1, count: 1000))
        buffer.clear()
        #expect(buffer.capacity >= 1000)
        #expect(buffer.room == buffer.capacity)
        buffer.release()
        #expect(buffer.capacity == 0)
        #expect(buffer.readable.count == 0)
        buffer.append("again")
        #expect(Array(buffer.readable) == Array("again".utf8))
    }

    @Test("what flows through does not make it grow")
    func steadyState() {
        var buffer = ByteBuffer()
        for _ in 0..<100_000 {
            buffer.append([UInt8](repeating: 7, count: 100))
            buffer.consume(60)
            if buffer.count > 400 { buffer.consume(300) }
        }
        #expect(buffer.capacity <= 2048)
    }

    @Test("held bytes can be changed in place")
    func inPlace() {
        var buffer = ByteBuffer()
        buffer.append([1, 2, 3])
        buffer.consume(1)
        buffer.mutableReadable[0] = 9
        #expect(Array(buffer.readable) == [9, 3])
    }

    @Test("wiping leaves nothing")
    func wipe() {
        var buffer = ByteBuffer()
        buffer.append("secret")
        buffer.wipe()
        #expect(buffer.capacity == 0)
        var memory: [UInt8] = [1, 2, 3]
        memory.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { secureZero(base, 2) }
        }
        #expect(memory == [0, 0, 3])
    }
}
