/// JSON that says by a number what it belongs to.
func numbered(_ name: String, _ number: Int, answer: Int = 0, padding: Int = 0) -> [UInt8] {
    Array("{\"\(name)\":\(number),\"answer\":\(answer),\"padding\":\"".utf8) + [UInt8](repeating: 0x78, count: padding)
        + [0x22, 0x7d]
}

/// The number of that name, wherever it stands.
func number(_ name: String, in json: [UInt8]) -> Int? {
    let name = Array("\"\(name)\":".utf8)
    let limit = min(json.count, 400)
    guard let start = (0..<limit).first(where: { json[$0...].starts(with: name) }) else { return nil }
    let digits = json[(start + name.count)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
    return Int(String(decoding: digits, as: UTF8.self))
}
