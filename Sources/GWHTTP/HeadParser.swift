import GWBase

/// What a head begins with: the part in which requests and responses differ.
public protocol MessageHead {
    /// Who has to act if it is not as it must be.
    static var actor: Actor { get }

    /// Whether a line may begin with these bytes, so that another protocol is recognised at its first byte.
    static func canBegin(_ line: [UInt8]) -> Bool

    init(startLine: [UInt8], fields: HeaderFields) throws(Failure)

    /// Whether another head follows before the one that counts (RFC 9110 section 15.2).
    var isInterim: Bool { get }
}

/// Of the peer's head.
public struct HeadLimits: Equatable, Sendable {
    public var bytes = Limits.headBytes
    public var lines = Limits.headerLines
    public init() {}
}

/// Reads the head of one HTTP/1.1 message after the other (RFC 9112 sections 2 to 5) from bytes that may be cut anywhere.
///
/// Strict where leniency has been a way around checks: each line ends with CR LF, none is folded, names are tokens that
/// touch their colon, and there are no control characters.  Only bytes of the head count against its limits.
public struct HeadParser<Head: MessageHead> {
    public enum Action {
        case needMore
        /// The head, and how many of the bytes given just now belong to it; the others are what follows.
        case complete(Head, consumed: Int)
        case failed(Failure)
    }

    private var line: [UInt8] = []
    private var startLine: [UInt8] = []
    private var fields = HeaderFields()
    private var size = 0
    private var interimHeads = 0
    private var failure: Failure?
    private let limits: HeadLimits

    public init(_ limits: HeadLimits = HeadLimits()) { self.limits = limits }

    /// Whether nothing of a head has arrived.
    public var isEmpty: Bool { size == 0 && interimHeads == 0 }

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) -> Action {
        if let failure { return .failed(failure) }
        if isEmpty { line.reserveCapacity(usualLineBytes) }
        do {
            for index in bytes.indices {
                if let head = try receive(bytes[index]) { return .complete(head, consumed: index + 1) }
            }
            return .needMore
        } catch {
            failure = error
            return .failed(error)
        }
    }

    /// Gives the head when its last byte has arrived.
    private mutating func receive(_ byte: UInt8) throws(Failure) -> Head? {
        guard size < limits.bytes else { throw tooLarge("the head is larger than \(limits.bytes) bytes") }
        size += 1
        guard byte == 0x0a else {
            if line.last == 0x0d { throw invalid("a line has a CR without LF", line) }
            line.append(byte)
            if startLine.isEmpty, !Head.canBegin(line) { throw invalid("the peer does not speak HTTP/1.1", line) }
            return nil
        }
        guard line.popLast() == 0x0d else { throw invalid("a line ends with LF without CR", line) }
        guard !line.isEmpty else { return try endHead() }
        if startLine.isEmpty {
            // Another protocol is not listened to any longer than its first line.
            _ = try Head(startLine: line, fields: fields)
            startLine = line
        } else {
            try receiveField()
        }
        line.removeAll(keepingCapacity: true)
        return nil
    }

    private mutating func receiveField() throws(Failure) {
        guard fields.fields.count < limits.lines else {
            throw tooLarge("the head has more than \(limits.lines) header lines")
        }
        guard line.first != 0x20, line.first != 0x09 else { throw invalid("a header line is folded", line) }
        guard let colon = line.firstIndex(of: 0x3a) else { throw invalid("a header line has no colon", line) }
        let name = line[..<colon]
        guard name.last != 0x20, name.last != 0x09 else {
            throw invalid("a header line has a space before its colon", line)
        }
        guard HTTPText.isToken(name) else { throw invalid("a header name is no token", line) }
        let value = HTTPText.trimmed(line[(colon + 1)...])
        guard HTTPText.isFieldValue(value) else { throw invalid("a header value has a control character", line) }
        fields.append(Array(name), Array(value))
    }

    private mutating func endHead() throws(Failure) -> Head? {
        guard !startLine.isEmpty else { throw invalid("the head begins with an empty line") }
        let head = try Head(startLine: startLine, fields: fields)
        startLine = []
        fields = HeaderFields()
        size = 0
        guard head.isInterim else {
            interimHeads = 0
            return head
        }
        interimHeads += 1
        guard interimHeads <= Limits.interimResponses else {
            throw invalid("more than \(Limits.interimResponses) interim responses")
        }
        return nil
    }

    /// With the status that a server answers it with (RFC 6585 section 5).
    private func tooLarge(_ text: String) -> Failure {
        var failure = invalid(text)
        failure.code = 431
        return failure
    }

    private func invalid(_ text: String, _ line: [UInt8]? = nil) -> Failure {
        .upgradeInvalid(Head.actor, text, line)
    }
}

/// Nearly all lines fit into it, so that one is gathered without growing.
private let usualLineBytes = 128

extension Failure {
    /// The head breaks HTTP.  The line that does is shown as far as it is short and printable, and up to the first colon
    /// or question mark, behind which credentials may stand.
    static func upgradeInvalid(_ actor: Actor, _ text: String, _ line: [UInt8]? = nil) -> Failure {
        guard let line else { return Failure(.upgradeInvalid, actor, text) }
        let start = line.prefix { $0 != 0x3a && $0 != 0x3f }
        let end = start.count < line.count ? "...\"" : "\""
        return Failure(.upgradeInvalid, actor, text + ": \"" + String(printable: start, limit: 80) + end)
    }
}
