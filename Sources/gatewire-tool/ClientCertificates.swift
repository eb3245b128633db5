/// The options of both servers of the tool that say which certificates clients must show.
enum ClientCertificates {
    static var options: [Option] {
        [
            Option("--client-ca", "FILE", "let in only clients with a certificate of these CAs, a PEM bundle"),
            Option("--client-optional", nil, "with --client-ca: let in clients that show no certificate, too"),
        ]
    }

    /// False after saying what is wrong with them.
    static func check(_ arguments: Arguments, of command: Command) -> Bool {
        let problem: StaticString
        if arguments.has("--client-optional"), !arguments.has("--client-ca") {
            problem = "needs --client-ca"
        } else if arguments.has("--client-optional") || arguments.has("--client-ca"), arguments.has("--plaintext") {
            problem = "does not go with --plaintext"
        } else {
            return true
        }
        _ = command.complain(arguments.has("--client-optional") ? "--client-optional" : "--client-ca", problem)
        return false
    }
}
