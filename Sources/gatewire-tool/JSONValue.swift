/// A value in a JSON text that the library wrote, found where it stands.  What is no such text has no members, no elements and no string.
struct JSONValue {
    private let text: UnsafeBufferPointer<UInt8>

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    /// The member of an object.
    subscript(name: StaticString) -> JSONValue? {
        guard at(0) == 0x7b else { return nil }
        var place = skipSpace(1)
        while at(place) == 0x22 {
            let nameEnd = end(of: place)
            let isWanted = isEqual(place + 1, nameEnd - 1, name)
            let start = skipSpace(skipSpace(nameEnd) + 1)
            let valueEnd = end(of: start)
            if isWanted { return slice(start, valueEnd) }
            place = skipSpace(skipSpace(valueEnd) + 1)
        }
        return nil
    }

    /// The elements of an array.
    var elements: [JSONValue] {
        guard at(0) == 0x5b else { return [] }
        var found: [JSONValue] = []
        var place = skipSpace(1)
        while let byte = at(place), byte != 0x5d {
            let valueEnd = end(of: place)
            guard valueEnd > place else { break }
            found.append(slice(place, valueEnd))
            place = skipSpace(skipSpace(valueEnd) + 1)
        }
        return found
    }

    /// The characters of a string (RFC 8259 section 7); nil for another value.
    var string: [UInt8]? {
        guard text.count >= 2, at(0) == 0x22 else { return nil }
        var characters: [UInt8] = []
        var place = 1
        while place < text.count - 1 {
            let byte = text[place]
            place += 1
            guard byte == 0x5c, let escape = at(place) else {
                characters.append(byte)
                continue
            }
            place += 1
            switch escape {
            case 0x62: characters.append(0x08)
            case 0x66: characters.append(0x0c)
            case 0x6e: characters.append(0x0a)
            case 0x72: characters.append(0x0d)
            case 0x74: characters.append(0x09)
            case 0x75:
                characters.append(contentsOf: character(place))
                place += 4
            default: characters.append(escape)
            }
        }
        return characters
    }

    /// The four digits of `\u` as UTF-8; `?` for half of a surrogate pair, which the library never writes.
    private func character(_ place: Int) -> [UInt8] {
        var number: UInt16 = 0
        for index in place..<place + 4 {
            guard let digit = at(index).flatMap(hexDigit) else { return [0x3f] }
            number = number << 4 | UInt16(digit)
        }
        let low = UInt8(truncatingIfNeeded: number & 0x3f) | 0x80
        switch number {
        case 0..<0x80: return [UInt8(truncatingIfNeeded: number)]
        case 0x80..<0x800: return [UInt8(truncatingIfNeeded: number >> 6) | 0xc0, low]
        case 0xd800..<0xe000: return [0x3f]
        default:
            let middle = UInt8(truncatingIfNeeded: number >> 6 & 0x3f) | 0x80
            return [UInt8(truncatingIfNeeded: number >> 12) | 0xe0, middle, low]
        }
    }

    private func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private func at(_ place: Int) -> UInt8? { place < text.count ? text[place] : nil }

    private func slice(_ start: Int, _ end: Int) -> JSONValue {
        JSONValue(UnsafeBufferPointer(rebasing: text[min(start, text.count)..<min(max(start, end), text.count)]))
    }

    private func skipSpace(_ start: Int) -> Int {
        var place = start
        while let byte = at(place), byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { place += 1 }
        return place
    }

    /// The place behind the value that starts here.
    private func end(of start: Int) -> Int {
        var place = start
        var depth = 0
        while let byte = at(place) {
            switch byte {
            case 0x22:
                place += 1
                while let inside = at(place), inside != 0x22 { place += inside == 0x5c ? 2 : 1 }
            case 0x7b, 0x5b:
                depth += 1
            case 0x7d, 0x5d:
                if depth == 0 { return place }
                depth -= 1
            case 0x2c where depth == 0, 0x20 where depth == 0:
                return place
            default:
                place += 1
                continue
            }
            place += 1
            if depth == 0 { return place }
        }
        return min(place, text.count)
    }

    private func isEqual(_ start: Int, _ end: Int, _ name: StaticString) -> Bool {
        guard end <= text.count, end - start == name.utf8CodeUnitCount else { return false }
        for index in 0..<name.utf8CodeUnitCount where text[start + index] != name.bytes[index] { return false }
        return true
    }
}
