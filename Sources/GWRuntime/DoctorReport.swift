import GWBase
import GWGateway
import GWHTTP
import GWJSON
import GWTLS
import GWWebSocket

/// What a doctor says of a step that went well: a line for a person, and JSON.
struct DoctorReport {
    var text: String
    var detail: [UInt8] = []
    var actor = Actor.none

    init(text: String) { self.text = text }

    private init(text: String, _ body: (inout JSONWriter) -> Void) {
        self.text = text
        detail = DoctorReport.json(body)
    }

    private static func json(_ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var output = ByteBuffer()
        output.appendJSONObject(body)
        return Array(output.readable)
    }

    // MARK: - Names and addresses

    /// nil if no name had to be looked up.
    init?(nameOf dial: Dial) {
        let route = dial.settings.route
        let host = dial.settings.url.host
        if case .unix = route.way { return nil }
        var name = dial.settings.hostText
        if let proxy = dial.proxy {
            guard !proxy.url.host.isAddress || (!proxy.url.resolvesNames && !host.isAddress) else { return nil }
            name = "the proxy \(proxy.url.hostText)"
        } else if host.isAddress || !route.addresses.isEmpty {
            return nil
        }
        let addresses = dial.addresses
        self.init(text: "\(name) is \(DoctorReport.list(addresses.map { $0.hostText }))") { object in
            object.array("addresses") { array in
                for address in addresses { array.string(address.hostText) }
            }
        }
    }

    init(connectionOf dial: Dial) {
        guard let peer = dial.peer else {
            text = "the program's own connection is used"
            return
        }
        text = dial.proxy == nil ? "connected to \(peer.text)" : "connected to the proxy at \(peer.text)"
        let failed = dial.tries.count { $0.failure != nil }
        if failed > 0 { text += "; \(failed) other \(failed == 1 ? "address" : "addresses") could not be reached" }
        detail = DoctorReport.json { object in
            object.string("address", peer.text)
            DoctorReport.write(dial.tries, &object)
        }
    }

    /// The addresses that were tried, for a connection that failed.
    static func tries(of dial: Dial) -> [UInt8] { json { write(dial.tries, &$0) } }

    private static func write(_ tries: [Dial.Try], _ object: inout JSONWriter) {
        object.array("tried") { array in
            for attempt in tries {
                array.object { entry in
                    entry.string("address", attempt.address.text)
                    if let failure = attempt.failure { entry.string("error", failure) }
                }
            }
        }
    }

    init(tunnelOf dial: Dial) {
        let proxy = dial.proxy?.url.hostText ?? ""
        self.init(text: "the proxy \(proxy) opened a tunnel to \(dial.settings.hostText)") { object in
            object.string("proxy", proxy)
            object.string("target", dial.settings.hostText)
        }
    }

    // MARK: - TLS

    init(encryptionOf tls: TLSEngine) {
        let certificate = tls.peerCertificate
        self.init(text: "\(tls.version), \(tls.cipher)") { object in
            object.string("version", tls.version)
            object.string("cipher", tls.cipher)
            guard let certificate else { return }
            object.object("certificate") { member in
                member.string("subject", certificate.subject)
                member.string("issuer", certificate.issuer)
                member.string("names", certificate.alternativeNames)
                member.string("notBefore", certificate.notBefore)
                member.string("notAfter", certificate.notAfter)
                member.string("sha256", hexText(certificate.sha256))
                member.string("keySha256", hexText(certificate.keySHA256))
            }
        }
        if let certificate { text += "; certificate of \(certificate.subject), valid until \(certificate.notAfter)" }
    }

    /// nil without pins.
    init?(pinOf tls: TLSEngine, _ settings: DialSettings) {
        guard let policy = settings.tls?.policy, policy.usesPins, let certificate = tls.peerCertificate else {
            return nil
        }
        self.init(text: "the server is the one that the pins want") { object in
            object.array("seen") { $0.string(hexText(certificate.sha256)) }
            object.array("seenKey") { $0.string(hexText(certificate.keySHA256)) }
            object.array("wanted") { array in
                for pin in policy.pins.pins { array.string(pin.text) }
            }
        }
    }

    // MARK: - HTTP

    init(upgrade handshake: ClientHandshake, _ agreement: Agreement) {
        let isCompressed = agreement.deflate != nil
        let head = handshake.responseHead
        self.init(text: isCompressed ? "the WebSocket stands, compressed" : "the WebSocket stands, not compressed") {
            object in
            object.integer("status", head?.status ?? 101)
            object.bool("deflate", isCompressed)
            object.array("headers") { array in
                for field in head?.fields.fields ?? [] where !HTTPText.isEqual(field.name[...], "set-cookie") {
                    array.array { pair in
                        pair.string(field.name)
                        pair.string(field.value)
                    }
                }
            }
        }
    }

    // MARK: - The gateway

    init(hello: Hello, _ warning: Failure?) {
        let version = String(printable: hello.serverVersion, limit: 64)
        let scopes = hello.scopes?.map { String(printable: $0, limit: 64) }
        text = "protocol \(hello.protocolVersion)"
        if !version.utf8.isEmpty { text += ", gateway \(version)" }
        if let scopes { text += scopes.isEmpty ? ", no scopes" : ", scopes \(DoctorReport.list(scopes))" }
        if let warning {
            text += "; \(warning.text)"
            actor = warning.actor
        }
        detail = DoctorReport.json { object in
            object.integer("protocol", hello.protocolVersion)
            object.string("version", hello.serverVersion)
            object.string("connection", hello.connectionID)
            object.string("role", hello.role)
            if let scopes = hello.scopes {
                object.array("scopes") { array in
                    for scope in scopes { array.string(scope) }
                }
            }
            object.integer("tickIntervalMs", hello.tickMilliseconds)
            object.integer("maxPayload", hello.maxPayloadBytes)
        }
    }

    init(tickEvery milliseconds: UInt32) {
        self.init(text: "the gateway ticks, as it promised: every \(milliseconds) ms") { object in
            object.integer("tickIntervalMs", milliseconds)
        }
    }

    private static func list(_ texts: [String]) -> String {
        var list = ""
        for text in texts { list += list.utf8.isEmpty ? text : ", \(text)" }
        return list
    }
}
