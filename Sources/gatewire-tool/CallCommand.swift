import CGatewire
import CSystem

/// `gatewire call`: one call, its answer, and the exit status that says how it went.
struct CallCommand {
    static var command: Command {
        Command(
            name: "call", usage: "URL METHOD [PARAMS|-]", arguments: 2...3,
            summary: "make one call and print the answer",
            explanation: """

                PARAMS is JSON; - reads it from standard input.  The answer goes to standard output as JSON.
                """,
            options: ClientArguments.connection + [
                Option("--expect-final", nil, "an answer \"accepted\" is not the end: wait for the final one"),
                Option("--events", nil, "print the events that arrive meanwhile, too"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ],
            run: run)
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        var input: FileText?
        defer { input?.erase() }
        if arguments.positionals.count > 2, isEqual(arguments.positionals[2], "-") {
            input = readAll(0, limit: 64 << 20)
            if input == nil { return command.complain("-", "standard input cannot be read, or is above 64 MiB") }
        }
        let argument = arguments.positionals.count > 2 ? arguments.positionals[2] : nil
        let params = input.map { CText($0.bytes) } ?? argument
        return ClientArguments.with(
            arguments, of: command, url: arguments.positionals[0], flags: Int(GW_CLIENT_NO_RECONNECT)
        ) { options in
            guard let loop = EventLoop(catchingSignals: false, json: arguments.has("--json")) else { return .internal }
            var client: OpaquePointer?
            let status = gw_client_open(loop.context, &options, &client)
            guard status == gw_status(GW_OK) else { return fail(status, loop.context, arguments) }
            defer { gw_client_free(client) }
            var call = CallCommand(
                client: client, arguments: arguments, params: params, context: loop.context,
                timeout: options.call_timeout_ms)
            return loop.run { call.handle($0) }
        }
    }

    private static func fail(_ status: gw_status, _ context: OpaquePointer, _ arguments: Arguments) -> ExitCode {
        let problem = Problem(status, in: context)
        problem.report(json: arguments.has("--json"))
        return problem.exitCode
    }

    private let client: OpaquePointer?
    private let arguments: Arguments
    private let params: CText?
    private let context: OpaquePointer
    /// Also with `--expect-final`, which has no limit of its own.
    private let timeout: UInt32
    private let json: Bool
    /// How the call ended, once it has.
    private var result: ExitCode?

    private init(
        client: OpaquePointer?, arguments: Arguments, params: CText?, context: OpaquePointer, timeout: UInt32
    ) {
        self.client = client
        self.arguments = arguments
        self.params = params
        self.context = context
        self.timeout = timeout
        json = arguments.has("--json")
    }

    private mutating func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_CLIENT_CONNECTED:
            let status = start()
            guard status >= 0 else { return .finish(CallCommand.fail(status, context, arguments)) }
        case GW_EVENT_CALL_ACCEPTED:
            answer("accepted", event.payload, to: .errors)
        case GW_EVENT_GATEWAY_EVENT:
            if arguments.has("--events") { EventsCommand.show(event, json: json) }
        case GW_EVENT_CALL_DONE:
            finish(event)
        case GW_EVENT_PAIRING:
            DialectArguments.show(event, json: json)
        case GW_EVENT_CLIENT_WARNING:
            Problem(event).report("warning", json: json)
        case GW_EVENT_CLIENT_CLOSED:
            if let result { return .finish(result) }
            Problem(event).report(json: json)
            return .finish(event.status == gw_status(GW_OK) ? .internal : Problem(event).exitCode)
        default:
            break
        }
        return .goOn
    }

    private func start() -> gw_status {
        var options = gw_call_options()
        gw_call_options_init(&options)
        if arguments.has("--expect-final") { options.flags = UInt32(GW_CALL_EXPECT_FINAL) }
        options.timeout_ms = timeout
        var call: UInt64 = 0
        return gw_client_call(
            client, arguments.positionals[1], params, params.map { strlen($0) } ?? 0, &options, &call)
    }

    private mutating func finish(_ event: gw_event) {
        if event.status == gw_status(GW_OK) {
            answer("result", event.payload, to: .output)
            result = .success
        } else {
            let problem = Problem(event)
            problem.report(json: json)
            result = problem.exitCode
        }
        gw_client_close(client, 0, nil)
    }

    private func answer(_ type: StaticString, _ payload: gw_slice, to destination: Destination) {
        if json {
            var line = Line(type: type)
            line.add("payload", json: payload)
            return line.writeObject()
        }
        var line = Line()
        if destination == .errors {
            line.append(type)
            line.append(": ")
        }
        line.append(payload)
        line.write(to: destination)
    }
}
