import CGatewire
import CSystem

/// `gatewire ws`: a raw WebSocket as a program of pipes and terminals, at either end.
enum WebSocketCommand {
    static var command: Command {
        Command(
            name: "ws", usage: "URL | --listen [HOST:]PORT", arguments: 0...1,
            summary: "talk to any WebSocket server, or be one",
            explanation: """

                Each line of standard input is sent as a text message.  Messages that arrive go to standard output, everything else
                to standard error.  Text is a line; binary is hexadecimal on a terminal, the bytes alone in a pipe, and base64
                with --json.

                With URL it closes when the input has ended and nothing has arrived for --linger, or ends with the peer; a peer
                that closes with 1000, 1001 or no code is no failure.  With --listen, input goes to all connections, and it ends
                with SIGINT or SIGTERM; a message stands behind the number of its connection, binary as hexadecimal.
                """,
            options: [
                Option("--binary", nil, "send standard input as binary messages, as it is read"),
                Option("--origin", "ORIGIN", "send this Origin; with --listen: let only it in; may be repeated"),
                Option("--subprotocol", "NAME", "offer or accept this subprotocol; may be repeated, best first"),
                Option("--ping", "SECONDS", "interval of pings; default 30; 0: none"),
                Option("--max-message", "BYTES", "largest message, both ways; default 16777216"),
                Option("--no-deflate", nil, "no compression"),
                Option("--plaintext", nil, "allow ws:// to any host; with --listen: no TLS, loopback only"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ],
            groups: [("With URL", connecting), ("With --listen", listening)],
            run: run)
    }

    private static var connecting: [Option] {
        RouteArguments.options + TrustArguments.options + [
            Option("--pin", "PIN", "trust this certificate, or key:, ca:, ca-key: and a digest; may be repeated"),
            Option("--ca", "FILE", "trust certificates of this PEM bundle, not the system's"),
            Option("--server-name", "NAME", "name to ask for and verify, in place of the URL's host"),
            Option(
                "--header", "'NAME: VALUE'", "send this header; may be repeated; everybody on this machine can see it"),
            Option("--header-file", "FILE", "send the headers in a file, one a line: for credentials"),
            Option("--one", nil, "end after the first message; the end of input does not end it"),
            Option(
                "--linger", "SECONDS", "after the end of input, wait this long for each message; default 1; or forever"),
            Option("--redirects", "N", "follow up to this many redirects, 20 at most; default 0"),
            Option("--timeout", "SECONDS", "limit for each phase of connecting"),
        ]
    }

    private static var listening: [Option] {
        [
            Option("--listen", "[HOST:]PORT", "HOST is a literal address, default 127.0.0.1; port 0: any that is free"),
            Option("--echo", nil, "send every message back; standard input is not read"),
            Option("--cert", "FILE", "certificate chain, PEM, leaf first; needs --key; default: one is made"),
            Option("--key", "FILE", "its private key, PEM"),
            Option("--name", "NAME", "name or address for the certificate that is made; may be repeated"),
            Option("--max-connections", "N", "refuse more than these; default 1024"),
        ] + ClientCertificates.options
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        let listens = arguments.has("--listen")
        for option in listens ? connecting : listening where arguments.has(option.name) {
            return command.complain(option.name, listens ? "does not go with --listen" : "needs --listen")
        }
        if listens, !arguments.positionals.isEmpty { return command.complain("--listen", "does not go with a URL") }
        if !listens, arguments.positionals.isEmpty { return command.complain("a URL or --listen", "is missing") }
        guard let limits = limits(arguments) else { return .usage }
        let input = MessageInput(isBinary: arguments.has("--binary"), limit: Int(limits.max_message_bytes))
        return listens
            ? WebSocketServer.run(arguments, limits, input)
            : WebSocketClient.run(arguments, limits, input)
    }

    private static func limits(_ arguments: Arguments) -> gw_socket_limits? {
        var limits = gw_socket_limits()
        gw_socket_limits_init(&limits)
        limits.max_message_bytes = 16 << 20
        if let text = arguments.value("--max-message") {
            guard let size = wholeNumber(text, upTo: 1 << 30), size > 0 else {
                _ = command.complain("--max-message", "wants a number of bytes, at most 1073741824")
                return nil
            }
            limits.max_message_bytes = UInt32(truncatingIfNeeded: size)
        }
        if let text = arguments.value("--ping") {
            guard let interval = isEqual(text, "0") ? GW_NEVER : milliseconds(text) else {
                _ = command.complain("--ping", "wants seconds, such as 30 or 0.5, or 0 for no pings")
                return nil
            }
            limits.ping_interval_ms = interval
        }
        // Input is read only below the high mark, so that there is always room for the largest message.
        limits.high_water_bytes = 1 << 20
        limits.max_queued_bytes = limits.max_message_bytes + (2 << 20)
        return limits
    }
}
