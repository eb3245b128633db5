import CGatewire
import CSystem

/// `gatewire serve`: the embedded gateway, until SIGINT or SIGTERM.
struct ServeCommand {
    static var command: Command {
        Command(
            name: "serve", usage: "", arguments: 0...0,
            summary: "run a gateway with built-in data",
            explanation: """

                Answers health, agents.list, sessions.list and chat.send; rejects every other method.  Without --cert a new
                self-signed certificate is made, and clients connect with its pin.
                """,
            options: [
                Option("--address", "ADDRESS", "literal address to listen on; default 127.0.0.1"),
                Option("--port", "PORT", "default 18789; 0: any that is free"),
                Option("--cert", "FILE", "certificate chain, PEM, leaf first; needs --key"),
                Option("--key", "FILE", "its private key, PEM"),
                Option("--name", "NAME", "name or address for the self-signed certificate; may be repeated"),
            ] + ClientCertificates.options + [
                Option("--plaintext", nil, "ws:// without TLS; loopback addresses only")
            ] + ClientArguments.credentials + [
                Option("--require-device", nil, "refuse clients without a device identity"),
                Option("--no-deflate", nil, "do not agree to compression"),
                Option("--tick", "SECONDS", "interval of the tick event; default 30"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ],
            run: run)
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        var options = gw_server_options()
        gw_server_options_init(&options)
        options.address = arguments.value("--address")
        options.certificate_file = arguments.value("--cert")
        options.key_file = arguments.value("--key")
        options.client_ca_file = arguments.value("--client-ca")
        if arguments.has("--client-optional") { options.flags |= UInt32(GW_SERVER_CLIENT_OPTIONAL) }
        guard ClientCertificates.check(arguments, of: command) else { return .usage }
        guard arguments.has("--cert") == arguments.has("--key") else {
            return command.complain("--cert and --key", "go together")
        }
        options.port = 18789
        if let text = arguments.value("--port") {
            guard let port = wholeNumber(text, upTo: 65535) else {
                return command.complain("--port", "wants a number from 0 to 65535")
            }
            options.port = UInt32(truncatingIfNeeded: port)
        }
        if let text = arguments.value("--tick") {
            guard let interval = milliseconds(text) else {
                return command.complain("--tick", "wants seconds, such as 30 or 0.5")
            }
            options.tick_interval_ms = interval
        }
        if arguments.has("--plaintext") { options.flags |= UInt32(GW_SERVER_PLAINTEXT) }
        if arguments.has("--no-deflate") { options.flags |= UInt32(GW_SERVER_NO_DEFLATE) }
        if arguments.has("--require-device") { options.flags |= UInt32(GW_SERVER_REQUIRE_DEVICE) }
        guard let token = Secret(arguments, "--token", "--token-file", variable: "GATEWIRE_TOKEN", of: command),
            let password = Secret(arguments, nil, "--password-file", variable: nil, of: command)
        else { return .usage }
        options.token = token.text
        options.password = password.text

        let json = arguments.has("--json")
        guard let loop = EventLoop(catchingSignals: true, json: json) else { return .internal }
        var server: OpaquePointer?
        let names = arguments.values("--name").map { Optional($0) }
        let status = names.withUnsafeBufferPointer { names in
            if names.count > 0 { options.names = names.baseAddress }
            options.name_count = names.count
            return gw_server_open(loop.context, &options, &server)
        }
        guard status == gw_status(GW_OK), let server else {
            let problem = Problem(status, in: loop.context)
            problem.report(json: json)
            return problem.exitCode
        }
        defer { gw_server_free(server) }
        var serving = ServeCommand(server: server, json: json)
        serving.announce(asksForCredential: token.text != nil || password.text != nil)
        return loop.run({ serving.handle($0) }, interrupted: { serving.stop() })
    }

    private let server: OpaquePointer
    private let json: Bool
    private var isStopping = false

    private init(server: OpaquePointer, json: Bool) {
        self.server = server
        self.json = json
    }

    private func announce(asksForCredential: Bool) {
        let announcement = Announcement(port: gw_server_port(server)) { which in
            var slice = gw_slice()
            gw_server_get_text(server, which, &slice)
            return slice
        }
        if json {
            var line = announcement.object()
            line.add("asksForCredential", asksForCredential)
            return line.writeObject()
        }
        announcement.show(
            to: .output, try: "gatewire call", asksForCredential ? " health --token-file FILE" : " health")
    }

    /// Ends politely; at once if it is told a second time.
    private mutating func stop() -> EventLoop.Next {
        if isStopping { return .finish(.success) }
        isStopping = true
        gw_server_stop(server, "stopped")
        return .goOn
    }

    private func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_PEER_CONNECTED:
            log("peer-connected", event)
        case GW_EVENT_PEER_DISCONNECTED:
            log("peer-disconnected", event)
        case GW_EVENT_PEER_REQUEST:
            log("request", event)
            reject(event)
        case GW_EVENT_SERVER_CLOSED:
            if json {
                var line = Line(type: "closed")
                line.writeObject()
            } else {
                write("stopped", to: .output)
            }
            return .finish(isStopping ? .success : Problem(event).exitCode)
        default:
            break
        }
        return .goOn
    }

    /// Answers as gateways do to a method that they have not.
    private func reject(_ request: gw_event) {
        var message: [CChar] = []
        for byte in ("unknown method: " as StaticString).bytes { message.append(CChar(bitPattern: byte)) }
        for byte in request.name.bytes where byte != 0 { message.append(CChar(bitPattern: byte)) }
        message.append(0)
        gw_server_reject(server, request.subject, "INVALID_REQUEST", message, nil, 0, 0)
    }

    private func log(_ type: StaticString, _ event: gw_event) {
        if json {
            var line = Line(type: type)
            line.add("connection", event.connection)
            if event.status != gw_status(GW_OK) { line.add("status", gw_status_name(event.status)) }
            if event.text.len > 0 { line.add("text", event.text) }
            if event.code > 0 { line.add("code", UInt64(event.code)) }
            if event.name.len > 0 { line.add("name", event.name) }
            if event.payload.len > 0 { line.add("payload", json: event.payload) }
            return line.writeObject()
        }
        var line = Line()
        line.append(type)
        line.append(" ")
        line.append(event.connection & 0xffff_ffff)
        if event.name.len > 0 {
            line.append(" ")
            line.append(event.name)
        }
        if event.text.len > 0 {
            line.append(": ")
            line.append(event.text)
        }
        if event.payload.len > 0 {
            line.append(" ")
            line.append(event.payload)
        }
        line.write(to: .output)
    }
}
