import GWBase
import Testing

@Suite("Arena")
struct ArenaTests {
    @Test("pieces stay where they are until reset, also when chunks are added")
    func stability() {
        var random = Seeded(2)
        let arena = Arena(chunkSize: 256)
        for _ in 0..<50 {
            var pieces: [(UnsafeRawBufferPointer, [UInt8])] = []
            for _ in 0..<40 {
                let size = Int.random(in: 0...400, using: &random)
                let content = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
                pieces.append((arena.copy(content), content))
            }
            for (piece, content) in pieces { #expect(Array(piece) == content) }
            #expect(arena.extraBytes > 0)
            arena.reset()
            #expect(arena.extraBytes == 0)
            #expect(arena.room == 256)
        }
    }

    @Test("reserved memory is kept only as far as it is committed")
    func reserve() {
        let arena = Arena(chunkSize: 64)
        let first = arena.reserve(10)
        #expect(first.count == 64)
        first[0] = 1
        arena.commit(1)
        let second = arena.reserve(10)
        #expect(second.baseAddress == first.baseAddress.map { $0 + 1 })
        arena.commit(1000)
        #expect(arena.room == 0)
        #expect(arena.reserve(0).count == 0)
        #expect(arena.reserve(1000).count >= 1000)
    }

    @Test("the filled part of the first chunk ends where its last piece does, also when others follow")
    func filled() {
        let arena = Arena(chunkSize: 64)
        #expect(arena.filled.count == 0)
        _ = arena.copy([1, 2, 3])
        #expect(Array(arena.filled) == [1, 2, 3])
        _ = arena.copy([UInt8](repeating: 4, count: 100))
        #expect(Array(arena.filled) == [1, 2, 3])
        arena.reset()
        #expect(arena.filled.count == 0)
    }

    @Test("the memory of a buffer is taken over without a copy")
    func adopt() {
        let arena = Arena(chunkSize: 64)
        var buffer = ByteBuffer()
        buffer.append([1, 2, 3])
        buffer.consume(1)
        let place = buffer.readable.baseAddress
        let piece = arena.adopt(&buffer)
        #expect(piece.baseAddress == place)
        #expect(Array(piece) == [2, 3])
        let isEmpty = buffer.isEmpty
        #expect(isEmpty)
        #expect(buffer.capacity == 0)
        #expect(arena.extraBytes > 0)
        buffer.append([9])
        #expect(Array(piece) == [2, 3])
        var empty = ByteBuffer()
        #expect(arena.adopt(&empty).count == 0)
    }
}
