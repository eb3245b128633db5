/// JSON that says which call it belongs to.
func numbered(_ call: Int, _ answer: Int = 0, padding: Int) -> [UInt8] {
    Array("{\"call\":\(call),\"answer\":\(answer),\"padding\":\"".utf8) + [UInt8](repeating: 0x78, count: padding)
        + [0x22, 0x7d]
}

/// The call that params belong to, whatever was put before its number.
func callNumber(in params: [UInt8]) -> Int? {
    let name = Array("\"call\":".utf8)
    guard let start = params.indices.first(where: { params[$0...].starts(with: name) }) else { return nil }
    let digits = params[(start + name.count)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
    return Int(String(decoding: digits, as: UTF8.self))
}
