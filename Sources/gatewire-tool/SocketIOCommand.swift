import CGatewire
import CSystem

/// `gatewire sio`: one event to a Socket.IO server and what it says to it, or the events that it sends.
enum SocketIOCommand {
    static var command: Command {
        Command(
            name: "sio", usage: "URL [EVENT [ARGS|-]]", arguments: 1...3,
            summary: "send an event to a Socket.IO server, or print those that it sends",
            explanation: """

                With EVENT it sends that and ends; with --ack it prints the acknowledgement first.  ARGS is a JSON array; - reads it from
                standard input.  Without EVENT, or with --count, it prints the events that arrive, each with its arguments, until --count
                have come, or until SIGINT or SIGTERM; a lost connection is made again.  Binary data is shown by its size, and as base64
                with --json.
                """,
            options: [
                Option("--namespace", "NAME", "join this one; default: the path of the URL"),
                Option("--auth", "JSON", "object for the server to judge; everybody on this machine can see it here"),
                Option("--auth-file", "FILE", "the same from a file; or set GATEWIRE_SIO_AUTH"),
                Option("--ack", nil, "ask for an acknowledgement of EVENT"),
                Option("--count", "N", "print this many events"),
                Option("--name", "NAME", "only events of this name; may be repeated"),
                Option("--answer", "ARGS", "acknowledge with these, a JSON array, where the server asks for it"),
                Option("--once", nil, "end when the connection ends"),
                Option("--path", "PATH", "of the request; default /socket.io"),
                Option(
                    "--header", "'NAME: VALUE'",
                    "send this header; may be repeated; everybody on this machine can see it"),
                Option("--header-file", "FILE", "send the headers in a file, one a line: for credentials"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ] + ClientArguments.trust + RouteArguments.options + [
                Option("--alternate", "URL", "another URL of the same server, tried a little later; may be repeated"),
                Option("--no-deflate", nil, "do not offer compression"),
                Option("--timeout", "SECONDS", "limit for each phase of connecting, and for the acknowledgement"),
            ],
            run: run)
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        let sends = arguments.positionals.count > 1
        var left: UInt64 = sends ? 0 : .max
        if let text = arguments.value("--count") {
            guard let number = wholeNumber(text, upTo: 1 << 48), number > 0 else {
                return command.complain("--count", "wants a whole number above 0")
            }
            left = number
        }
        if !sends, arguments.has("--ack") { return command.complain("--ack", "needs EVENT") }
        var input: FileText?
        defer { input?.erase() }
        var args: CText? = arguments.positionals.count > 2 ? arguments.positionals[2] : nil
        if let given = args, isEqual(given, "-") {
            input = readAll(0, limit: 64 << 20)
            guard let input else { return command.complain("-", "standard input cannot be read, or is above 64 MiB") }
            args = CText(input.bytes)
        }
        guard let auth = Secret(arguments, "--auth", "--auth-file", variable: "GATEWIRE_SIO_AUTH", of: command),
            let headers = HeaderList(arguments, of: command)
        else { return .usage }
        let flags = sends || arguments.has("--once") ? Int(GW_CLIENT_NO_RECONNECT) : 0
        return ClientArguments.withConnection(
            arguments, of: command, url: arguments.positionals[0], flags: flags
        ) { options in
            var sio = gw_sio_options()
            gw_sio_options_init(&sio)
            sio.path = arguments.value("--path")
            options.dialect = UInt32(GW_DIALECT_SOCKETIO)
            let json = arguments.has("--json")
            guard let loop = EventLoop(catchingSignals: true, json: json) else { return .internal }
            var client: OpaquePointer?
            let status = headers.headers.withUnsafeBufferPointer { list in
                options.headers = list.count > 0 ? list.baseAddress : nil
                options.header_count = list.count
                return withUnsafePointer(to: sio) { sio in
                    options.sio = sio
                    return gw_client_open(loop.context, &options, &client)
                }
            }
            guard status == gw_status(GW_OK) else { return fail(status, loop.context, json) }
            defer { gw_client_free(client) }
            var namespace: UInt64 = 0
            let joined = join(client, arguments.value("--namespace"), auth.text, &namespace)
            guard joined == gw_status(GW_OK) else { return fail(joined, loop.context, json) }
            var session = SocketIOSession(
                client: client, context: loop.context, namespace: namespace, arguments: arguments, args: args,
                left: left)
            return loop.run({ session.handle($0) }, interrupted: { session.stop() })
        }
    }

    private static func join(
        _ client: OpaquePointer?, _ name: CText?, _ auth: CText?, _ namespace: inout UInt64
    ) -> gw_status {
        var options = gw_sio_join_options()
        gw_sio_join_options_init(&options)
        options.auth = auth.map { UnsafeRawPointer($0) }
        options.auth_len = auth.map { strlen($0) } ?? 0
        return gw_sio_join(client, name, &options, &namespace)
    }

    private static func fail(_ status: gw_status, _ context: OpaquePointer, _ json: Bool) -> ExitCode {
        let problem = Problem(status, in: context)
        problem.report(json: json)
        return problem.exitCode
    }
}
