import GWBase

/// One element of a `Sec-WebSocket-Extensions` list.
public struct Extension: Equatable, Sendable {
    public struct Parameter: Equatable, Sendable {
        public var name: [UInt8]
        /// Without the quotes if it was a quoted string; nil if there was no `=`.
        public var value: [UInt8]?
    }

    public var name: [UInt8]
    public var parameters: [Parameter]
}

/// The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).
public enum ExtensionList {
    /// Reads a list; nil if it breaks the grammar or names no extension.  Several header fields are first joined by commas.
    public static func parse(_ text: [UInt8]) -> [Extension]? {
        var scanner = Scanner(text: text)
        var list: [Extension] = []
        repeat {
            scanner.skipSpace()
            // Empty elements of a list are allowed and say nothing (RFC 9110 section 5.6.1).
            if scanner.isAtEnd || scanner.isNext(comma) { continue }
            guard let element = scanner.element() else { return nil }
            list.append(element)
            guard scanner.isAtEnd || scanner.isNext(comma) else { return nil }
        } while scanner.take(comma)
        return scanner.isAtEnd && !list.isEmpty ? list : nil
    }

    fileprivate static let comma = UInt8(ascii: ",")

    private struct Scanner {
        let text: [UInt8]
        var position = 0

        var isAtEnd: Bool { position >= text.count }

        func isNext(_ byte: UInt8) -> Bool { position < text.count && text[position] == byte }

        mutating func take(_ byte: UInt8) -> Bool {
            guard isNext(byte) else { return false }
            position += 1
            return true
        }

        mutating func skipSpace() {
            while isNext(0x20) || isNext(0x09) { position += 1 }
        }

        mutating func element() -> Extension? {
            guard let name = token() else { return nil }
            var element = Extension(name: name, parameters: [])
            skipSpace()
            while take(UInt8(ascii: ";")) {
                skipSpace()
                guard let name = token() else { return nil }
                skipSpace()
                var value: [UInt8]?
                if take(UInt8(ascii: "=")) {
                    skipSpace()
                    value = isNext(UInt8(ascii: "\"")) ? quotedToken() : token()
                    guard value != nil else { return nil }
                    skipSpace()
                }
                element.parameters.append(Extension.Parameter(name: name, value: value))
            }
            return element
        }

        mutating func token() -> [UInt8]? {
            let start = position
            while position < text.count, isTokenByte(text[position]) { position += 1 }
            return position > start ? Array(text[start..<position]) : nil
        }

        /// A quoted string, whose content must be a token too.
        mutating func quotedToken() -> [UInt8]? {
            guard take(UInt8(ascii: "\"")) else { return nil }
            var content: [UInt8] = []
            while position < text.count {
                if take(UInt8(ascii: "\"")) { return content.isEmpty ? nil : content }
                _ = take(UInt8(ascii: "\\"))
                guard position < text.count, isTokenByte(text[position]) else { return nil }
                content.append(text[position])
                position += 1
            }
            return nil
        }
    }
}

/// The characters of a token (RFC 9110 section 5.6.2).
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    case 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
    default: false
    }
}
