import CGatewire

/// What a gateway speaks, and who the client is in GoClaw's dialect.
enum DialectArguments {
    static var options: [Option] {
        [
            dialect,
            Option("--user", "ID", "GoClaw: the user for whom to act"),
            Option("--sender", "ID", "GoClaw: the sender id of a pairing that was approved"),
            Option("--tenant", "ID", "GoClaw: the tenant, by its id or slug"),
        ]
    }

    private static var dialect: Option {
        Option("--dialect", "NAME", "openclaw (the default), goclaw, or detect to find out")
    }

    static var served: Option { Option("--dialect", "NAME", "openclaw (the default) or goclaw") }

    /// `GW_DIALECT_...`; nil for a word that is none.
    static func number(_ arguments: Arguments, detects: Bool) -> UInt32? {
        guard let name = arguments.value("--dialect") else { return UInt32(GW_DIALECT_OPENCLAW) }
        if isEqual(name, "openclaw") { return UInt32(GW_DIALECT_OPENCLAW) }
        if isEqual(name, "goclaw") { return UInt32(GW_DIALECT_GOCLAW) }
        return detects && isEqual(name, "detect") ? UInt32(GW_DIALECT_DETECT) : nil
    }

    /// Calls `body` with what the options say, while the memory that it points to is there.
    static func with(
        _ arguments: Arguments, of command: Command,
        _ body: (UInt32, UnsafePointer<gw_goclaw_options>?) -> ExitCode
    ) -> ExitCode {
        guard let dialect = number(arguments, detects: true) else {
            return command.complain("--dialect", "wants openclaw, goclaw or detect")
        }
        guard dialect != UInt32(GW_DIALECT_OPENCLAW) else {
            for option in ["--user", "--sender", "--tenant"] as [StaticString] where arguments.value(option) != nil {
                return command.complain(option, "is for --dialect goclaw or detect")
            }
            return body(dialect, nil)
        }
        var options = gw_goclaw_options()
        gw_goclaw_options_init(&options)
        options.user_id = arguments.value("--user")
        options.sender_id = arguments.value("--sender")
        options.tenant_id = arguments.value("--tenant")
        return withUnsafePointer(to: &options) { body(dialect, $0) }
    }

    /// Tells a person what to approve, or what to keep.
    static func show(_ event: gw_event, json: Bool) {
        if json {
            var line = Line(type: "pairing")
            line.add("state", event.name)
            line.add("payload", json: event.payload)
            return line.writeObject()
        }
        var line = Line()
        line.append("pairing: ")
        line.append(event.text)
        line.append(" ")
        line.append(event.payload)
        line.write(to: .errors)
    }
}
