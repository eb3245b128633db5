import COpenSSL
import GWBase

/// What `print` writes to a BIO, nil if it answers other than 1 or more.  The BIO's memory is wiped.
func printedText(_ print: (OpaquePointer) -> Int32) -> [UInt8]? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer {
        BIO_free(bio)
        OpenSSLError.clearQueue()
    }
    guard print(bio) > 0 else { return nil }
    return Array(writtenBytes(bio))
}

/// The same for what is secret: the caller wipes the buffer.
func printedSecret(_ print: (OpaquePointer) -> Int32) -> ByteBuffer {
    var buffer = ByteBuffer()
    guard let bio = BIO_new(BIO_s_mem()) else { return buffer }
    defer {
        BIO_free(bio)
        OpenSSLError.clearQueue()
    }
    if print(bio) > 0 { buffer.append(writtenBytes(bio)) }
    return buffer
}

private func writtenBytes(_ bio: OpaquePointer) -> UnsafeRawBufferPointer {
    var data: UnsafeMutablePointer<CChar>?
    let size = shim_BIO_get_mem_data(bio, &data)
    return UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : max(Int(size), 0))
}

/// Runs `read` on a BIO over bytes, which it borrows; nil if there are none.
func readingText<Result>(_ bytes: UnsafeRawBufferPointer, _ read: (OpaquePointer) -> Result?) -> Result? {
    guard let size = Int32(exactly: bytes.count), size > 0, let bio = BIO_new_mem_buf(bytes.baseAddress, size) else {
        return nil
    }
    defer { BIO_free(bio) }
    return read(bio)
}

/// A password callback that has none: without one OpenSSL would ask on the terminal.
let noPassword: @convention(c) (UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, _, _ in -1
}

/// DER of something: `write` is one of the i2d functions, called once for the size and once for the bytes.
func derBytes(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) -> [UInt8] {
    let size = Int(write(nil))
    guard size > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        var place = buffer.baseAddress
        count = max(Int(write(&place)), 0)
    }
}
