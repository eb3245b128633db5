import CGatewire
import CSystem

/// `gatewire doctor`: how far the way to a gateway leads, and what to do where it ends.
struct DoctorCommand {
    static var command: Command {
        Command(
            name: "doctor", usage: "URL", arguments: 1...1,
            summary: "show step by step whether and why a gateway cannot be reached",
            explanation: """

                Connects once, shows each step with the time that it took, and closes: name, TCP, proxy, TLS, pin, upgrade,
                challenge, connect request, first tick.  It ends with the exit status of the first failure.  Without --identity
                the gateway sees a device that it does not know.
                """,
            options: ClientArguments.examined + [
                Option("--no-tick", nil, "do not wait for the gateway's first tick, which takes up to its interval"),
                Option("--json", nil, "one JSON object a line, errors too"),
            ],
            run: run)
    }

    private static func run(_ arguments: Arguments) -> ExitCode {
        ClientArguments.with(
            arguments, of: command, url: arguments.positionals[0], flags: Int(GW_CLIENT_NO_RECONNECT)
        ) { options in
            let json = arguments.has("--json")
            guard let loop = EventLoop(catchingSignals: false, json: json) else { return .internal }
            let flags = arguments.has("--no-tick") ? UInt32(GW_DOCTOR_NO_TICK) : 0
            var doctor: UInt64 = 0
            let status = gw_doctor_start(loop.context, &options, flags, &doctor)
            guard status == gw_status(GW_OK) else {
                let problem = Problem(status, in: loop.context)
                problem.report(json: json)
                return problem.exitCode
            }
            let view = DoctorCommand(json: json)
            view.announce(0)
            return loop.run { view.handle($0) }
        }
    }

    private let json: Bool
    private let isTerminal = isatty(1) == 1

    private init(json: Bool) { self.json = json }

    private func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_DOCTOR_STEP:
            if json { showObject(event) } else { showLine(event) }
            return .goOn
        case GW_EVENT_DOCTOR_DONE:
            if json { showEnd(event) } else { showActor(event) }
            return .finish(ExitCode(status: event.status))
        default:
            return .goOn
        }
    }

    // MARK: - For a person

    private static let steps: [StaticString] = [
        "name", "tcp", "proxy", "tls", "pin", "upgrade", "challenge", "auth", "tick",
    ]

    /// Says which step is under way, on a line that the next one overwrites.
    private func announce(_ index: Int) {
        guard isTerminal, !json, index < DoctorCommand.steps.count else { return }
        var line = Line()
        line.append("...     ")
        line.append(DoctorCommand.steps[index])
        line.writePart()
    }

    private func showLine(_ event: gw_event) {
        var line = Line()
        // Back to the beginning of what announces the step, which goes.
        if isTerminal { line.append(verbatim: StaticString("\r\u{1b}[K").bytes) }
        line.append(mark(event), width: 8)
        line.append(event.name, width: 11)
        let isSkipped = event.flags & UInt32(GW_EVENT_SKIPPED) != 0
        line.append(isSkipped ? [] : duration(UInt64(event.code)), width: 10)
        line.append(event.text)
        line.write(to: .output)
        announce(Int(truncatingIfNeeded: event.subject))
    }

    private func mark(_ event: gw_event) -> StaticString {
        if event.flags & UInt32(GW_EVENT_SKIPPED) != 0 { return "-" }
        guard event.status == gw_status(GW_OK) else { return "FAILED" }
        return event.actor == UInt32(GW_ACTOR_NONE) ? "ok" : "note"
    }

    /// "0.42 ms", "12 ms" or "3.10 s".
    private func duration(_ microseconds: UInt64) -> [UInt8] {
        if microseconds < 10_000 { return hundredths(microseconds / 10) + Array(StaticString(" ms").bytes) }
        if microseconds < 1_000_000 { return decimal(microseconds / 1000) + Array(StaticString(" ms").bytes) }
        return hundredths(microseconds / 10_000) + Array(StaticString(" s").bytes)
    }

    private func hundredths(_ number: UInt64) -> [UInt8] {
        decimal(number / 100) + [0x2e, 0x30 + UInt8(truncatingIfNeeded: number / 10 % 10)]
            + [0x30 + UInt8(truncatingIfNeeded: number % 10)]
    }

    private func showActor(_ event: gw_event) {
        guard event.status != gw_status(GW_OK) else { return }
        var line = Line()
        line.append("to act: ")
        line.append(Problem(event).actorHint)
        if event.flags & UInt32(GW_EVENT_RETRYABLE) != 0 { line.append("; trying again later can help") }
        line.write(to: .output)
    }

    // MARK: - For a program

    private func showObject(_ event: gw_event) {
        let isSkipped = event.flags & UInt32(GW_EVENT_SKIPPED) != 0
        var line = Line(type: "step")
        line.add("step", event.name)
        line.add("result", isSkipped ? "skipped" : event.status == gw_status(GW_OK) ? "passed" : "failed")
        line.add("status", gw_status_name(event.status))
        line.add("microseconds", UInt64(event.code))
        line.add("text", event.text)
        line.add("actor", Problem(event).actorName)
        line.add("retryable", event.flags & UInt32(GW_EVENT_RETRYABLE) != 0)
        if event.payload.len > 0 { line.add("details", json: event.payload) }
        line.writeObject()
    }

    private func showEnd(_ event: gw_event) {
        var line = Line(type: "done")
        line.add("status", gw_status_name(event.status))
        if event.name.len > 0 { line.add("step", event.name) }
        line.add("microseconds", UInt64(event.code))
        line.add("text", event.text)
        line.add("actor", Problem(event).actorName)
        line.writeObject()
    }
}
