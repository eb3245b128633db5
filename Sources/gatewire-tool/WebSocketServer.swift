import CGatewire
import CSystem

/// `gatewire ws --listen`: standard input to everybody who connects, their messages to standard output.
struct WebSocketServer {
    static func run(_ arguments: Arguments, _ limits: gw_socket_limits, _ input: MessageInput) -> ExitCode {
        let json = arguments.has("--json")
        guard let text = arguments.value("--listen"), let address = AddressText(text) else {
            return WebSocketCommand.command.complain("--listen", "wants a port from 0 to 65535, or HOST:PORT")
        }
        var options = gw_listener_options()
        gw_listener_options_init(&options)
        options.address = address.host
        options.port = address.port
        options.certificate_file = arguments.value("--cert")
        options.key_file = arguments.value("--key")
        options.client_ca_file = arguments.value("--client-ca")
        if arguments.has("--client-optional") { options.flags |= UInt32(GW_LISTENER_CLIENT_OPTIONAL) }
        guard ClientCertificates.check(arguments, of: WebSocketCommand.command) else { return .usage }
        guard arguments.has("--cert") == arguments.has("--key") else {
            return WebSocketCommand.command.complain("--cert and --key", "go together")
        }
        if arguments.has("--plaintext") { options.flags |= UInt32(GW_LISTENER_PLAINTEXT) }
        if arguments.has("--no-deflate") { options.flags |= UInt32(GW_LISTENER_NO_DEFLATE) }
        if let text = arguments.value("--max-connections") {
            guard let count = wholeNumber(text, upTo: 1 << 20), count > 0 else {
                return WebSocketCommand.command.complain("--max-connections", "wants a whole number above 0")
            }
            options.max_connections = UInt32(truncatingIfNeeded: count)
        }
        guard let loop = EventLoop(catchingSignals: true, json: json) else { return .internal }
        var listener: OpaquePointer?
        let status = open(arguments, limits, &options, loop.context, &listener)
        guard status == gw_status(GW_OK), let listener else {
            let problem = Problem(status, in: loop.context)
            problem.report(json: json)
            return problem.exitCode
        }
        defer { gw_listener_free(listener) }
        var server = WebSocketServer(
            listener: listener, input: input, messages: Messages(json: json, isNumbered: true),
            kind: UInt32(arguments.has("--binary") ? GW_BINARY : GW_TEXT), echoes: arguments.has("--echo"))
        server.announce()
        return loop.run(
            { server.handle($0) }, interrupted: { server.stop() }, prepare: { server.prepare() },
            input: { server.readInput() })
    }

    private static func open(
        _ arguments: Arguments, _ limits: gw_socket_limits, _ options: inout gw_listener_options,
        _ context: OpaquePointer, _ listener: inout OpaquePointer?
    ) -> gw_status {
        let names = arguments.values("--name").map { Optional($0) }
        let origins = arguments.values("--origin").map { Optional($0) }
        let subprotocols = arguments.values("--subprotocol").map { Optional($0) }
        return withUnsafePointer(to: limits) { limits in
            names.withUnsafeBufferPointer { names in
                origins.withUnsafeBufferPointer { origins in
                    subprotocols.withUnsafeBufferPointer { subprotocols in
                        options.limits = limits
                        if names.count > 0 { options.names = names.baseAddress }
                        options.name_count = names.count
                        if origins.count > 0 { options.origins = origins.baseAddress }
                        options.origin_count = origins.count
                        if subprotocols.count > 0 { options.subprotocols = subprotocols.baseAddress }
                        options.subprotocol_count = subprotocols.count
                        return gw_listener_open(context, &options, &listener)
                    }
                }
            }
        }
    }

    private let listener: OpaquePointer
    private let input: MessageInput
    private let messages: Messages
    private let kind: UInt32
    private let echoes: Bool
    private var connections: [UInt64] = []
    /// Those whose queue is above its high mark: while there is one, input is not read.
    private var slow: [UInt64] = []
    private var hasInputEnded = false
    private var isStopping = false
    private var result = ExitCode.success

    private init(listener: OpaquePointer, input: MessageInput, messages: Messages, kind: UInt32, echoes: Bool) {
        self.listener = listener
        self.input = input
        self.messages = messages
        self.kind = kind
        self.echoes = echoes
    }

    private func announce() {
        let announcement = Announcement(port: gw_listener_port(listener)) { which in
            var slice = gw_slice()
            gw_listener_get_text(listener, which, &slice)
            return slice
        }
        if messages.json {
            var line = announcement.object()
            return line.writeObject()
        }
        announcement.show(to: .errors, try: "gatewire ws", "")
    }

    // MARK: what happens

    private mutating func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_SOCKET_OPEN:
            connections.append(event.connection)
            messages.opened(event, state(of: event.connection))
            sendInput()
        case GW_EVENT_SOCKET_MESSAGE:
            messages.received(event)
            if echoes { echo(event) }
        case GW_EVENT_SOCKET_WRITABLE:
            slow.removeAll { $0 == event.connection }
            sendInput()
        case GW_EVENT_SOCKET_CLOSED:
            messages.closed(event)
            connections.removeAll { $0 == event.connection }
            slow.removeAll { $0 == event.connection }
            sendInput()
        case GW_EVENT_SERVER_CLOSED:
            return .finish(isStopping ? result : Problem(event).exitCode)
        default:
            break
        }
        return .goOn
    }

    private func state(of connection: UInt64) -> gw_socket_state {
        var state = gw_socket_state()
        state.struct_size = UInt32(MemoryLayout<gw_socket_state>.size)
        gw_listener_get_state(listener, connection, &state)
        return state
    }

    private func echo(_ event: gw_event) {
        let status = gw_listener_send(
            listener, event.connection, event.code, event.payload.ptr, event.payload.len, 0)
        guard status == gw_status(GW_ERR_FULL) else { return }
        gw_listener_disconnect(listener, event.connection, 1008, "it sends and does not read")
    }

    /// Ends politely; at once if it is told a second time.
    private mutating func stop() -> EventLoop.Next {
        if isStopping { return .finish(result) }
        isStopping = true
        gw_listener_stop(listener)
        return .goOn
    }

    // MARK: standard input

    /// Input waits for somebody to send it to.
    private var wantsInput: Bool {
        !echoes && !isStopping && !hasInputEnded && !connections.isEmpty && slow.isEmpty
    }

    private func prepare() -> EventLoop.Wait { EventLoop.Wait(input: wantsInput) }

    private mutating func readInput() -> EventLoop.Next {
        if !input.fill() { result = input.complain(.unreadable, json: messages.json) }
        sendInput()
        return .goOn
    }

    private mutating func sendInput() {
        while wantsInput {
            switch input.next() {
            case .message(let bytes):
                if !sendToAll(bytes) { result = input.complain(.notUTF8, json: messages.json) }
            case .needMore:
                return
            case .tooLong:
                result = input.complain(.tooLong, json: messages.json)
                _ = stop()
            case .ended:
                hasInputEnded = true
            }
        }
    }

    /// False for what is not UTF-8.  A connection that is ending has its own event.
    private mutating func sendToAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        for connection in connections {
            switch Int(gw_listener_send(listener, connection, kind, bytes.baseAddress, bytes.count, 0)) {
            case GW_QUEUED: slow.append(connection)
            case GW_ERR_UTF8: return false
            default: break
            }
        }
        return true
    }
}

/// `[HOST:]PORT` of a command line, an address of version 6 in brackets.
private final class AddressText {
    private(set) var host: CText?
    private(set) var port: UInt32 = 0
    private let copy: UnsafeMutablePointer<CChar>

    init?(_ text: CText) {
        guard let copy = strdup(text) else { return nil }
        self.copy = copy
        var portText = CText(copy)
        if let colon = strrchr(copy, 0x3a) {
            portText = CText(colon + 1)
            colon.pointee = 0
            var start = copy
            let length = strlen(copy)
            if length > 1, copy.pointee == 0x5b, copy[length - 1] == 0x5d {
                copy[length - 1] = 0
                start += 1
            }
            if start.pointee != 0 { host = CText(start) }
        }
        guard let number = wholeNumber(portText, upTo: 65535) else { return nil }
        port = UInt32(truncatingIfNeeded: number)
    }

    deinit { free(copy) }
}
