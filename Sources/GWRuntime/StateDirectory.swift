import CSystem
import GWBase

/// The directory in which OpenClaw keeps what is its own.  Its newer versions refuse to start when they find files there that
/// older ones would have written, so nothing is ever written into it.
enum StateDirectory {
    /// The directory, if a path leads into it.
    static func holding(_ path: String) -> String? {
        guard let directory = configured() else { return nil }
        let inner = resolved(path.bytes)
        let outer = resolved(directory)
        guard inner.count > outer.count, inner.starts(with: outer), inner[outer.count] == 0x2f else { return nil }
        return String(printable: outer)
    }

    /// As OpenClaw finds it: from its variable, else below the user's home.
    private static func configured() -> [UInt8]? {
        let home = Syscall.environment("HOME") ?? []
        let variable = trimmed(Syscall.environment("OPENCLAW_STATE_DIR") ?? [])
        guard !variable.isEmpty else { return home.isEmpty ? nil : home + "/.openclaw".bytes }
        guard variable.first == 0x7e, variable.count == 1 || variable[1] == 0x2f else { return variable }
        return home + variable.dropFirst()
    }

    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }
        var text = Array(text.drop(while: isSpace))
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }

    /// Absolute, with the links of the part that exists followed.
    private static func resolved(_ path: [UInt8]) -> [UInt8] {
        var existing = path
        while existing.count > 1, existing.last == 0x2f { existing.removeLast() }
        var rest: [UInt8] = []
        while true {
            let name = (existing.isEmpty ? [0x2e] : existing).map { CChar(bitPattern: $0) } + [0]
            if let found = realpath(name, nil) {
                defer { free(found) }
                var whole = UnsafeRawBufferPointer(start: found, count: strlen(found)).map { $0 }
                if whole.elementsEqual([0x2f]), !rest.isEmpty { whole = [] }
                return whole + rest
            }
            guard let slash = existing.lastIndex(of: 0x2f) else {
                rest = [0x2f] + existing + rest
                existing = []
                continue
            }
            rest = existing[slash...] + rest
            // The root exists, so this comes to an end.
            existing = slash == 0 ? [0x2f] : Array(existing[..<slash])
        }
    }
}
