import GWBase

/// The head of a request (RFC 9112 section 3).
public struct RequestHead: MessageHead, Sendable {
    public var method: [UInt8]
    /// Path and query, or whatever else the request line names.
    public var target: [UInt8]
    public var fields: HeaderFields

    public init(method: StaticString, target: [UInt8], fields: HeaderFields = HeaderFields()) {
        self.method = HTTPText.bytes(method)
        self.target = target
        self.fields = fields
    }

    /// A bad request is the peer's affair: nobody on this side can mend it.
    public static var actor: Actor { .none }

    public static func canBegin(_ line: [UInt8]) -> Bool {
        guard let first = line.first else { return true }
        return HTTPText.isTokenByte(first)
    }

    public init(startLine: [UInt8], fields: HeaderFields) throws(Failure) {
        let parts = startLine.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, HTTPText.isToken(parts[0]), RequestHead.isTarget(parts[1]) else {
            throw .upgradeInvalid(RequestHead.actor, "the request line is not METHOD TARGET HTTP/1.1", startLine)
        }
        guard let minor = HTTPVersion.minor(parts[2]), minor >= 1 else {
            throw .upgradeInvalid(RequestHead.actor, "the request is not HTTP/1.1", startLine)
        }
        method = Array(parts[0])
        target = Array(parts[1])
        self.fields = fields
    }

    public var isInterim: Bool { false }

    /// Appends the head with its empty line.  Nothing is written if a part of it could break out of its place.
    public func print(_ out: inout ByteBuffer) throws(Failure) {
        guard HTTPText.isToken(method[...]) else { throw .unsendable("the method is no token", method) }
        guard RequestHead.isTarget(target[...]) else {
            throw .unsendable("the request target is not visible ASCII", target.prefix { $0 != 0x3f })
        }
        if let field = fields.firstUnsendable { throw .unsendable(field) }
        out.append(method)
        out.append(" ")
        out.append(target)
        out.append(" HTTP/1.1\r\n")
        fields.print(&out)
        out.append("\r\n")
    }

    /// Visible ASCII only (RFC 3986 section 2).
    private static func isTarget(_ text: ArraySlice<UInt8>) -> Bool {
        !text.isEmpty && text.allSatisfy { $0 > 0x20 && $0 < 0x7f }
    }
}

enum HTTPVersion {
    /// The digit behind `HTTP/1.`; nil for every other version.
    static func minor(_ text: ArraySlice<UInt8>) -> UInt8? {
        guard text.count == 8, text.starts(with: "HTTP/1.".utf8), let digit = text.last, digit.isASCIIDigit else {
            return nil
        }
        return digit - 0x30
    }
}

extension Failure {
    static func unsendable(_ text: String, _ bytes: some Sequence<UInt8>) -> Failure {
        Failure(.argument, .program, text + ": \"" + String(printable: bytes, limit: 80) + "\"")
    }

    /// Shows the name only, since the value may be a credential.
    static func unsendable(_ field: HeaderFields.Field) -> Failure {
        unsendable("a header has a name that is no token, or a control character in its value", field.name)
    }
}
