import CGatewire
import CSystem

/// `gatewire pin`: what a server presents, so that a person can compare it and pin it.
///
/// It connects with a pin that no certificate can match.  The handshake therefore ends in `GW_ERR_TLS_PIN`, whose details
/// hold what was seen, and the server gets no byte of the application.
enum PinCommand {
    static var command: Command {
        Command(
            name: "pin", usage: "HOST:PORT", arguments: 1...1,
            summary: "show what pins a server's certificate, key and CAs",
            explanation: """

                Shows what the server presents, which proves nothing by itself: compare it with what the gateway says on
                its own machine before you trust it.  Nothing but the TLS handshake is sent.
                """,
            options: [
                Option("--server-name", "NAME", "name to ask for, in place of HOST")
            ] + RouteArguments.options + [
                Option("--timeout", "SECONDS", "limit for each phase of connecting"),
                Option("--json", nil, "one JSON object, errors too"),
            ],
            run: run)
    }

    private static let impossiblePin: StaticString =
        "0000000000000000000000000000000000000000000000000000000000000000"

    private static func run(_ arguments: Arguments) -> ExitCode {
        let target = arguments.positionals[0]
        guard !hasPrefix(target, "ws://") else { return command.complain("HOST:PORT", "has no TLS with ws://") }
        // Room for the scheme, the text and its NUL.
        let size = strlen(target) + 8
        guard let url = malloc(size)?.assumingMemoryBound(to: CChar.self) else { return .internal }
        defer { free(url) }
        memcpy(url, StaticString("wss://").cText, 7)
        strcpy(url + (hasPrefix(target, "wss://") ? 0 : 6), target)

        return ClientArguments.with(
            arguments, of: command, url: CText(url), flags: Int(GW_CLIENT_NO_RECONNECT | GW_CLIENT_NO_DEVICE)
        ) { options in
            // No credential has a place here, whatever the environment holds.
            options.token = nil
            options.password = nil
            let json = arguments.has("--json")
            guard let loop = EventLoop(catchingSignals: false, json: json) else { return .internal }
            var pin: CText? = impossiblePin.cText
            return withUnsafePointer(to: &pin) { pins in
                options.pins = pins
                options.pin_count = 1
                var client: OpaquePointer?
                let status = gw_client_open(loop.context, &options, &client)
                guard status == gw_status(GW_OK) else {
                    let problem = Problem(status, in: loop.context)
                    problem.report(json: json)
                    return problem.exitCode
                }
                defer { gw_client_free(client) }
                return loop.run { handle($0, json: json) }
            }
        }
    }

    private static func handle(_ event: gw_event, json: Bool) -> EventLoop.Next {
        guard Int(event.type) == Int(GW_EVENT_CLIENT_CLOSED) else { return .goOn }
        let details = JSONValue(event.payload.bytes)
        guard event.status == gw_status(GW_ERR_TLS_PIN), let certificate = details["seen"]?.elements.first?.string
        else {
            let problem = Problem(event)
            problem.report(json: json)
            return .finish(problem.exitCode)
        }
        let key = details["seenKey"]?.elements.first?.string
        if json {
            var line = Line(type: "pin")
            line.add("certificate", certificate)
            if let key { line.add("key", key) }
            line.add("details", json: event.payload)
            line.writeObject()
        } else {
            show("certificate  ", certificate)
            if let key { show("key          key:", key) }
            for authority in details["seenCA"]?.elements ?? [] { show("CA           ca:", authority.string ?? []) }
            for key in details["seenCAKey"]?.elements ?? [] { show("CA key       ca-key:", key.string ?? []) }
            show("subject      ", details["subject"]?.string ?? [])
            show("valid until  ", details["notAfter"]?.string ?? [])
            show("CA check     ", details["chain"]?.string ?? [])
        }
        return .finish(.success)
    }

    private static func show(_ label: StaticString, _ fingerprint: [UInt8]) {
        var line = Line()
        line.append(label)
        line.append(fingerprint)
        line.write(to: .output)
    }
}
