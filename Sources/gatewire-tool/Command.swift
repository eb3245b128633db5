import CSystem

/// A command: its name, what it takes, what its help says, and what it does.
struct Command {
    let name: StaticString
    /// Placeholders of its arguments.
    let usage: StaticString
    let arguments: ClosedRange<Int>
    let summary: StaticString
    /// What the help says beyond the list of options.
    let explanation: StaticString
    let options: [Option]
    /// Options for one way of using it, each group with its title.
    var groups: [(title: StaticString, options: [Option])] = []
    let run: (Arguments) -> ExitCode

    static let help = Option("--help", nil, "show this help")

    private var generalOptions: [Option] { options + [Command.help] }

    var allOptions: [Option] { groups.reduce(generalOptions) { $0 + $1.options } }

    func accepts(_ count: Int) -> Bool { arguments.contains(count) }

    /// The option whose name the first `length` bytes of a word are.
    func option(_ word: CText, _ length: Int) -> Option? {
        allOptions.first { $0.name.utf8CodeUnitCount == length && strncmp($0.name.cText, word, length) == 0 }
    }

    func complainUnknown(_ word: CText, _ length: Int) {
        var line = start()
        line.append("unknown option ")
        line.appendPrintable(UnsafeBufferPointer(rebasing: bytes(word)[0..<length]))
        line.append("; it knows")
        for option in allOptions {
            line.append(" ")
            line.append(option.name)
        }
        complain(line)
    }

    func complainValue(_ option: Option) {
        var line = start()
        line.append(option.name)
        line.append(option.value == nil ? " takes no value" : " needs a value: ")
        if let value = option.value { line.append(value) }
        complain(line)
    }

    func complainCount() {
        var line = start()
        line.append(arguments.upperBound == 0 ? "it takes options only" : "it takes ")
        line.append(usage)
        complain(line)
    }

    /// Something else that is wrong with an option's value.
    func complain(_ option: StaticString, _ text: StaticString) -> ExitCode {
        var line = start()
        line.append(option)
        line.append(" ")
        line.append(text)
        complain(line)
        return .usage
    }

    private func start() -> Line {
        var line = Line()
        line.append("gatewire ")
        line.append(name)
        line.append(": ")
        return line
    }

    private func complain(_ line: Line) {
        var line = line
        line.write(to: .errors)
        line.append("See: gatewire ")
        line.append(name)
        line.append(" --help")
        line.write(to: .errors)
    }

    func showHelp() {
        var line = Line()
        line.append("Usage: gatewire ")
        line.append(name)
        line.append(" ")
        line.append(usage)
        line.append(usage.utf8CodeUnitCount > 0 ? " [options]" : "[options]")
        line.write(to: .output)
        write(explanation, to: .output)
        showOptions("Options", generalOptions)
        for group in groups { showOptions(group.title, group.options) }
        write("", to: .output)
        write(ExitCode.help, to: .output)
    }

    private func showOptions(_ title: StaticString, _ options: [Option]) {
        write("", to: .output)
        var line = Line()
        line.append(title)
        line.append(":")
        line.write(to: .output)
        for option in options {
            line.append("  ")
            line.append(option.name)
            var width = option.name.utf8CodeUnitCount
            if let value = option.value {
                line.append(" ")
                line.append(value)
                width += 1 + value.utf8CodeUnitCount
            }
            for _ in width..<max(width + 2, 24) { line.append(" ") }
            line.append(option.help)
            line.write(to: .output)
        }
    }
}
