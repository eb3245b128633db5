import GWBase

/// Negotiation of permessage-deflate (RFC 7692 section 7.1): the client's offer, the server's choice and answer, the
/// client's check of the answer.
public enum DeflateOffer {
    public static let name: StaticString = "permessage-deflate"

    /// The client's offer.  It always carries `client_max_window_bits`, which allows the server to ask for a smaller window.
    public static func write(_ wished: DeflateSettings, into output: inout ByteBuffer) {
        let settings = wished.clamped
        output.append(name)
        if settings.serverNoContextTakeover { output.append("; server_no_context_takeover") }
        if settings.clientNoContextTakeover { output.append("; client_no_context_takeover") }
        if settings.serverMaxWindowBits < 15 {
            output.append("; server_max_window_bits=")
            output.append(decimalText(UInt64(settings.serverMaxWindowBits)))
        }
        output.append("; client_max_window_bits")
        if settings.clientMaxWindowBits < 15 {
            output.append("=")
            output.append(decimalText(UInt64(settings.clientMaxWindowBits)))
        }
    }

    /// The server's choice: the first offer that can be met.  The answer is appended to `answer`; nil (nothing is appended) if
    /// there is none, which means no compression.
    public static func choose(
        from offers: [Extension], _ wished: DeflateSettings, answer: inout ByteBuffer
    ) -> DeflateParameters? {
        let settings = wished.clamped
        for offer in offers where isEqual(offer.name, name) {
            guard let terms = Terms(offer) else { continue }
            var agreed = DeflateParameters()
            answer.append(name)
            if terms.serverNoContextTakeover || settings.serverNoContextTakeover {
                agreed.serverNoContextTakeover = true
                answer.append("; server_no_context_takeover")
            }
            if terms.clientNoContextTakeover || settings.clientNoContextTakeover {
                agreed.clientNoContextTakeover = true
                answer.append("; client_no_context_takeover")
            }
            agreed.serverMaxWindowBits = min(terms.serverMaxWindowBits ?? 15, settings.serverMaxWindowBits)
            // An offer with this parameter is accepted by repeating it, also with its greatest value.
            if terms.serverMaxWindowBits != nil || agreed.serverMaxWindowBits < 15 {
                answer.append("; server_max_window_bits=")
                answer.append(decimalText(UInt64(agreed.serverMaxWindowBits)))
            }
            if case .offered(let hint) = terms.clientMaxWindowBits, settings.clientMaxWindowBits < 15 {
                agreed.clientMaxWindowBits = min(hint ?? 15, settings.clientMaxWindowBits)
                answer.append("; client_max_window_bits=")
                answer.append(decimalText(UInt64(agreed.clientMaxWindowBits)))
            }
            return agreed
        }
        return nil
    }

    /// The client's check of the answer to `write`.  An answer without the parameters that were asked for is accepted: what
    /// inflates with a larger or kept window inflates all the same.
    public static func check(
        answer: [Extension], _ wished: DeflateSettings
    ) throws(Failure) -> DeflateParameters {
        let settings = wished.clamped
        guard answer.count == 1, let only = answer.first, isEqual(only.name, name) else {
            throw invalid("the server answered with an extension that was not offered, or with one twice")
        }
        guard let terms = Terms(only) else {
            throw invalid("a parameter of permessage-deflate in the answer is unknown, repeated or out of range")
        }
        var agreed = DeflateParameters(
            serverNoContextTakeover: terms.serverNoContextTakeover,
            clientNoContextTakeover: terms.clientNoContextTakeover)
        if let bits = terms.serverMaxWindowBits {
            guard bits <= settings.serverMaxWindowBits else {
                let offered = settings.serverMaxWindowBits
                throw invalid("server_max_window_bits=\(bits) answered, at most \(offered) offered")
            }
            agreed.serverMaxWindowBits = bits
        }
        switch terms.clientMaxWindowBits {
        case .absent: break
        case .offered(nil): throw invalid("client_max_window_bits answered without a value")
        case .offered(let bits?): agreed.clientMaxWindowBits = bits
        }
        return agreed
    }

    private static func invalid(_ text: String) -> Failure { Failure(.upgradeInvalid, .operator, text) }

    /// The parameters of one offer or answer, syntax checked.
    private struct Terms {
        enum ClientWindow {
            case absent
            case offered(UInt8?)
        }

        var serverNoContextTakeover = false
        var clientNoContextTakeover = false
        var serverMaxWindowBits: UInt8?
        var clientMaxWindowBits = ClientWindow.absent

        /// nil for an unknown or repeated parameter, a value where none is allowed, a missing or an illegal one.
        init?(_ source: Extension) {
            for parameter in source.parameters {
                if isEqual(parameter.name, "server_no_context_takeover") {
                    guard !serverNoContextTakeover, parameter.value == nil else { return nil }
                    serverNoContextTakeover = true
                } else if isEqual(parameter.name, "client_no_context_takeover") {
                    guard !clientNoContextTakeover, parameter.value == nil else { return nil }
                    clientNoContextTakeover = true
                } else if isEqual(parameter.name, "server_max_window_bits") {
                    guard serverMaxWindowBits == nil, let bits = windowBits(parameter.value) else { return nil }
                    serverMaxWindowBits = bits
                } else if isEqual(parameter.name, "client_max_window_bits") {
                    guard case .absent = clientMaxWindowBits else { return nil }
                    let bits = windowBits(parameter.value)
                    if parameter.value != nil, bits == nil { return nil }
                    clientMaxWindowBits = .offered(bits)
                } else {
                    return nil
                }
            }
        }
    }

    /// 8 to 15 without a leading zero.
    private static func windowBits(_ text: [UInt8]?) -> UInt8? {
        guard let text, text.first != UInt8(ascii: "0"), let number = decimalNumber(text) else { return nil }
        return number >= 8 && number <= 15 ? UInt8(truncatingIfNeeded: number) : nil
    }

    private static func isEqual(_ text: [UInt8], _ constant: StaticString) -> Bool {
        text.elementsEqual(UnsafeBufferPointer(start: constant.utf8Start, count: constant.utf8CodeUnitCount))
    }
}
