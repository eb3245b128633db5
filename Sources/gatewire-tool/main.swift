import CGatewire
import CSystem

/// The commands, in the order of the help.
private func commands() -> [Command] {
    [
        ServeCommand.command, CallCommand.command, EventsCommand.command, DoctorCommand.command, PinCommand.command,
        WebSocketCommand.command, SocketIOCommand.command,
    ]
}

private func showHelp() {
    write("Usage: gatewire COMMAND ...\n\nCommands:", to: .output)
    for command in commands() {
        var line = Line()
        line.append("  ")
        line.append(command.name)
        for _ in command.name.utf8CodeUnitCount..<10 { line.append(" ") }
        line.append(command.summary)
        line.write(to: .output)
    }
    write("\ngatewire COMMAND --help tells more.  gatewire --version shows the versions in use.", to: .output)
}

private func showVersion() {
    var line = Line()
    line.append("gatewire ")
    line.append(gw_version())
    line.append(" (")
    line.append(gw_dependencies())
    line.append(")")
    line.write(to: .output)
}

private func unknownCommand(_ word: CText) -> ExitCode {
    var line = Line()
    line.append("gatewire: unknown command ")
    line.append(word)
    line.append("; it knows")
    for command in commands() {
        line.append(" ")
        line.append(command.name)
    }
    line.append(" --help --version")
    line.write(to: .errors)
    return .usage
}

private func runTool(_ words: [CText]) -> ExitCode {
    guard words.count > 1 else {
        write("gatewire: a command is missing.  See: gatewire --help", to: .errors)
        return .usage
    }
    let word = words[1]
    if isEqual(word, "--help") || isEqual(word, "-h") || isEqual(word, "help") {
        guard words.count > 2 else {
            showHelp()
            return .success
        }
        guard let command = commands().first(where: { isEqual(words[2], $0.name) }) else {
            return unknownCommand(words[2])
        }
        command.showHelp()
        return .success
    }
    if isEqual(word, "--version") {
        showVersion()
        return .success
    }
    for command in commands() where isEqual(word, command.name) {
        guard let arguments = Arguments(words[2...], of: command) else { return .usage }
        if arguments.has("--help") {
            command.showHelp()
            return .success
        }
        return command.run(arguments)
    }
    return unknownCommand(word)
}

/// Whoever closed one of the three standard descriptors must not find a connection in its place.
private func holdStandardDescriptors() {
    var descriptor: Int32 = 0
    while descriptor >= 0, descriptor < 3 { descriptor = gw_open("/dev/null", O_RDWR | O_CLOEXEC, 0) }
    if descriptor >= 3 { close(descriptor) }
}

holdStandardDescriptors()
exit(runTool(commandLineWords()).rawValue)
