import GWBase

/// The head of a response (RFC 9112 section 4).
public struct ResponseHead: MessageHead, Sendable {
    public var status: UInt16
    public var reason: [UInt8]
    public var fields: HeaderFields

    public init(status: UInt16, reason: StaticString, fields: HeaderFields = HeaderFields()) {
        self.status = status
        self.reason = HTTPText.bytes(reason)
        self.fields = fields
    }

    public static var actor: Actor { .operator }

    public static func canBegin(_ line: [UInt8]) -> Bool {
        line.count > 7 || "HTTP/1.".utf8.starts(with: line)
    }

    /// The reason, and the space before it, may be missing.  An HTTP/1.0 answer may refuse an upgrade but not accept it
    /// (RFC 6455 section 4.1).
    public init(startLine: [UInt8], fields: HeaderFields) throws(Failure) {
        let version = startLine.prefix { $0 != 0x20 }
        let rest = startLine[version.endIndex...].dropFirst()
        let digits = rest.prefix { $0 != 0x20 }
        let reason = rest[digits.endIndex...].dropFirst()
        guard let minor = HTTPVersion.minor(version) else {
            throw .upgradeInvalid(ResponseHead.actor, "the answer is not HTTP/1.1", startLine)
        }
        guard digits.count == 3, let number = decimalNumber(digits), number >= 100,
            let status = UInt16(exactly: number), HTTPText.isFieldValue(reason)
        else {
            throw .upgradeInvalid(ResponseHead.actor, "the status line is not HTTP/1.1 NNN REASON", startLine)
        }
        guard minor >= 1 || status != 101 else {
            throw .upgradeInvalid(ResponseHead.actor, "the upgrade was accepted in HTTP/1.0", startLine)
        }
        self.status = status
        self.reason = Array(reason)
        self.fields = fields
    }

    public var isInterim: Bool { status < 200 && status != 101 }

    /// Appends the head with its empty line.  Nothing is written if a part of it could break out of its place.
    public func print(_ out: inout ByteBuffer) throws(Failure) {
        guard status >= 100, status <= 999 else {
            throw .unsendable("the status has not three digits", decimalText(UInt64(status)))
        }
        guard HTTPText.isFieldValue(reason[...]) else {
            throw .unsendable("the reason has a control character", reason)
        }
        if let field = fields.firstUnsendable { throw .unsendable(field) }
        out.append("HTTP/1.1 ")
        out.append(decimalText(UInt64(status)))
        out.append(" ")
        out.append(reason)
        out.append("\r\n")
        fields.print(&out)
        out.append("\r\n")
    }
}
