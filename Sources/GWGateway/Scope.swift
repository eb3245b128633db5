import GWBase
import GWJSON

/// Operator scopes: what they allow.
public enum Scope {
    static let known: [StaticString] = [
        "operator.read", "operator.write", "operator.admin", "operator.approvals", "operator.pairing",
        "operator.talk.secrets", "operator.questions", "operator.talk",
    ]

    static func isKnown(_ scope: [UInt8]) -> Bool { isOneOf(known, scope) }

    /// admin implies everything, write implies read.
    static func allows(_ scopes: [[UInt8]], _ needed: StaticString) -> Bool {
        let bytes = Array(UnsafeBufferPointer(start: needed.utf8Start, count: needed.utf8CodeUnitCount))
        return scopes.contains { scope in
            scope.elementsEqual(bytes) || isEqual("operator.admin", scope)
                || (isEqual("operator.read", bytes) && isEqual("operator.write", scope))
        }
    }

    /// Scopes as device tokens are stored with: trimmed, none twice, with what they imply, in the order of their bytes.
    public static func normalized(_ scopes: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        func add(_ scope: [UInt8]) {
            guard !scope.isEmpty, !result.contains(where: { $0.elementsEqual(scope) }) else { return }
            result.append(scope)
        }
        for scope in scopes {
            let scope = DeviceAuth.trimmed(scope)
            add(scope)
            if isEqual("operator.admin", scope) { add("operator.write".bytes) }
            if isEqual("operator.admin", scope) || isEqual("operator.write", scope) { add("operator.read".bytes) }
        }
        result.sort { $0.lexicographicallyPrecedes($1) }
        return result
    }

    /// The strings of a JSON array; what is none is left out.
    static func list(_ value: JSONSlice?, in text: UnsafeRawBufferPointer) -> [[UInt8]] {
        var scopes: [[UInt8]] = []
        guard let value, value.kind == .array else { return scopes }
        JSON.forEachElement(of: value, in: text) { element in
            if let scope = JSON.string(element, in: text) { scopes.append(scope) }
        }
        return scopes
    }

    /// Events that are not for everybody, with the scope that shows them.  A name that ends with a dot stands for all that
    /// begin with it; the first entry that fits decides.
    private static let events: [(name: StaticString, needed: StaticString)] = [
        ("exec.approval.", "operator.approvals"), ("plugin.approval.", "operator.approvals"),
        ("openclaw.approval.", "operator.approvals"), ("session.approval", "operator.approvals"),
        ("agent", "operator.read"), ("chat", "operator.read"), ("chat.", "operator.read"), ("cron", "operator.read"),
        ("talk.event", "operator.read"), ("task", "operator.read"), ("task.", "operator.read"),
        ("voicewake.", "operator.read"), ("node.presence", "operator.read"), ("sessions.", "operator.read"),
        ("session.", "operator.read"),
        ("talk.mode", "operator.write"), ("plugin.", "operator.write"),
        ("device.pair.", "operator.pairing"), ("node.pair.", "operator.pairing"),
        ("terminal.", "operator.admin"),
    ]

    /// The scope that a peer needs to be shown an event, nil if anybody may see it.
    ///
    /// Gateways show an event of a name that they do not know to nobody.  Here such a name is the host's own, and for all.
    static func needed(forEvent name: UnsafeRawBufferPointer) -> StaticString? {
        events.first { entry in
            let wanted = UnsafeBufferPointer(start: entry.name.utf8Start, count: entry.name.utf8CodeUnitCount)
            return wanted.last == 0x2e ? name.starts(with: wanted) : name.elementsEqual(wanted)
        }?.needed
    }
}
