import CSystem
import GWBase

/// What changes when a file is written anew or replaced.
struct FileStamp: Equatable {
    private let device: UInt64
    private let inode: UInt64
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// nil if there is no such file.
    init?(of path: String) {
        var status = stat()
        guard path.withCString({ gw_stat($0, &status) }) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        seconds = status.st_mtim.tv_sec
        nanoseconds = status.st_mtim.tv_nsec
    }
}

/// Small private files.
enum Files {
    enum ReadResult: ~Copyable {
        case bytes(ByteBuffer)
        case missing
        case failed(String)
    }

    static func read(_ path: String, limit: Int) -> ReadResult {
        let fd = gw_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0)
        guard fd >= 0 else {
            let error = gw_errno()
            return error == ENOENT ? .missing : .failed(SystemError.text(error))
        }
        defer { Syscall.close(fd) }
        var buffer = ByteBuffer()
        while buffer.count <= limit {
            let room = buffer.reserve(4096)
            let count = CSystem.read(fd, room, 4096)
            if count < 0 {
                let error = gw_errno()
                if error == EINTR { continue }
                return .failed(SystemError.text(error))
            }
            if count == 0 { return .bytes(buffer) }
            buffer.commit(count)
        }
        return .failed("it has more than \(limit) bytes")
    }

    enum CreateResult {
        case created
        /// Another was faster; its file stays.
        case exists
        case failed(String)
    }

    /// Makes a file with mode 0600 that is either whole or not there; its directory, if missing, with 0700.  `unique` tells
    /// the temporary files of several makers apart.
    static func create(_ path: String, _ bytes: UnsafeRawBufferPointer, unique: UInt64) -> CreateResult {
        if let problem = createDirectory(of: path) { return .failed(problem) }
        let temporary = path + ".new-\(unique)"
        var result = write(bytes, to: temporary).map(CreateResult.failed) ?? .created
        // A link instead of a rename: it fails where another was faster.
        if case .created = result, link(temporary, path) != 0 {
            let error = gw_errno()
            result = error == EEXIST ? .exists : .failed(SystemError.text(error))
        }
        _ = unlink(temporary)
        return result
    }

    /// Replaces a file, or makes it, with mode 0600: others find the old text or the new one, whole.  What went wrong, or nil.
    static func replace(_ path: String, _ bytes: UnsafeRawBufferPointer, unique: UInt64) -> String? {
        let temporary = path + ".new-\(unique)"
        var problem = write(bytes, to: temporary)
        if problem == nil, rename(temporary, path) != 0 { problem = SystemError.text(gw_errno()) }
        if problem != nil { _ = unlink(temporary) }
        return problem
    }

    /// To a file that does not exist yet, down to the disk.  What went wrong, or nil.
    private static func write(_ bytes: UnsafeRawBufferPointer, to path: String) -> String? {
        let fd = gw_open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard fd >= 0 else { return SystemError.text(gw_errno()) }
        defer { Syscall.close(fd) }
        var offset = 0
        while offset < bytes.count {
            let count = CSystem.write(fd, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            if count >= 0 {
                offset += count
            } else if gw_errno() != EINTR {
                return SystemError.text(gw_errno())
            }
        }
        return fsync(fd) == 0 ? nil : SystemError.text(gw_errno())
    }

    /// Makes the missing directories that a file is to lie in, with mode 0700.  What went wrong, or nil.
    static func createDirectory(of path: String) -> String? {
        var directory = path.bytes
        while let last = directory.last, last != 0x2f { directory.removeLast() }
        while directory.count > 1, directory.last == 0x2f { directory.removeLast() }
        guard !directory.isEmpty else { return nil }
        // Each missing level, from the top.
        var end = 1
        while end <= directory.count {
            if end == directory.count || directory[end] == 0x2f {
                let level = directory[0..<end].map { CChar(bitPattern: $0) } + [0]
                if mkdir(level, 0o700) != 0, gw_errno() != EEXIST { return SystemError.text(gw_errno()) }
            }
            end += 1
        }
        return nil
    }
}
