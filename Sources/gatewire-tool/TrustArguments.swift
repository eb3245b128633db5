import CGatewire

/// The options that say which servers are believed, beside pins and CA file.
enum TrustArguments {
    private static let modes: [(name: StaticString, mode: Int)] = [
        ("ca", GW_TRUST_CA), ("pin", GW_TRUST_PIN), ("pin-and-ca", GW_TRUST_PIN_AND_CA),
        ("pin-or-ca", GW_TRUST_PIN_OR_CA),
    ]

    static var options: [Option] {
        [
            Option("--trust", "MODE", "ca, pin, pin-and-ca or pin-or-ca; default: pin if there is one, else ca"),
            Option("--ca-dir", "DIRECTORY", "trust certificates of this directory, as openssl rehash makes it"),
            Option("--client-cert", "FILE", "PEM certificate for servers that ask for one; needs --client-key"),
            Option("--client-key", "FILE", "PEM key of --client-cert"),
            Option("--key-log", "FILE", "append TLS session secrets, for debugging: who has them can read the traffic"),
        ]
    }

    /// Calls `body` with what the command line says of trust, nil for nothing, while it is there; ends with `usage` after saying what is
    /// wrong with it.
    static func with(
        _ arguments: Arguments, of command: Command, _ body: (UnsafePointer<gw_trust_options>?) -> ExitCode
    ) -> ExitCode {
        guard options.contains(where: { arguments.has($0.name) }) else { return body(nil) }
        var trust = gw_trust_options()
        gw_trust_options_init(&trust)
        if let text = arguments.value("--trust") {
            guard let found = modes.first(where: { isEqual(text, $0.name) }) else {
                return command.complain("--trust", "is ca, pin, pin-and-ca or pin-or-ca")
            }
            trust.mode = UInt32(truncatingIfNeeded: found.mode)
        }
        trust.ca_directory = arguments.value("--ca-dir")
        trust.certificate_file = arguments.value("--client-cert")
        trust.key_file = arguments.value("--client-key")
        trust.key_log_file = arguments.value("--key-log")
        return withUnsafePointer(to: trust) { body($0) }
    }
}
