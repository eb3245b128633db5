import CSystem

/// An option that a command knows.
struct Option {
    let name: StaticString
    /// What stands for its value in the help; nil for an option without one.
    let value: StaticString?
    let help: StaticString

    init(_ name: StaticString, _ value: StaticString? = nil, _ help: StaticString) {
        self.name = name
        self.value = value
        self.help = help
    }
}

/// What a command line gives to a command.
struct Arguments {
    private var options: [(name: StaticString, value: CText?)] = []
    private(set) var positionals: [CText] = []

    /// Whether an option was given.
    func has(_ name: StaticString) -> Bool {
        options.contains { isEqual($0.name.cText, name) }
    }

    /// The value of an option, the last one if it was given more than once.
    func value(_ name: StaticString) -> CText? {
        options.last { isEqual($0.name.cText, name) }?.value
    }

    /// All values of an option, in their order.
    func values(_ name: StaticString) -> [CText] {
        var found: [CText] = []
        for option in options where isEqual(option.name.cText, name) {
            if let value = option.value { found.append(value) }
        }
        return found
    }

    /// Reads the words behind the command; nil after saying what is wrong.  Values are never repeated in a message: one
    /// of them may be a secret.
    init?(_ words: ArraySlice<CText>, of command: Command) {
        var index = words.startIndex
        var optionsEnded = false
        while index < words.endIndex {
            let word = words[index]
            index += 1
            if optionsEnded || word.pointee != 0x2d || word[1] == 0 {
                positionals.append(word)
            } else if isEqual(word, "--") {
                optionsEnded = true
            } else if isEqual(word, "-h") {
                options.append((Command.help.name, nil))
            } else {
                let nameLength = strcspn(word, "=")
                guard let option = command.option(word, nameLength) else {
                    command.complainUnknown(word, nameLength)
                    return nil
                }
                var value: CText?
                if word[nameLength] != 0 {
                    value = word + nameLength + 1
                } else if option.value != nil, index < words.endIndex {
                    value = words[index]
                    index += 1
                }
                guard (value != nil) == (option.value != nil) else {
                    command.complainValue(option)
                    return nil
                }
                options.append((option.name, value))
            }
        }
        guard has("--help") || command.accepts(positionals.count) else {
            command.complainCount()
            return nil
        }
    }
}

/// The words of this process's command line.  Embedded Swift has no `CommandLine`, so they are read where the kernel
/// shows them; the memory lives as long as the process.
func commandLineWords() -> [CText] {
    guard let text = readFile("/proc/self/cmdline", limit: 4 << 20) else { return [] }
    var words: [CText] = []
    var at = 0
    while at < text.count {
        let word = CText(text.bytes + at)
        words.append(word)
        at += strlen(word) + 1
    }
    return words
}

/// A file's bytes with a NUL behind them.
struct FileText {
    let bytes: UnsafeMutablePointer<CChar>
    let count: Int

    /// Overwrites and frees it.
    func erase() {
        explicit_bzero(bytes, count)
        free(bytes)
    }
}

/// A file's text; nil if it cannot be read or has more than `limit` bytes.
func readFile(_ path: CText, limit: Int) -> FileText? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    // The stream only opens and closes: its buffer would keep a copy.
    return readAll(fileno(file), limit: limit)
}

/// Everything that a descriptor gives; nil if reading fails or there is more than `limit` bytes.
func readAll(_ descriptor: Int32, limit: Int) -> FileText? {
    var capacity = 4096
    var count = 0
    guard var memory = malloc(capacity + 1) else { return nil }
    while true {
        let got = read(descriptor, memory + count, capacity - count)
        if got == 0 { break }
        guard got > 0 || systemError() == EINTR, count + max(got, 0) <= limit else {
            explicit_bzero(memory, count)
            free(memory)
            return nil
        }
        count += max(got, 0)
        if count == capacity {
            // Not realloc: it could leave a copy of a secret behind.
            guard let larger = malloc(capacity * 2 + 1) else { return nil }
            memcpy(larger, memory, count)
            explicit_bzero(memory, count)
            free(memory)
            memory = larger
            capacity *= 2
        }
    }
    let text = memory.assumingMemoryBound(to: CChar.self)
    text[count] = 0
    return FileText(bytes: text, count: count)
}
