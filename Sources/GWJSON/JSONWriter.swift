import GWBase

extension ByteBuffer {
    /// Appends an object whose members `body` writes.
    public mutating func appendJSONObject(_ body: (inout JSONWriter) -> Void) {
        withUnsafeMutablePointer(to: &self) { out in
            var writer = JSONWriter(out)
            writer.object(body)
        }
    }
}

/// Writes the content of one object or array: members (with a name) or elements (without), commas handled.
///
///     out.appendJSONObject { frame in
///         frame.string("type", "res")
///         frame.bool("ok", true)
///         frame.raw("payload", payload)
///     }
///
/// Names are written as they are: they must need no escape.
public struct JSONWriter: ~Copyable {
    // Set by `appendJSONObject` for as long as it runs; a writer is only ever lent, so it cannot outlive that.
    private let out: UnsafeMutablePointer<ByteBuffer>
    private var needsComma = false

    fileprivate init(_ out: UnsafeMutablePointer<ByteBuffer>) { self.out = out }

    // MARK: Members

    public mutating func string(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
        begin(name)
        out.pointee.appendJSONString(value)
    }

    public mutating func string(_ name: StaticString, _ value: [UInt8]) {
        begin(name)
        out.pointee.appendJSONString(value)
    }

    public mutating func string(_ name: StaticString, _ value: String) {
        begin(name)
        out.pointee.appendJSONString(value)
    }

    @inlinable
    public mutating func integer(_ name: StaticString, _ value: some FixedWidthInteger) {
        integer(name, isNegative: value < 0, UInt64(truncatingIfNeeded: value.magnitude))
    }

    public mutating func bool(_ name: StaticString, _ value: Bool) {
        begin(name)
        out.pointee.append(value ? "true" : "false")
    }

    public mutating func null(_ name: StaticString) {
        begin(name)
        out.pointee.append("null")
    }

    /// A value that is JSON already, verbatim.
    public mutating func raw(_ name: StaticString, _ json: UnsafeRawBufferPointer) {
        begin(name)
        out.pointee.append(json)
    }

    public mutating func raw(_ name: StaticString, _ json: [UInt8]) {
        begin(name)
        out.pointee.append(json)
    }

    public mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        begin(name)
        nest(Tokens.openBrace, Tokens.closeBrace, body)
    }

    public mutating func array(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
        begin(name)
        nest(Tokens.openBracket, Tokens.closeBracket, body)
    }

    // MARK: Elements

    public mutating func string(_ value: UnsafeRawBufferPointer) {
        begin()
        out.pointee.appendJSONString(value)
    }

    public mutating func string(_ value: [UInt8]) {
        begin()
        out.pointee.appendJSONString(value)
    }

    public mutating func string(_ value: String) {
        begin()
        out.pointee.appendJSONString(value)
    }

    @inlinable
    public mutating func integer(_ value: some FixedWidthInteger) {
        integer(nil, isNegative: value < 0, UInt64(truncatingIfNeeded: value.magnitude))
    }

    public mutating func raw(_ json: UnsafeRawBufferPointer) {
        begin()
        out.pointee.append(json)
    }

    public mutating func raw(_ json: [UInt8]) {
        begin()
        out.pointee.append(json)
    }

    public mutating func object(_ body: (inout JSONWriter) -> Void) {
        begin()
        nest(Tokens.openBrace, Tokens.closeBrace, body)
    }

    public mutating func array(_ body: (inout JSONWriter) -> Void) {
        begin()
        nest(Tokens.openBracket, Tokens.closeBracket, body)
    }

    // MARK: Parts

    @usableFromInline
    mutating func integer(_ name: StaticString?, isNegative: Bool, _ magnitude: UInt64) {
        if let name { begin(name) } else { begin() }
        out.pointee.appendDecimal(isNegative: isNegative, magnitude)
    }

    private mutating func begin() {
        if needsComma { out.pointee.append(Tokens.comma) }
        needsComma = true
    }

    private mutating func begin(_ name: StaticString) {
        begin()
        out.pointee.append(Tokens.quote)
        out.pointee.append(name)
        out.pointee.append("\":")
    }

    private mutating func nest(_ open: UInt8, _ close: UInt8, _ body: (inout JSONWriter) -> Void) {
        out.pointee.append(open)
        var inner = JSONWriter(out)
        body(&inner)
        out.pointee.append(close)
    }
}
