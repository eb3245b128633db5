import GWBase
import GWJSON

/// Hides what a JSON text holds under names.
enum Redaction {
    /// A copy of a value with `null` in place of every member of that name, at any depth and however often it stands there.
    static func copy(of value: JSONSlice, without name: StaticString, in text: UnsafeRawBufferPointer) -> [UInt8] {
        let text = value.bytes(in: text)
        return copy(of: text) { JSON.isKey($0, name, in: text) }
    }

    /// The beginning of a frame, for people: at most `limit` bytes, with `null` for whatever may be a secret.
    static func frame(_ text: UnsafeRawBufferPointer, limit: Int) -> [UInt8] {
        // What a cut leaves of a secret is hidden as well: a value that does not end takes all that is left.
        let beginning = UnsafeRawBufferPointer(rebasing: text[0..<min(text.count, limit)])
        return copy(of: beginning) { isSecret(UnsafeRawBufferPointer(rebasing: beginning[$0])) }
    }

    /// By its name: whatever ends like a name that credentials have, or is not plain enough to tell.
    private static func isSecret(_ key: UnsafeRawBufferPointer) -> Bool {
        if key.contains(0x5c) { return true }
        for ending in secretEndings where key.count >= ending.utf8CodeUnitCount {
            let tail = key.suffix(ending.utf8CodeUnitCount).map { $0.asciiLowercased }
            if isEqual(ending, tail) { return true }
        }
        return false
    }

    private static let secretEndings: [StaticString] = [
        "token", "tokens", "password", "passphrase", "secret", "secrets", "signature", "credential", "credentials",
        "apikey", "api_key", "privatekey", "authorization", "cookie",
    ]

    /// One walk over the strings of the text, so that deep nesting costs no more than its length.
    private static func copy(of text: UnsafeRawBufferPointer, without isHidden: (Range<Int>) -> Bool) -> [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(text.count)
        var copied = 0
        var at = 0
        while at < text.count {
            guard text[at] == quote else {
                at += 1
                continue
            }
            let key = at
            at = endOfString(text, at)
            let colon = skipSpace(text, at)
            // Only a key has a colon behind it.
            guard colon < text.count, text[colon] == 0x3a, isHidden(key + 1..<max(key + 1, at - 1)) else { continue }
            copy.append(contentsOf: text[copied...colon])
            copy.append(contentsOf: "null".utf8)
            at = endOfValue(text, skipSpace(text, colon + 1))
            copied = at
        }
        if copied < text.count { copy.append(contentsOf: text[copied...]) }
        return copy
    }

    private static let quote: UInt8 = 0x22

    /// The offset behind the string that begins at `start`.
    private static func endOfString(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start + 1
        while at < text.count, text[at] != quote { at += text[at] == 0x5c ? 2 : 1 }
        return min(at + 1, text.count)
    }

    private static func skipSpace(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var at = start
        while at < text.count, text[at] == 0x20 || (text[at] >= 0x09 && text[at] <= 0x0d) { at += 1 }
        return at
    }

    /// The offset behind the value that begins at `start`.
    private static func endOfValue(_ text: UnsafeRawBufferPointer, _ start: Int) -> Int {
        var depth = 0
        var at = start
        while at < text.count {
            switch text[at] {
            case quote:
                at = endOfString(text, at)
                if depth == 0 { return at }
                continue
            case 0x5b, 0x7b:
                depth += 1
            case 0x5d, 0x7d:
                // At depth 0 it closes what the value stands in, and the value was a number or a word.
                if depth == 0 { return at }
                depth -= 1
                if depth == 0 { return at + 1 }
            case 0x2c where depth == 0:
                return at
            default:
                break
            }
            at += 1
        }
        return text.count
    }
}
