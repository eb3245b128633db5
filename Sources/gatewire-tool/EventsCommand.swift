import CGatewire
import CSystem

/// `gatewire events`: what a gateway sends, for as long as wanted, across reconnects.
struct EventsCommand {
    static var command: Command {
        Command(
            name: "events", usage: "URL", arguments: 1...1,
            summary: "print the events that a gateway sends",
            explanation: """

                Prints until --count events have come, or until SIGINT or SIGTERM.  A lost connection is made again.
                """,
            options: ClientArguments.connection + [
                Option("--count", "N", "end after this many events"),
                Option("--name", "NAME", "only events of this name; may be repeated"),
                Option("--once", nil, "end when the connection ends"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ],
            run: run)
    }

    /// Prints one event of a gateway.
    static func show(_ event: gw_event, json: Bool) {
        if json {
            var line = Line(type: "event")
            line.add("event", event.name)
            line.add("payload", json: event.payload)
            if event.sequence != UInt64.max { line.add("seq", event.sequence) }
            return line.writeObject()
        }
        var line = Line()
        line.append(event.name)
        line.append(" ")
        line.append(event.payload)
        line.write(to: .output)
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        var count: UInt64 = .max
        if let text = arguments.value("--count") {
            guard let number = wholeNumber(text, upTo: 1 << 48), number > 0 else {
                return command.complain("--count", "wants a whole number above 0")
            }
            count = number
        }
        let flags = arguments.has("--once") ? Int(GW_CLIENT_NO_RECONNECT) : 0
        return ClientArguments.with(arguments, of: command, url: arguments.positionals[0], flags: flags) { options in
            let json = arguments.has("--json")
            guard let loop = EventLoop(catchingSignals: true, json: json) else { return .internal }
            var client: OpaquePointer?
            let status = gw_client_open(loop.context, &options, &client)
            guard status == gw_status(GW_OK) else {
                let problem = Problem(status, in: loop.context)
                problem.report(json: json)
                return problem.exitCode
            }
            defer { gw_client_free(client) }
            var events = EventsCommand(
                client: client, names: arguments.values("--name"), left: count, json: json)
            return loop.run({ events.handle($0) }, interrupted: { events.stop() })
        }
    }

    private let client: OpaquePointer?
    private let names: [CText]
    private var left: UInt64
    private let json: Bool
    private var isStopping = false

    private init(client: OpaquePointer?, names: [CText], left: UInt64, json: Bool) {
        self.client = client
        self.names = names
        self.left = left
        self.json = json
    }

    /// Ends politely; at once if it is told a second time.
    private mutating func stop() -> EventLoop.Next {
        if isStopping { return .finish(.success) }
        isStopping = true
        gw_client_close(client, 0, nil)
        return .goOn
    }

    private mutating func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_CLIENT_CONNECTED:
            connected(event)
        case GW_EVENT_GATEWAY_EVENT:
            guard isWanted(event), left > 0 else { break }
            EventsCommand.show(event, json: json)
            left -= 1
            if left == 0 { return stop() }
        case GW_EVENT_GAP:
            gap(event)
        case GW_EVENT_CLIENT_DISCONNECTED:
            Problem(event).report("disconnected", json: json)
        case GW_EVENT_PAIRING:
            DialectArguments.show(event, json: json)
        case GW_EVENT_CLIENT_WARNING:
            Problem(event).report("warning", json: json)
        case GW_EVENT_CLIENT_CLOSED:
            if isStopping || event.status == gw_status(GW_OK) { return .finish(.success) }
            Problem(event).report(json: json)
            return .finish(Problem(event).exitCode)
        default:
            break
        }
        return .goOn
    }

    private func isWanted(_ event: gw_event) -> Bool {
        let name = event.name.bytes
        return names.isEmpty
            || names.contains { wanted in
                guard let base = name.baseAddress else { return false }
                return strlen(wanted) == name.count && memcmp(wanted, base, name.count) == 0
            }
    }

    private func connected(_ event: gw_event) {
        if json {
            var line = Line(type: "connected")
            line.add("connection", event.connection)
            line.add("protocol", UInt64(event.code))
            return line.writeObject()
        }
        var line = Line()
        line.append("connected, protocol ")
        line.append(UInt64(event.code))
        line.write(to: .errors)
    }

    private func gap(_ event: gw_event) {
        if json {
            var line = Line(type: "gap")
            line.add("missing", UInt64(event.code))
            line.add("seq", event.sequence)
            return line.writeObject()
        }
        var line = Line()
        line.append("gap: ")
        line.append(UInt64(event.code))
        line.append(" events are missing")
        line.write(to: .errors)
    }
}
