import COpenSSL
import GWBase

/// Random bytes of OpenSSL's generator, which the kernel seeds.
public enum SecureRandom {
    /// Overwrites all of `memory`; false if the generator cannot be seeded, and then nothing may depend on it.
    public static func fill(_ memory: UnsafeMutableRawBufferPointer) -> Bool {
        var rest = memory
        while rest.count > 0 {
            let piece = min(rest.count, 1 << 20)
            guard RAND_bytes(rest.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(piece)) == 1 else {
                OpenSSLError.clearQueue()
                return false
            }
            rest = UnsafeMutableRawBufferPointer(rebasing: rest[piece...])
        }
        return true
    }

    /// A pool over the generator, after a first draw that shows that it works.
    ///
    /// Should the generator fail later, which takes a broken kernel, the process ends: predictable nonces and masking
    /// keys would be worse, and nothing from the network or the host can bring it about.
    public static func makePool() throws(Failure) -> RandomPool {
        var probe: UInt64 = 0
        guard withUnsafeMutableBytes(of: &probe, { fill($0) }) else {
            throw Failure(.system, .none, "the secure random source of the system does not work")
        }
        return RandomPool { memory in
            if !fill(memory) { fatalError("no secure random bytes") }
        }
    }
}
