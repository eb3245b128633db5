import CSystem
import GWBase
import GWTLS

/// A file that session secrets are appended to, for who looks into recorded traffic.
final class KeyLogFile: KeyLog {
    private let fd: Int32

    /// Makes the file with mode 0600 if it is missing.
    init(_ path: String) throws(Failure) {
        fd = gw_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o600)
        guard fd >= 0 else {
            throw Failure(
                .system, .program,
                "cannot open the key log \(String(printable: path.utf8, limit: 200)): \(SystemError.text(gw_errno()))")
        }
    }

    deinit { Syscall.close(fd) }

    func append(_ line: UnsafeRawBufferPointer) {
        var text = ByteBuffer()
        text.append(line)
        text.append(0x0a)
        // A line that cannot be written is lost: the connection matters more.
        _ = write(fd, text.readable.baseAddress, text.count)
        text.wipe()
    }
}
