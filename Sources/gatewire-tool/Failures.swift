import CGatewire
import CSystem

/// Why something failed, as events and `gw_context_last_error` tell it.
struct Problem {
    var status: gw_status
    var actor: UInt32
    var text: gw_slice
    var name = gw_slice()
    var payload = gw_slice()
    var code: UInt32 = 0
    var isRetryable = false
    var retryAfter: UInt32 = 0

    init(_ event: gw_event) {
        status = event.status
        actor = event.actor
        text = event.text
        name = event.name
        payload = event.payload
        code = event.code
        isRetryable = event.flags & UInt32(GW_EVENT_RETRYABLE) != 0
        retryAfter = event.retry_after_ms
    }

    /// The last failure in a context; `status` is what the failing function returned.
    init(_ status: gw_status, in context: OpaquePointer?) {
        var error = gw_error()
        error.struct_size = UInt32(MemoryLayout<gw_error>.size)
        let isKnown = gw_context_last_error(context, &error) == gw_status(GW_OK) && error.status == status
        self.status = status
        actor = isKnown ? error.actor : UInt32(GW_ACTOR_PROGRAM)
        text = isKnown ? error.text : gw_slice()
    }

    var exitCode: ExitCode { ExitCode(status: status) }

    /// One JSON object on standard output, or lines for a person on standard error.
    func report(_ type: StaticString = "error", json: Bool) {
        if json {
            var line = Line(type: type)
            line.add("status", gw_status_name(status))
            addText(to: &line)
            line.add("actor", actorName)
            line.add("retryable", isRetryable)
            if retryAfter > 0 { line.add("retryAfterMs", UInt64(retryAfter)) }
            if code > 0 { line.add("code", UInt64(code)) }
            if name.len > 0 { line.add("name", name) }
            if payload.len > 0 { line.add("payload", json: payload) }
            return line.writeObject()
        }
        var line = Line()
        line.append("gatewire: ")
        line.append(gw_status_name(status))
        line.append(": ")
        if text.len > 0 { line.append(text) } else { line.append(gw_status_text(status)) }
        line.write(to: .errors)
        detail("code", name)
        if status == gw_status(GW_ERR_UPGRADE_REFUSED) { refusal() } else { detail("details", payload) }
        line.append("  to act: ")
        line.append(actorHint)
        line.write(to: .errors)
        if isRetryable { write("  trying again later can help", to: .errors) }
    }

    private func addText(to line: inout Line) {
        if text.len > 0 { line.add("text", text) } else { line.add("text", gw_status_text(status)) }
    }

    /// What a server answered in place of the upgrade: the headers that say why, and the body.
    private func refusal() {
        let answer = JSONValue(payload.bytes)
        for header in answer["headers"]?.elements ?? [] {
            let parts = header.elements
            guard parts.count == 2, let name = parts[0].string, let value = parts[1].string, isTelling(name)
            else { continue }
            var line = Line()
            line.append("  ")
            line.append(name)
            line.append(": ")
            line.append(value)
            line.write(to: .errors)
        }
        var body = answer["body"]?.string ?? []
        while body.last == 0x0a { body.removeLast() }
        guard !body.isEmpty else { return }
        var line = Line()
        line.append("  body: ")
        body.prefix(Problem.shownBodyBytes).withUnsafeBufferPointer { line.appendText($0) }
        if body.count > Problem.shownBodyBytes { line.append(" ... (--json shows all)") }
        line.write(to: .errors)
    }

    private static let shownBodyBytes = 4096

    private func isTelling(_ header: [UInt8]) -> Bool {
        let names: [StaticString] = [
            "location", "www-authenticate", "retry-after", "allow", "upgrade", "sec-websocket-version", "content-type",
            "server",
        ]
        return names.contains { name in
            guard name.utf8CodeUnitCount == header.count else { return false }
            return header.withUnsafeBytes { bytes in
                bytes.baseAddress.map {
                    strncasecmp($0.assumingMemoryBound(to: CChar.self), name.cText, bytes.count) == 0
                }
                    ?? false
            }
        }
    }

    private func detail(_ label: StaticString, _ value: gw_slice) {
        guard value.len > 0 else { return }
        var line = Line()
        line.append("  ")
        line.append(label)
        line.append(": ")
        line.append(value)
        line.write(to: .errors)
    }

    var actorName: StaticString {
        switch Int(actor) {
        case GW_ACTOR_PROGRAM: "program"
        case GW_ACTOR_USER: "user"
        case GW_ACTOR_OPERATOR: "operator"
        case GW_ACTOR_NETWORK: "network"
        default: "none"
        }
    }

    var actorHint: StaticString {
        switch Int(actor) {
        case GW_ACTOR_PROGRAM: "you, on this command line: an option or argument is wrong"
        case GW_ACTOR_USER: "you: a credential, a pin or an approval is needed"
        case GW_ACTOR_OPERATOR: "whoever runs the server"
        case GW_ACTOR_NETWORK: "whoever keeps the network: name, route, proxy"
        default: "nobody"
        }
    }
}

/// A wrong command line: what is wrong, as one line, and where to read on.
func usageError(_ line: Line, help: StaticString) -> ExitCode {
    var line = line
    line.write(to: .errors)
    line.append("See: ")
    line.append(help)
    line.write(to: .errors)
    return .usage
}
