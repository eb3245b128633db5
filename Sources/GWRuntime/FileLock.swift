import CSystem
import GWBase

/// A lock against other processes, on a file of its own that stays when it is released.
struct FileLock: ~Copyable {
    private let fd: Int32

    /// Holds it for no longer than a small file takes to be written; so the wait for another's is as short.
    private static let attempts = 100
    private static let pauseNanoseconds = 2_000_000

    /// A failure's text if it cannot be had.
    static func take(_ path: String, _ problem: inout String?) -> FileLock? {
        let fd = gw_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard fd >= 0 else {
            problem = SystemError.text(gw_errno())
            return nil
        }
        for _ in 0..<attempts {
            if flock(fd, LOCK_EX | LOCK_NB) == 0 { return FileLock(fd: fd) }
            let error = gw_errno()
            guard error == EWOULDBLOCK || error == EINTR else {
                problem = SystemError.text(error)
                break
            }
            var pause = timespec(tv_sec: 0, tv_nsec: pauseNanoseconds)
            _ = nanosleep(&pause, nil)
        }
        if problem == nil { problem = "another process holds the lock \(path)" }
        Syscall.close(fd)
        return nil
    }

    deinit { Syscall.close(fd) }
}
