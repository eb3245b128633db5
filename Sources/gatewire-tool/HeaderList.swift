import CGatewire
import CSystem

/// The headers that `--origin`, `--header` and `--header-file` add to a request.
final class HeaderList {
    private(set) var headers: [gw_header] = []
    /// What they point into; may hold credentials.
    private var copies: [FileText] = []

    /// nil after saying what is wrong.
    init?(_ arguments: Arguments, of command: Command) {
        if let origin = arguments.value("--origin") {
            headers.append(gw_header(name: StaticString("Origin").cText, value: origin))
        }
        for text in arguments.values("--header") {
            guard let copy = strdup(text) else { return nil }
            copies.append(FileText(bytes: copy, count: strlen(copy)))
            guard add(copy) else {
                _ = command.complain("--header", "wants a name, a colon and a value")
                return nil
            }
        }
        guard let path = arguments.value("--header-file") else { return }
        guard let file = readFile(path, limit: 65_536) else {
            _ = command.complain("--header-file", "names a file that cannot be read")
            return nil
        }
        copies.append(file)
        var rest: UnsafeMutablePointer<CChar>? = file.bytes
        while let line = strsep(&rest, "\n") {
            guard line.pointee == 0 || add(line) else {
                _ = command.complain("--header-file", "wants a name, a colon and a value in every line")
                return nil
            }
        }
    }

    /// Takes a line apart where it stands.
    private func add(_ line: UnsafeMutablePointer<CChar>) -> Bool {
        let nameLength = strcspn(line, ":")
        guard nameLength > 0, line[nameLength] != 0 else { return false }
        line[nameLength] = 0
        let value = line + nameLength + 1
        value[strcspn(value, "\r")] = 0
        headers.append(gw_header(name: CText(line), value: CText(value + strspn(value, " \t"))))
        return true
    }

    deinit {
        for copy in copies { copy.erase() }
    }
}
