import GWBase
import GWJSON

/// The members of a frame by name, found in one walk over those of its object.
///
/// Of several with the same name the last counts, as with `JSONMembers.find`.
struct EnvelopeMembers {
    private(set) var type: JSONSlice?
    private(set) var id: JSONSlice?
    private(set) var ok: JSONSlice?
    private(set) var seq: JSONSlice?
    private(set) var error: JSONSlice?
    private(set) var event: JSONSlice?
    private(set) var params: JSONSlice?
    private(set) var result: JSONSlice?
    private(set) var payload: JSONSlice?

    init(_ members: borrowing JSONMembers, of whole: JSONSlice, _ text: UnsafeRawBufferPointer) {
        guard !members.isTruncated else {
            var all = EnvelopeMembers()
            JSON.forEachMember(of: whole, in: text) { key, value in all.note(key, value, text) }
            self = all
            return
        }
        for index in 0..<members.count { note(members.key(index), members.value(index), text) }
    }

    private init() {}

    @inline(__always)
    private mutating func note(_ key: Range<Int>, _ value: JSONSlice, _ text: UnsafeRawBufferPointer) {
        guard let base = text.baseAddress, key.upperBound <= text.count else { return }
        let name = UnsafeRawBufferPointer(start: base + key.lowerBound, count: key.count)
        switch name.count {
        case 2 where isEqual(name, "id"): id = value
        case 2 where isEqual(name, "ok"): ok = value
        case 3 where isEqual(name, "seq"): seq = value
        case 4 where isEqual(name, "type"): type = value
        case 5 where isEqual(name, "error"): error = value
        case 5 where isEqual(name, "event"): event = value
        case 6 where isEqual(name, "params"): params = value
        case 6 where isEqual(name, "result"): result = value
        case 7 where isEqual(name, "payload"): payload = value
        default: if name.contains(0x5c) { noteEscaped(key, value, text) }
        }
    }

    /// Of the same length.
    @inline(__always)
    private func isEqual(_ name: UnsafeRawBufferPointer, _ wanted: StaticString) -> Bool {
        guard let base = name.baseAddress else { return false }
        var difference: UInt8 = 0
        for offset in 0..<wanted.utf8CodeUnitCount {
            difference |= base.load(fromByteOffset: offset, as: UInt8.self) ^ wanted.utf8Start[offset]
        }
        return difference == 0
    }

    @inline(never)
    private mutating func noteEscaped(_ key: Range<Int>, _ value: JSONSlice, _ text: UnsafeRawBufferPointer) {
        if JSON.isKey(key, "type", in: text) { type = value }
        if JSON.isKey(key, "id", in: text) { id = value }
        if JSON.isKey(key, "ok", in: text) { ok = value }
        if JSON.isKey(key, "seq", in: text) { seq = value }
        if JSON.isKey(key, "error", in: text) { error = value }
        if JSON.isKey(key, "event", in: text) { event = value }
        if JSON.isKey(key, "params", in: text) { params = value }
        if JSON.isKey(key, "result", in: text) { result = value }
        if JSON.isKey(key, "payload", in: text) { payload = value }
    }
}
