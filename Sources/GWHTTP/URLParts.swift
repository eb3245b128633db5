import GWBase

/// The pieces of a URL of any scheme as they stand in the text (WHATWG URL, "URL parsing"), before their meaning is read.
struct URLParts {
    /// In lower case, without the colon.
    var scheme: [UInt8]
    /// Whether the scheme is one of those whose hosts are names and addresses and whose `\` is a `/`.
    var isSpecial: Bool
    /// What stands before the last `@`, without it.
    var userInfo: ArraySlice<UInt8>?
    /// With brackets; empty if there is none.
    var host: ArraySlice<UInt8>
    /// Behind the colon; empty if there is none.
    var port: ArraySlice<UInt8>
    var path: ArraySlice<UInt8>
    var query: ArraySlice<UInt8>
    var hasFragment: Bool

    init(_ text: [UInt8]) throws(Failure) {
        var rest = URLParts.cleaned(text)[...]
        guard !rest.isEmpty else { throw .url("the URL is empty; expected ws://host or wss://host") }

        let name = rest.prefix { $0 != 0x3a }
        guard name.endIndex < rest.endIndex, URLParts.isScheme(name) else {
            throw .url("the URL has no scheme; expected ws://host or wss://host")
        }
        scheme = name.map { $0.asciiLowercased }
        let isSpecial = URLParts.isSpecial(scheme)
        self.isSpecial = isSpecial
        rest = rest[name.endIndex...].dropFirst()

        let fragment = rest.firstIndex(of: 0x23)
        hasFragment = fragment != nil
        if let fragment { rest = rest[..<fragment] }

        let isSlash: (UInt8) -> Bool = isSpecial ? { $0 == 0x2f || $0 == 0x5c } : { $0 == 0x2f }
        userInfo = nil
        host = []
        port = []
        if isSpecial {
            rest = rest.drop(while: isSlash)
        } else if rest.starts(with: [0x2f, 0x2f]) {
            rest = rest.dropFirst(2)
        } else {
            (path, query) = URLParts.cut(rest)
            return
        }
        let authority = rest.prefix { !isSlash($0) && $0 != 0x3f }
        (path, query) = URLParts.cut(rest[authority.endIndex...])

        var hostAndPort = authority
        if let at = authority.lastIndex(of: 0x40) {
            userInfo = authority[..<at]
            hostAndPort = authority[(at + 1)...]
        }
        if let colon = URLParts.portColon(hostAndPort) {
            host = hostAndPort[..<colon]
            port = hostAndPort[(colon + 1)...]
            guard !host.isEmpty else { throw .url("the URL has no host before its port; expected ws://host:port") }
        } else {
            host = hostAndPort
        }
    }

    /// Without control characters and spaces at the ends, and without tabs and line ends anywhere.
    private static func cleaned(_ text: [UInt8]) -> [UInt8] {
        var text = text[...].drop { $0 <= 0x20 }
        while let last = text.last, last <= 0x20 { text.removeLast() }
        return text.filter { $0 != 0x09 && $0 != 0x0a && $0 != 0x0d }
    }

    private static func isScheme(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, (0x61...0x7a).contains(first.asciiLowercased) else { return false }
        return name.allSatisfy {
            (0x61...0x7a).contains($0.asciiLowercased) || $0.isASCIIDigit || $0 == 0x2b || $0 == 0x2d || $0 == 0x2e
        }
    }

    private static func isSpecial(_ scheme: [UInt8]) -> Bool {
        ["ws", "wss", "http", "https", "ftp"].contains { $0.utf8.elementsEqual(scheme) }
    }

    private static func cut(_ text: ArraySlice<UInt8>) -> (path: ArraySlice<UInt8>, query: ArraySlice<UInt8>) {
        guard let mark = text.firstIndex(of: 0x3f) else { return (text, []) }
        return (text[..<mark], text[(mark + 1)...])
    }

    /// The first colon that is not inside brackets.
    private static func portColon(_ text: ArraySlice<UInt8>) -> Int? {
        var isInBrackets = false
        for index in text.indices {
            switch text[index] {
            case 0x5b: isInBrackets = true
            case 0x5d: isInBrackets = false
            case 0x3a where !isInBrackets: return index
            default: break
            }
        }
        return nil
    }

    /// The port, nil where the text has none.
    func portNumber() throws(Failure) -> UInt16? {
        guard !port.isEmpty else { return nil }
        guard port.allSatisfy({ $0.isASCIIDigit }) else { throw .url("port \(shown(port)) is no number") }
        let digits = port.drop { $0 == 0x30 }
        guard digits.count <= 5, let number = UInt16(exactly: decimalNumber(digits) ?? 0) else {
            throw .url("port \(shown(port)) is too large; the largest is 65535")
        }
        return number
    }
}
