import CGatewire
import CSystem

/// One namespace from its join to the end of `gatewire sio`.
struct SocketIOSession {
    private let client: OpaquePointer?
    private let context: OpaquePointer
    private let namespace: UInt64
    private let names: [CText]
    private let answer: CText?
    private let json: Bool
    private let wantsAck: Bool
    /// What is still to be sent.
    private var event: CText?
    private let args: CText?
    /// How many events are still to be printed.
    private var left: UInt64
    private var waitsForAck = false
    /// How it ends, once that is known.
    private var result: ExitCode?

    init(
        client: OpaquePointer?, context: OpaquePointer, namespace: UInt64, arguments: Arguments, args: CText?,
        left: UInt64
    ) {
        self.client = client
        self.context = context
        self.namespace = namespace
        self.args = args
        self.left = left
        event = arguments.positionals.count > 1 ? arguments.positionals[1] : nil
        names = arguments.values("--name")
        answer = arguments.value("--answer")
        json = arguments.has("--json")
        wantsAck = arguments.has("--ack")
    }

    /// Ends politely; at once if it is told a second time.
    mutating func stop() -> EventLoop.Next {
        if let result { return .finish(result) }
        close(.success)
        return .goOn
    }

    private mutating func close(_ code: ExitCode) {
        guard result == nil else { return }
        result = code
        gw_client_close(client, 0, nil)
    }

    private mutating func fail(_ problem: Problem) {
        problem.report(json: json)
        close(problem.exitCode)
    }

    mutating func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_SIO_JOINED:
            joined(event)
            emit()
        case GW_EVENT_SIO_EVENT:
            received(event)
        case GW_EVENT_SIO_ACK:
            acknowledged(event)
        case GW_EVENT_SIO_LEFT:
            // Of all else the end of the client tells more.
            switch Int(event.status) {
            case GW_ERR_SIO_REFUSED, GW_ERR_SIO_DISCONNECTED: if result == nil { fail(Problem(event)) }
            default: break
            }
        case GW_EVENT_CLIENT_DISCONNECTED:
            if event.flags & UInt32(GW_EVENT_PAUSED) == 0 { Problem(event).report("disconnected", json: json) }
        case GW_EVENT_CLIENT_WARNING:
            Problem(event).report("warning", json: json)
        case GW_EVENT_CLIENT_CLOSED:
            if let result { return .finish(result) }
            Problem(event).report(json: json)
            return .finish(event.status == gw_status(GW_OK) ? .internal : Problem(event).exitCode)
        default:
            break
        }
        return .goOn
    }

    // MARK: - Sending

    private mutating func emit() {
        guard let event else { return }
        self.event = nil
        var options = gw_sio_emit_options()
        gw_sio_emit_options_init(&options)
        if wantsAck { options.flags = UInt32(GW_SIO_ACK) }
        var ack: UInt64 = 0
        let status = gw_sio_emit(client, namespace, event, args, args.map { strlen($0) } ?? 0, &options, &ack)
        guard status >= 0 else { return fail(Problem(status, in: context)) }
        waitsForAck = wantsAck
        endIfDone()
    }

    private mutating func endIfDone() {
        if left == 0, !waitsForAck, event == nil { close(.success) }
    }

    private mutating func acknowledged(_ event: gw_event) {
        waitsForAck = false
        guard event.status == gw_status(GW_OK) else {
            if result == nil { fail(Problem(event)) }
            return
        }
        show("ack", event)
        endIfDone()
    }

    // MARK: - Receiving

    private mutating func received(_ event: gw_event) {
        if event.subject != 0, let answer {
            let status = gw_sio_ack(client, event.subject, answer, strlen(answer), nil, 0)
            guard status >= 0 || status == gw_status(GW_ERR_GONE) else { return fail(Problem(status, in: context)) }
        }
        guard left > 0, result == nil, isWanted(event) else { return }
        show("event", event)
        left -= 1
        endIfDone()
    }

    private func isWanted(_ event: gw_event) -> Bool {
        let name = event.name.bytes
        return names.isEmpty
            || names.contains { wanted in
                guard let base = name.baseAddress else { return wanted.pointee == 0 }
                return strlen(wanted) == name.count && memcmp(wanted, base, name.count) == 0
            }
    }

    // MARK: - Showing

    private func joined(_ event: gw_event) {
        let isRecovered = event.flags & UInt32(GW_EVENT_RECOVERED) != 0
        if json {
            var line = Line(type: "joined")
            line.add("sid", event.name)
            line.add("recovered", isRecovered)
            return line.writeObject()
        }
        var line = Line()
        line.append("joined, sid ")
        line.append(event.name)
        if isRecovered { line.append(", recovered") }
        line.write(to: .errors)
    }

    /// An event with its name, or an acknowledgement; either with its arguments.
    private func show(_ type: StaticString, _ event: gw_event) {
        let attachments = attachments(of: event)
        if json {
            var line = Line(type: type)
            if event.name.len > 0 { line.add("event", event.name) }
            line.add("args", json: event.payload)
            if attachments.count > 0 { line.add("attachments", base64: attachments) }
            return line.writeObject()
        }
        var line = Line()
        if event.name.len > 0 {
            line.append(event.name)
            line.append(" ")
        }
        line.append(event.payload)
        for attachment in attachments {
            line.append(" <")
            line.append(UInt64(attachment.len))
            line.append(" bytes>")
        }
        line.write(to: .output)
    }

    private func attachments(of event: gw_event) -> UnsafeBufferPointer<gw_slice> {
        guard event.code > 0, let start = event.text.ptr else { return UnsafeBufferPointer(start: nil, count: 0) }
        return UnsafeRawPointer(start).withMemoryRebound(to: gw_slice.self, capacity: Int(event.code)) {
            UnsafeBufferPointer(start: $0, count: Int(event.code))
        }
    }
}
