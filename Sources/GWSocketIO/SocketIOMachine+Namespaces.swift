import GWBase
import GWJSON

extension Namespace {
    var report: SocketIOMachine.NamespaceReport { .init(id: id, userData: userData) }
}

/// Joining and leaving namespaces.
extension SocketIOMachine {
    func find(_ id: UInt64) -> Namespace? {
        for namespace in namespaces where namespace.id == id { return namespace }
        return nil
    }

    /// By its name in a packet; empty for the main one.
    @inline(__always)
    func find(_ name: Range<Int>, in text: UnsafeRawBufferPointer) -> Namespace? {
        for namespace in namespaces where namespace.name.count == name.count {
            if name.isEmpty || namespace.name.elementsEqual(text[name]) { return namespace }
        }
        return nil
    }

    // MARK: - Wishes of the host

    /// Joins a namespace now and after every reconnect, until it is left or the server ends it; its id.
    public func join(_ request: JoinRequest, _ now: Instant) throws(Failure) -> UInt64 {
        guard SocketIOURL.isNamespace(request.name) else {
            throw Failure(
                .argument, .program,
                "a namespace begins with / and has no comma, question mark or control character: "
                    + String(printable: request.name, limit: 100))
        }
        let namespace = Namespace(id: nextNamespaceID(), request)
        guard !namespaces.contains(where: { $0.name == namespace.name }) else {
            throw Failure(
                .state, .program, "namespace \(namespace.shownName) is wanted already; it cannot be joined twice")
        }
        guard namespaces.count < Int(settings.maxNamespaces) else {
            throw .wouldPass(
                .limit, held: namespaces.count, "namespaces are wanted", more: 1, "max_namespaces",
                Int(settings.maxNamespaces))
        }
        namespaces.append(namespace)
        if isOpen, !isEnding { join(namespace, now) }
        return namespace.id
    }

    /// Leaves a namespace for the host; false if it has ended.
    public func leave(_ id: UInt64) -> Bool {
        guard let namespace = find(id) else { return false }
        if namespace.isJoined, !isEnding { add(.send(disconnectPacket(namespace.name))) }
        if case .joining(let until) = namespace.state {
            abandoned.append(Abandoned(name: namespace.name, until: until))
        }
        end(namespace, .clientDisconnect, Failure(.ok, .none, "the namespace was left"))
        return true
    }

    /// The host's auth object, a JSON object or empty for none; false if nobody waits for it any more.
    public func answer(_ question: UInt64, auth: UnsafeRawBufferPointer, _ now: Instant) -> Bool {
        for namespace in namespaces {
            guard case .asking(question, _) = namespace.state else { continue }
            sendConnect(namespace, auth, now)
            return true
        }
        return false
    }

    // MARK: - Joining

    func join(_ namespace: Namespace, _ now: Instant) {
        guard !abandoned.contains(where: { $0.name == namespace.name }) else { return }
        switch namespace.auth {
        case .none: sendConnect(namespace, UnsafeRawBufferPointer(start: nil, count: 0), now)
        case .fixed(let auth): auth.withBytes { sendConnect(namespace, $0, now) }
        case .asked:
            let question = nextQuestionID()
            namespace.state = .asking(question: question, until: now.adding(milliseconds: settings.authMilliseconds))
            add(.ask(question: question, namespace.report))
        }
    }

    private func sendConnect(_ namespace: Namespace, _ auth: UnsafeRawBufferPointer, _ now: Instant) {
        let packet = OutgoingPacket(isSecret: true)
        // All at once, since memory that is outgrown is not wiped.
        _ = packet.text.reserve(64 + namespace.name.count + auth.count + (namespace.recovery?.count ?? 0))
        packet.text.append(EngineIOPacket.messageType)
        PacketWriter.begin(.connect, namespace: namespace.name, into: &packet.text)
        PacketWriter.connect(recovery: namespace.recovery, auth: auth, into: &packet.text)
        namespace.state = .joining(until: now.adding(milliseconds: settings.joinMilliseconds))
        add(.send(packet))
    }

    func disconnectPacket(_ namespace: [UInt8]) -> OutgoingPacket {
        let packet = OutgoingPacket()
        packet.text.append(EngineIOPacket.messageType)
        PacketWriter.begin(.disconnect, namespace: namespace, into: &packet.text)
        return packet
    }

    /// The server's answer for a namespace that was left meanwhile: whether there was one.
    func answerAbandoned(_ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer, _ now: Instant) -> Bool {
        let name = text[packet.namespace]
        guard let place = abandoned.firstIndex(where: { $0.name.elementsEqual(name) }) else { return false }
        let left = abandoned.remove(at: place)
        if packet.kind == .connect { add(.send(disconnectPacket(left.name))) }
        if let namespace = find(packet.namespace, in: text), case .waiting = namespace.state { join(namespace, now) }
        return true
    }

    /// The server has taken us in.
    func joined(_ namespace: Namespace, _ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer) {
        func string(_ name: StaticString) -> JSONSlice? {
            guard let payload = packet.payload, let value = JSON.member(name, of: payload, in: text), value.isString
            else { return nil }
            return value
        }
        guard let sid = string("sid").flatMap({ JSON.string($0, in: text) }), !sid.isEmpty else {
            let failure = Failure(
                .sioRefused, .operator,
                "the server gave no sid for namespace \(namespace.shownName): it seems to speak an older protocol")
            return end(namespace, nil, failure)
        }
        let pid = string("pid").map { Array($0.bytes(in: text)) }
        let isRecovered = pid != nil && pid == namespace.recovery?.pid
        if !isRecovered { namespace.recovery = pid.map { Recovery(pid: $0) } }
        namespace.state = .joined
        succeeded()
        let held = namespace.held
        namespace.held = []
        namespace.heldBytes = 0
        for stored in held { deliver(stored, to: namespace) }
        flush(namespace)
        add(.joined(namespace.report, sid: sid, isRecovered: isRecovered))
    }

    /// The server has refused us.
    func refused(_ namespace: Namespace, _ packet: SocketIOPacket, _ text: UnsafeRawBufferPointer) {
        var message: [UInt8] = []
        var data: [UInt8] = []
        if let payload = packet.payload {
            if payload.isString { message = JSON.string(payload, in: text) ?? [] }
            if let value = JSON.member("message", of: payload, in: text) {
                message = JSON.string(value, in: text) ?? []
            }
            if let value = JSON.member("data", of: payload, in: text) { data = Array(value.bytes(in: text)) }
        }
        var failure = Failure(.sioRefused, .user, String(decoding: message, as: UTF8.self))
        failure.detail = data
        end(namespace, nil, failure)
    }

    /// A time limit of a namespace has passed.
    func expire(_ namespace: Namespace) {
        switch namespace.state {
        case .asking:
            end(
                namespace, nil,
                Failure(
                    .credentials, .program,
                    "no auth object was given for namespace \(namespace.shownName) within "
                        + "\(settings.authMilliseconds) ms",
                    isRetryable: true))
        case .joining:
            namespace.state = .waiting
            joinExpired(namespace.name)
        case .waiting, .joined:
            break
        }
    }

    /// What the server does with a connect packet is not known: only a new connection makes it sure.
    func joinExpired(_ name: [UInt8]) {
        abandoned.removeAll { $0.name == name }
        close(
            4000, .transportError,
            Failure(
                .helloTimeout, .operator,
                "the server did not answer the connect packet for namespace \(Namespace.shown(name)) within "
                    + "\(settings.joinMilliseconds) ms",
                isRetryable: true))
    }

    // MARK: - The end

    /// A namespace is over; with the last one the connection is too.
    func end(_ namespace: Namespace, _ reason: DisconnectReason?, _ failure: Failure) {
        // What is queued may still leave before the close frame does.
        endAcks(of: namespace, failure, sentOffset: .max, keepsBuffered: false)
        namespaces.removeAll { $0 === namespace }
        add(.left(namespace.report, reason, failure))
        guard namespaces.isEmpty else { return }
        close(1000, reason ?? .clientDisconnect, Failure(.ok, .none, "no namespace is wanted any more"))
    }

    func endAll(_ reason: DisconnectReason?, _ failure: Failure, sentOffset: UInt64) {
        for namespace in namespaces {
            endAcks(of: namespace, failure, sentOffset: sentOffset, keepsBuffered: false)
            add(.left(namespace.report, reason, failure))
        }
        namespaces = []
    }
}
