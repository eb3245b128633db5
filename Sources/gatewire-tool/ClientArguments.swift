import CGatewire
import CSystem

/// The options of the commands that connect to a gateway.
enum ClientArguments {
    static var trust: [Option] {
        [
            Option("--pin", "PIN", "trust this certificate, or key:, ca:, ca-key: and a digest; may be repeated"),
            Option("--ca", "FILE", "trust certificates of this PEM bundle, not the system's"),
            Option("--server-name", "NAME", "name to ask for and verify, in place of the URL's host"),
            Option("--plaintext", nil, "allow ws:// to any host: everything can be read on the way"),
        ] + TrustArguments.options
    }

    static var credentials: [Option] {
        [
            Option("--token", "TOKEN", "the gateway's token; everybody on this machine can see it here"),
            Option("--token-file", "FILE", "the gateway's token from a file; or set GATEWIRE_TOKEN"),
            Option("--password-file", "FILE", "the gateway's password"),
        ]
    }

    static var connection: [Option] {
        examined + [
            Option("--alternate", "URL", "another URL of the same gateway, tried a little later; may be repeated")
        ]
    }

    /// Those of one connection to one URL.
    static var examined: [Option] {
        trust + RouteArguments.options + credentials + [
            Option("--identity", "FILE", "device identity, made if it is missing; default: a new one each time"),
            Option("--no-device", nil, "connect without a device identity"),
            Option("--scope", "SCOPE", "ask for this scope, not for read and write; may be repeated"),
            Option("--no-deflate", nil, "do not offer compression"),
            Option("--timeout", "SECONDS", "limit for each phase of connecting, and for the answer"),
        ]
    }

    /// Fills in the options that the command line gives and calls `body` with them, while all memory that they point to
    /// is there; ends with `usage` after saying what is wrong with them.
    static func with(
        _ arguments: Arguments, of command: Command, url: CText, flags: Int,
        _ body: (inout gw_client_options) -> ExitCode
    ) -> ExitCode {
        guard let token = Secret(arguments, "--token", "--token-file", variable: "GATEWIRE_TOKEN", of: command),
            let password = Secret(arguments, nil, "--password-file", variable: nil, of: command)
        else { return .usage }
        return withConnection(arguments, of: command, url: url, flags: flags) { options in
            if arguments.has("--no-device") { options.flags |= UInt32(GW_CLIENT_NO_DEVICE) }
            options.identity_file = arguments.value("--identity")
            options.client_id = StaticString("cli").cText
            options.client_mode = StaticString("cli").cText
            options.user_agent = StaticString("gatewire").cText
            options.challenge_timeout_ms = options.hello_timeout_ms
            options.token = token.text
            options.password = password.text
            return withList(arguments, "--scope") { scopes, scopeCount in
                options.scopes = scopes
                options.scope_count = scopeCount
                return body(&options)
            }
        }
    }

    /// The same without what is said to a gateway.
    static func withConnection(
        _ arguments: Arguments, of command: Command, url: CText, flags: Int,
        _ body: (inout gw_client_options) -> ExitCode
    ) -> ExitCode {
        var options = gw_client_options()
        gw_client_options_init(&options)
        options.url = url
        options.flags = UInt32(truncatingIfNeeded: flags)
        if arguments.has("--plaintext") { options.flags |= UInt32(GW_CLIENT_PLAINTEXT_ANY) }
        if arguments.has("--no-deflate") { options.flags |= UInt32(GW_CLIENT_NO_DEFLATE) }
        options.ca_file = arguments.value("--ca")
        options.server_name = arguments.value("--server-name")
        if let text = arguments.value("--timeout") {
            guard let limit = milliseconds(text) else {
                return command.complain("--timeout", "wants seconds, such as 5 or 0.5")
            }
            options.connect_timeout_ms = limit
            options.tls_timeout_ms = limit
            options.upgrade_timeout_ms = limit
            options.hello_timeout_ms = limit
            options.call_timeout_ms = limit
        }
        return withList(arguments, "--pin") { pins, pinCount in
            withList(arguments, "--alternate") { alternates, alternateCount in
                RouteArguments.with(arguments) { route in
                    options.pins = pins
                    options.pin_count = pinCount
                    options.alternates = alternates
                    options.alternate_count = alternateCount
                    options.route = route
                    return TrustArguments.with(arguments, of: command) { trust in
                        options.trust = trust
                        return body(&options)
                    }
                }
            }
        }
    }

    /// Calls `body` with all values of an option as an array for C, nil for none.
    private static func withList<Result>(
        _ arguments: Arguments, _ option: StaticString, _ body: (UnsafePointer<CText?>?, Int) -> Result
    ) -> Result {
        arguments.values(option).map { Optional($0) }.withUnsafeBufferPointer { list in
            body(list.count > 0 ? list.baseAddress : nil, list.count)
        }
    }
}

/// A credential from the command line, a file or a variable; erased when the last one holding it lets go.
final class Secret {
    let text: CText?
    private var file: FileText?

    /// nil after saying what is wrong; `text` is nil if none was given.
    init?(
        _ arguments: Arguments, _ option: StaticString?, _ fileOption: StaticString, variable: StaticString?,
        of command: Command
    ) {
        if let option, let value = arguments.value(option) {
            text = value
            return
        }
        guard let path = arguments.value(fileOption) else {
            var value: CText?
            if let variable, let found = getenv(variable.cText), found.pointee != 0 { value = CText(found) }
            text = value
            return
        }
        guard let file = readFile(path, limit: 65_536) else {
            _ = command.complain(fileOption, "names a file that cannot be read")
            return nil
        }
        // The line break that editors put at the end is not part of a secret.
        var end = file.count
        while end > 0, file.bytes[end - 1] == 0x0a || file.bytes[end - 1] == 0x0d { end -= 1 }
        file.bytes[end] = 0
        self.file = file
        text = CText(file.bytes)
    }

    deinit { file?.erase() }
}
