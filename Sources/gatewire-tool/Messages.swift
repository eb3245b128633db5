import CGatewire
import CSystem

/// Shows what happens on raw WebSockets.  Messages go to standard output, all else to standard error; with `json` everything
/// goes to standard output, one object a line.
struct Messages {
    let json: Bool
    /// Several connections, each with its number in front.
    let isNumbered: Bool
    private let isTerminal = isatty(1) == 1
    /// A person types beside the messages.
    private let isConversation = isatty(0) == 1 && isatty(1) == 1

    init(json: Bool, isNumbered: Bool) {
        self.json = json
        self.isNumbered = isNumbered
    }

    func opened(_ event: gw_event, _ state: gw_socket_state) {
        if json {
            var line = start("open", event)
            if event.name.len > 0 { line.add("subprotocol", event.name) }
            line.add("tls", state.tls != 0)
            line.add("deflate", state.deflate != 0)
            line.add("payload", json: event.payload)
            return line.writeObject()
        }
        var line = person(event)
        line.append("connected")
        if let remote = JSONValue(event.payload.bytes)["remote"]?.string {
            line.append(" from ")
            line.append(remote)
        }
        if event.name.len > 0 {
            line.append(", subprotocol ")
            line.append(event.name)
        }
        line.append(state.tls != 0 ? ", encrypted" : ", not encrypted")
        if state.deflate != 0 { line.append(", compressed") }
        line.write(to: .errors)
        if isConversation, !isNumbered { write("each line is sent; Ctrl-D ends", to: .errors) }
    }

    func received(_ event: gw_event) {
        let isText = Int(event.code) == Int(GW_TEXT)
        if json {
            var line = start("message", event)
            if isText { line.add("text", event.payload) } else { line.add("binary", base64: event.payload) }
            return line.writeObject()
        }
        var line = Line()
        if isNumbered {
            line.append(number(event))
            line.append(": ")
        } else if isConversation {
            line.append("< ")
        }
        if isText {
            if isTerminal { line.appendText(event.payload.bytes) } else { line.append(verbatim: event.payload.bytes) }
        } else if isTerminal || isNumbered {
            line.append(hex: event.payload.bytes)
        } else {
            return writeBytes(event.payload.bytes, to: .output)
        }
        line.write(to: .output)
    }

    /// The end of a connection that one of the two closed, or that a listener lost.
    func closed(_ event: gw_event) {
        let side: StaticString? =
            switch Int(event.status) {
            case GW_OK: "gatewire"
            case GW_ERR_CLOSED: "peer"
            default: nil
            }
        if json {
            var line = start("closed", event)
            line.add("status", gw_status_name(event.status))
            if let side { line.add("by", side) }
            line.add("code", UInt64(event.code))
            line.add("reason", event.name)
            line.add("clean", event.flags & UInt32(GW_EVENT_CLEAN) != 0)
            line.add("text", event.text)
            return line.writeObject()
        }
        var line = person(event)
        if let side {
            line.append("closed by ")
            line.append(isEqual(side.cText, "peer") ? "the peer" : "gatewire")
            if event.code > 0 {
                line.append(": ")
                line.append(UInt64(event.code))
            }
            if event.name.len > 0 {
                line.append(" ")
                line.append(event.name)
            }
        } else {
            line.append("ended: ")
            line.append(gw_status_name(event.status))
            line.append(": ")
            line.append(event.text)
        }
        line.write(to: .errors)
    }

    private func start(_ type: StaticString, _ event: gw_event) -> Line {
        var line = Line(type: type)
        if isNumbered { line.add("connection", event.connection) }
        return line
    }

    private func person(_ event: gw_event) -> Line {
        var line = Line()
        if isNumbered {
            line.append("connection ")
            line.append(number(event))
            line.append(" ")
        }
        return line
    }

    private func number(_ event: gw_event) -> UInt64 { event.connection & 0xffff_ffff }
}
