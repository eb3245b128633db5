import COpenSSL
import GWBase

/// SHA-256 pins of a peer.  One that matches is enough.
public struct PinSet {
    public private(set) var pins: [Pin] = []

    public init() {}

    public init(_ texts: [[UInt8]]) throws(Failure) {
        for text in texts { try add(text) }
    }

    public var isEmpty: Bool { pins.isEmpty }

    /// Whether a CA above the leaf can match.
    var hasAuthorities: Bool { pins.contains { $0.kind.isOfAuthority } }

    /// Adds the pin that a text writes.
    public mutating func add(_ text: [UInt8]) throws(Failure) { pins.append(try Pin(text)) }

    public mutating func add(_ text: String) throws(Failure) { try add(text.bytes) }

    /// Whether one of the pins of a kind is this digest.  Takes the same time whichever it is.
    func matches(_ digest: [UInt8], as kind: PinKind) -> Bool {
        var isFound = false
        for pin in pins where pin.kind == kind && isSameDigest(pin.digest, digest) { isFound = true }
        return isFound
    }

    func matches(leaf: Certificate) -> Bool {
        // Both are looked at in any case, for the same time.
        let byCertificate = matches(leaf.sha256, as: .certificate)
        let byKey = matches(leaf.keySHA256, as: .key)
        return byCertificate || byKey
    }

    func matches(authority: Certificate) -> Bool {
        let byCertificate = matches(authority.sha256, as: .authority)
        let byKey = matches(authority.keySHA256, as: .authorityKey)
        return byCertificate || byKey
    }
}
