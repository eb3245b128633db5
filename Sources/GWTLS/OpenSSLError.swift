import COpenSSL
import GWBase

/// One entry of OpenSSL's error queue.  The queue belongs to the thread, so it is emptied before a call whose outcome
/// is read from it and after a call that failed; nothing of ours ever leaves an entry to whoever calls OpenSSL next.
struct OpenSSLError {
    let library: Int32
    let reason: Int32
    /// OpenSSL's words for the reason.
    let text: String
    /// The function of OpenSSL's that met it.
    let function: String

    private init(_ code: UInt, _ function: UnsafePointer<CChar>?) {
        library = ERR_GET_LIB(code)
        reason = ERR_GET_REASON(code)
        self.function = function.map { String($0) } ?? ""
        if let words = ERR_reason_error_string(code) {
            text = String(words)
        } else {
            // An errno: only the long form, "error:number:library:function:reason", has its words.
            text = OpenSSLError.lastField(code)
        }
    }

    static func clearQueue() {
        // Peeking is much cheaper than clearing, and the queue is nearly always empty.
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    /// The earliest entry, which is nearest to the cause; the queue is empty afterwards.
    static func take() -> OpenSSLError? {
        var function: UnsafePointer<CChar>?
        let code = ERR_peek_error_all(nil, nil, &function, nil, nil)
        guard code != 0 else { return nil }
        defer { ERR_clear_error() }
        return OpenSSLError(code, function)
    }

    /// The words of the earliest entry, or `otherwise`; the queue is empty afterwards.
    static func takeText(otherwise: String = "unknown reason") -> String { take()?.text ?? otherwise }

    func isSSL(_ reason: Int32) -> Bool { library == ERR_LIB_SSL && self.reason == reason }

    /// The alert that the peer sent, if that is what this entry reports (RFC 8446 section 6).
    var receivedAlert: Int32? {
        guard library == ERR_LIB_SSL, reason >= SSL_AD_REASON_OFFSET, reason < SSL_AD_REASON_OFFSET + 256 else {
            return nil
        }
        return reason - SSL_AD_REASON_OFFSET
    }

    private static func lastField(_ code: UInt) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            ERR_error_string_n(code, base, buffer.count)
            var start = 0
            var index = 0
            while index < buffer.count, buffer[index] != 0 {
                if buffer[index] == 0x3a { start = index + 1 }
                index += 1
            }
            return String(base + start)
        }
    }
}

extension String {
    /// C text of OpenSSL's, made printable.
    init(_ text: UnsafePointer<CChar>) {
        self.init(printable: UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}
