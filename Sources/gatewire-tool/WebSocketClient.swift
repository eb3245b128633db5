import CGatewire
import CSystem

/// `gatewire ws URL`: standard input to a server, its messages to standard output.
struct WebSocketClient {
    private enum State {
        case connecting
        case open
        /// The input has ended; the connection stays until this time, which moves with every message.
        case lingering(until: Int64)
        /// Closed from here; how the tool ends if all goes well.
        case closing(ExitCode)
    }

    private static let forever = Int64.max

    static func run(_ arguments: Arguments, _ limits: gw_socket_limits, _ input: MessageInput) -> ExitCode {
        let json = arguments.has("--json")
        guard let linger = linger(arguments) else {
            return WebSocketCommand.command.complain("--linger", "wants seconds, such as 5, 0.5 or 0, or forever")
        }
        guard let headers = HeaderList(arguments, of: WebSocketCommand.command) else {
            return .usage
        }
        guard let loop = EventLoop(catchingSignals: true, json: json) else { return .internal }
        var options = gw_socket_options()
        gw_socket_options_init(&options)
        options.url = arguments.positionals[0]
        options.ca_file = arguments.value("--ca")
        options.server_name = arguments.value("--server-name")
        if arguments.has("--plaintext") { options.flags |= UInt32(GW_SOCKET_PLAINTEXT_ANY) }
        if arguments.has("--no-deflate") { options.flags |= UInt32(GW_SOCKET_NO_DEFLATE) }
        if let text = arguments.value("--redirects") {
            guard let count = wholeNumber(text, upTo: 20) else {
                return WebSocketCommand.command.complain("--redirects", "wants a number from 0 to 20")
            }
            options.max_redirects = UInt32(truncatingIfNeeded: count)
        }
        if let text = arguments.value("--timeout") {
            guard let limit = milliseconds(text) else {
                return WebSocketCommand.command.complain("--timeout", "wants seconds, such as 5 or 0.5")
            }
            options.connect_timeout_ms = limit
            options.tls_timeout_ms = limit
            options.upgrade_timeout_ms = limit
        }
        var socket: OpaquePointer?
        let opened = TrustArguments.with(arguments, of: WebSocketCommand.command) { trust in
            options.trust = trust
            let status = open(arguments, headers, limits, &options, loop.context, &socket)
            guard status != gw_status(GW_OK) else { return .success }
            let problem = Problem(status, in: loop.context)
            problem.report(json: json)
            return problem.exitCode
        }
        guard let socket else { return opened }
        defer { gw_socket_free(socket) }
        var client = WebSocketClient(
            socket: socket, context: loop.context, input: input, messages: Messages(json: json, isNumbered: false),
            kind: UInt32(arguments.has("--binary") ? GW_BINARY : GW_TEXT), endsAfterOne: arguments.has("--one"),
            linger: linger)
        return loop.run(
            { client.handle($0) }, interrupted: { client.stop() }, prepare: { client.prepare() },
            input: { client.readInput() })
    }

    /// Milliseconds; nil if the option is wrong.
    private static func linger(_ arguments: Arguments) -> Int64? {
        guard let text = arguments.value("--linger") else { return arguments.has("--one") ? forever : 1000 }
        if isEqual(text, "forever") { return forever }
        return isEqual(text, "0") ? 0 : milliseconds(text).map { Int64($0) }
    }

    private static func open(
        _ arguments: Arguments, _ headers: HeaderList, _ limits: gw_socket_limits, _ options: inout gw_socket_options,
        _ context: OpaquePointer, _ socket: inout OpaquePointer?
    ) -> gw_status {
        let pins = arguments.values("--pin").map { Optional($0) }
        let subprotocols = arguments.values("--subprotocol").map { Optional($0) }
        return withUnsafePointer(to: limits) { limits in
            pins.withUnsafeBufferPointer { pins in
                subprotocols.withUnsafeBufferPointer { subprotocols in
                    headers.headers.withUnsafeBufferPointer { headers in
                        options.limits = limits
                        if pins.count > 0 { options.pins = pins.baseAddress }
                        options.pin_count = pins.count
                        if subprotocols.count > 0 { options.subprotocols = subprotocols.baseAddress }
                        options.subprotocol_count = subprotocols.count
                        if headers.count > 0 { options.headers = headers.baseAddress }
                        options.header_count = headers.count
                        return RouteArguments.with(arguments) { route in
                            options.route = route
                            return gw_socket_open(context, &options, &socket)
                        }
                    }
                }
            }
        }
    }

    private let socket: OpaquePointer
    private let context: OpaquePointer
    private let input: MessageInput
    private let messages: Messages
    private let kind: UInt32
    private let endsAfterOne: Bool
    private let linger: Int64
    private var state = State.connecting
    /// The queue is above its high mark.
    private var isHeld = false
    /// How the tool ends after a normal close: not well if something of the input was not sent.
    private var result = ExitCode.success

    private init(
        socket: OpaquePointer, context: OpaquePointer, input: MessageInput, messages: Messages, kind: UInt32,
        endsAfterOne: Bool, linger: Int64
    ) {
        self.socket = socket
        self.context = context
        self.input = input
        self.messages = messages
        self.kind = kind
        self.endsAfterOne = endsAfterOne
        self.linger = linger
    }

    private var socketState: gw_socket_state {
        var state = gw_socket_state()
        state.struct_size = UInt32(MemoryLayout<gw_socket_state>.size)
        gw_socket_get_state(socket, &state)
        return state
    }

    // MARK: what happens

    private mutating func handle(_ event: gw_event) -> EventLoop.Next {
        switch Int(event.type) {
        case GW_EVENT_SOCKET_OPEN:
            messages.opened(event, socketState)
            if case .connecting = state { state = .open }
        case GW_EVENT_SOCKET_MESSAGE:
            received(event)
        case GW_EVENT_SOCKET_WRITABLE:
            isHeld = false
            sendInput()
        case GW_EVENT_SOCKET_CLOSED:
            return .finish(ended(event))
        default:
            break
        }
        return .goOn
    }

    private mutating func received(_ event: gw_event) {
        guard endsAfterOne else {
            messages.received(event)
            if case .lingering = state { startLingering() }
            return
        }
        // What comes after the first one is not wanted any more.
        if case .closing = state { return }
        messages.received(event)
        close(result)
    }

    private mutating func ended(_ event: gw_event) -> ExitCode {
        let isClose = event.status == gw_status(GW_OK) || event.status == gw_status(GW_ERR_CLOSED)
        // Closed from here before it was open.
        if case .closing(let code) = state, event.status == gw_status(GW_ERR_CANCELLED) { return code }
        if isClose { messages.closed(event) } else { Problem(event).report(json: messages.json) }
        if case .closing(let code) = state, isClose || endsAfterOne { return code }
        guard isClose else { return Problem(event).exitCode }
        // RFC 6455 section 7.4.1: done, going away, no code given.
        let isNormal = event.code == 1000 || event.code == 1001 || event.code == 1005
        return isNormal && !endsAfterOne ? result : .unknownOutcome
    }

    /// Ends politely; at once if it is told a second time.
    private mutating func stop() -> EventLoop.Next {
        if case .closing = state { return .finish(.success) }
        close(.success)
        return .goOn
    }

    private mutating func close(_ code: ExitCode) {
        state = .closing(code)
        gw_socket_close(socket, 1000, nil)
    }

    // MARK: standard input

    private mutating func prepare() -> EventLoop.Wait {
        switch state {
        case .open:
            return EventLoop.Wait(input: !isHeld)
        case .lingering(let end) where end != WebSocketClient.forever:
            let left = end - monotonicMilliseconds()
            if left > 0 { return EventLoop.Wait(milliseconds: Int32(clamping: left)) }
            // The time for answers begins when the last byte has left.
            if socketState.queued_bytes > 0 {
                state = .lingering(until: monotonicMilliseconds() + max(linger, 20))
                return EventLoop.Wait(milliseconds: 20)
            }
            close(endsAfterOne ? .timeout : result)
            return EventLoop.Wait()
        case .connecting, .lingering, .closing:
            return EventLoop.Wait()
        }
    }

    private mutating func readInput() -> EventLoop.Next {
        if !input.fill() { result = input.complain(.unreadable, json: messages.json) }
        sendInput()
        return .goOn
    }

    private mutating func sendInput() {
        guard case .open = state else { return }
        while !isHeld {
            switch input.next() {
            case .message(let bytes):
                send(bytes)
            case .needMore:
                return
            case .tooLong:
                result = input.complain(.tooLong, json: messages.json)
                return close(result)
            case .ended:
                return startLingering()
            }
        }
    }

    private mutating func startLingering() {
        let end = monotonicMilliseconds().addingReportingOverflow(linger)
        state = .lingering(until: end.overflow ? WebSocketClient.forever : end.partialValue)
    }

    private mutating func send(_ bytes: UnsafeRawBufferPointer) {
        let status = gw_socket_send(socket, kind, bytes.baseAddress, bytes.count, 0)
        switch Int(status) {
        case GW_OK:
            break
        case GW_QUEUED:
            isHeld = true
        case GW_ERR_UTF8:
            result = input.complain(.notUTF8, json: messages.json)
        case GW_ERR_STATE, GW_ERR_GONE:
            // It is ending; the event that says why comes next.
            isHeld = true
        default:
            let problem = Problem(status, in: context)
            problem.report(json: messages.json)
            close(problem.exitCode)
            isHeld = true
        }
    }
}
