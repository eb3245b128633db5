import COpenSSL
import Foundation
import GWBase
import Testing

@testable import GWTLS

/// What a server shows, and what the CA check says of it.
private enum Shown: CaseIterable {
    case good, unknownCA, expired, early, wrongName

    /// By the CA file.
    var chain: Status? {
        switch self {
        case .good: nil
        case .unknownCA: .tlsChain
        case .expired, .early: .tlsExpired
        case .wrongName: .tlsName
        }
    }

    /// By the CA that has issued it.
    var path: Status? { self == .unknownCA ? nil : chain }
}

private enum Pinned: CaseIterable {
    case nothing, leaf, key, authority, authorityKey, other

    var isOfAuthority: Bool { self == .authority || self == .authorityKey }
}

@Suite struct TrustPolicyTests {
    private struct Scene {
        let root: Issuer
        let issuer: Issuer
        let identity: TLSIdentity

        init(_ shown: Shown) throws {
            root = try Issuer("root")
            issuer = try Issuer("intermediate", under: shown == .unknownCA ? Issuer("other root") : root)
            let day = Issuer.day
            switch shown {
            case .good, .unknownCA: identity = try issuer.issue()
            case .expired: identity = try issuer.issue(notBefore: -2 * day, notAfter: -day)
            case .early: identity = try issuer.issue(notBefore: day, notAfter: 2 * day)
            case .wrongName: identity = try issuer.issue(["elsewhere.example"])
            }
        }

        func pin(_ pinned: Pinned) -> String? {
            let leaf = identity.certificate
            let authority = issuer.certificate
            return switch pinned {
            case .nothing: nil
            case .leaf: text(hexText(leaf.sha256))
            case .key: "sha256/" + text(Base64.encode(leaf.keySHA256))
            case .authority: "ca:" + text(hexText(authority.sha256))
            case .authorityKey: "ca-spki:" + text(hexText(authority.keySHA256))
            case .other: String(repeating: "0", count: 64)
            }
        }
    }

    private func wanted(_ mode: TrustMode, _ pinned: Pinned, _ shown: Shown) -> Status? {
        let byPin: Status? =
            switch pinned {
            case .leaf, .key: nil
            case .authority, .authorityKey: shown.path
            case .nothing, .other: .tlsPin
            }
        return switch mode {
        case .authority: shown.chain
        case .pin: byPin
        case .pinAndAuthority: byPin ?? shown.chain
        case .pinOrAuthority: shown.chain == nil ? nil : byPin
        }
    }

    @Test(
        "The verdict of every mode over every pin and certificate, before one application byte",
        arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func table(version: Int32) throws {
        for shown in Shown.allCases {
            let scene = try Scene(shown)
            let file = try TemporaryFile(scene.root.certificate.pem)
            for mode in [TrustMode.authority, .pin, .pinAndAuthority, .pinOrAuthority] {
                for pinned in Pinned.allCases {
                    var settings = ClientTLSSettings()
                    settings.authorities.file = file.path
                    settings.policy.mode = mode
                    // Without it a mode that needs a pin is refused at once, which is another test.
                    if pinned == .nothing, mode == .pin || mode == .pinAndAuthority { continue }
                    if let pin = scene.pin(pinned) { try settings.pins.add(pin) }
                    let server = try Contexts.server(scene.identity)
                    #expect(shim_SSL_CTX_set_max_proto_version(server.handle, version) == 1)
                    let pair = try Joined(TLSClient(settings), server)
                    pair.shake()
                    let failure = pair.clientAction.failure
                    let row: Comment = "\(shown) \(mode) \(pinned): \(failure?.text ?? "open")"
                    #expect(failure?.status == wanted(mode, pinned, shown), row)
                    #expect(pair.clientAction.isDone == (failure == nil), row)
                    #expect(pair.serverAction.isDone == (failure == nil), row)
                    #expect((pair.client.write([1]) == nil) == (failure == nil), row)
                }
            }
        }
    }

    @Test("A key pin survives the renewal of the certificate, a certificate pin does not")
    func renewal() throws {
        let issuer = try Issuer()
        let key = try PrivateKey.test()
        let old = try issuer.issue(key: key).certificate
        let renewed = try issuer.issue(key: key)
        for (pin, isBelieved) in [("key:" + text(hexText(old.keySHA256)), true), (text(hexText(old.sha256)), false)] {
            var settings = ClientTLSSettings()
            try settings.pins.add(pin)
            let pair = try Joined(TLSClient(settings), Contexts.server(renewed))
            pair.shake()
            #expect(pair.clientAction.isDone == isBelieved)
        }
    }

    @Test("A pinned root that the server does not show is found through the CA file")
    func rootNotShown() throws {
        let root = try Issuer("root")
        let identity = try Issuer("intermediate", under: root).issue()
        let file = try TemporaryFile(root.certificate.pem)
        for hasFile in [true, false] {
            var settings = ClientTLSSettings()
            if hasFile { settings.authorities.file = file.path }
            try settings.pins.add("ca:" + text(hexText(root.certificate.sha256)))
            let pair = try Joined(TLSClient(settings), Contexts.server(identity))
            pair.shake()
            #expect(pair.clientAction.isDone == hasFile)
            #expect(pair.clientAction.failure?.status == (hasFile ? nil : .tlsPin))
        }
    }

    @Test("A pinned CA that stands in the chain without having signed the leaf proves nothing")
    func unrelatedAuthority() throws {
        let pinned = try Issuer("pinned")
        let leaf = try Issuer("pinned").issue()
        let identity = TLSIdentity(certificate: leaf.certificate, chain: [pinned.certificate], key: leaf.key)
        var settings = ClientTLSSettings()
        try settings.pins.add("ca:" + text(hexText(pinned.certificate.sha256)))
        let pair = try Joined(TLSClient(settings), Contexts.server(identity))
        pair.shake()
        #expect(pair.clientAction.failure?.status == .tlsChain)
        #expect(pair.client.write([1]) != nil)
    }

    @Test("A leaf that its own issuer is pinned as is no CA of another leaf (RFC 5280 section 4.2.1.9)")
    func leafAsAuthority() throws {
        let issuer = try Issuer()
        let middle = try issuer.issue(["middle"])
        // Signed by a certificate that may sign nothing.
        let forged = try SelfSigned.make(names: ["localhost"])
        X509_set_issuer_name(forged.certificate.handle, X509_get_subject_name(middle.certificate.handle))
        #expect(X509_sign(forged.certificate.handle, middle.key.handle, EVP_sha256()) > 0)
        let identity = TLSIdentity(certificate: forged.certificate, chain: [middle.certificate], key: forged.key)
        for pin in ["ca:" + text(hexText(middle.certificate.sha256)), "ca:" + text(hexText(issuer.certificate.sha256))]
        {
            var settings = ClientTLSSettings()
            try settings.pins.add(pin)
            let pair = try Joined(TLSClient(settings), Contexts.server(identity))
            pair.shake()
            #expect(pair.clientAction.failure != nil)
        }
    }

    @Test("A key of less than 112 bits is refused even if it is pinned (RFC 9325 section 4.5)")
    func weakKey() throws {
        let weak = try Issuer().issue(key: PrivateKey.rsa(bits: 1024))
        let server = try Contexts.server(Issuer().issue(key: PrivateKey.rsa(bits: 2048)))
        // A server that does not mind.
        SSL_CTX_set_security_level(server.handle, 0)
        #expect(SSL_CTX_use_certificate(server.handle, weak.certificate.handle) == 1)
        #expect(SSL_CTX_use_PrivateKey(server.handle, weak.key.handle) == 1)
        for asks in [false, true] {
            var settings = ClientTLSSettings()
            settings.policy.asks = asks
            try settings.pins.add(hexText(weak.certificate.sha256))
            let pair = try Joined(TLSClient(settings), server)
            pair.shake()
            #expect(pair.clientAction.failure?.status == .tlsChain)
            #expect(pair.clientAction.failure?.text.contains("too weak") == true)
        }
    }

    @Test("A mismatch shows every hash that was seen, the pins wanted and the verdict of the CA check")
    func report() throws {
        let scene = try Scene(.good)
        let file = try TemporaryFile(scene.root.certificate.pem)
        var settings = ClientTLSSettings()
        settings.authorities.file = file.path
        try settings.pins.add("key:" + String(repeating: "AB", count: 32))
        let pair = try Joined(TLSClient(settings), Contexts.server(scene.identity))
        pair.shake()
        let failure = try #require(pair.clientAction.failure)
        let detail = try #require(try JSONSerialization.jsonObject(with: Data(failure.detail)) as? [String: Any])
        let leaf = scene.identity.certificate
        #expect(detail["seen"] as? [String] == [text(hexText(leaf.sha256))])
        #expect(detail["seenKey"] as? [String] == [text(hexText(leaf.keySHA256))])
        #expect(detail["seenCA"] as? [String] == [text(hexText(scene.issuer.certificate.sha256))])
        #expect(detail["seenCAKey"] as? [String] == [text(hexText(scene.issuer.certificate.keySHA256))])
        #expect(detail["wanted"] as? [String] == ["key:" + String(repeating: "ab", count: 32)])
        #expect(detail["subject"] as? String == "CN=localhost")
        #expect(detail["issuer"] as? String == "CN=intermediate")
        #expect((detail["notAfter"] as? String)?.hasSuffix("Z") == true)
        #expect((detail["names"] as? String)?.contains("DNS:localhost") == true)
        #expect(detail["serverName"] as? String == "localhost")
        #expect(detail["chain"] as? String == "ok")
        #expect(failure.text.contains("key:" + String(repeating: "ab", count: 32)))
    }

    @Test("A mode that needs a pin and has none is refused before any connection, unless somebody can be asked")
    func pinWanted() throws {
        for mode in [TrustMode.pin, .pinAndAuthority] {
            var settings = ClientTLSSettings()
            settings.policy.mode = mode
            let failure = #expect(throws: Failure.self) { try TLSClient(settings) }
            #expect(failure?.status == .argument)
            settings.policy.asks = true
            #expect(throws: Never.self) { try TLSClient(settings) }
        }
    }

    @Test("Clients over one context have pins and sessions of their own")
    func shared() throws {
        let identity = try Contexts.identity()
        var settings = ClientTLSSettings()
        try settings.pins.add(hexText(identity.certificate.sha256))
        let first = try TLSClient(settings)
        let second = try TLSClient(settings, sharing: first.context)
        #expect(first.context === second.context)
        try first.replace(pins: PinSet([String(repeating: "0", count: 64).bytes]))
        let server = try Contexts.server(identity)
        for (client, isBelieved) in [(first, false), (second, true)] {
            let pair = try Joined(client, server)
            pair.shake()
            #expect(pair.clientAction.isDone == isBelieved)
        }
        #expect(settings.canShare(with: settings))
        var other = settings
        other.policy.mode = .pinAndAuthority
        #expect(!settings.canShare(with: other))
        other = settings
        other.identity = identity
        #expect(!other.canShare(with: other))
    }

    @Test("Only where no pin of a CA and no CA check can decide, a server needs no name")
    func nameWanted() throws {
        let digest = String(repeating: "0", count: 64)
        for (pin, mode, isNeeded) in [
            (digest, nil, false), ("key:" + digest, .pin, false), ("ca:" + digest, nil, true),
            (digest, .pinAndAuthority, true), (digest, TrustMode.pinOrAuthority, true),
        ] {
            var settings = ClientTLSSettings()
            settings.policy.mode = mode
            try settings.pins.add(pin)
            let context = try TLSClient(settings)
            let engine = try? TLSEngine(client: context, serverName: "")
            #expect((engine == nil) == isNeeded)
        }
    }

    @Test("Pins are replaced for the next handshake, not for one that has begun")
    func replacing() throws {
        let identity = try Contexts.identity()
        let server = try Contexts.server(identity)
        let client = try Contexts.client(pin: identity.certificate)
        let begun = try Joined(client, server)
        try client.replace(pins: PinSet([String(repeating: "0", count: 64).bytes]))
        begun.shake()
        #expect(begun.clientAction.isDone)
        let next = try Joined(client, server)
        next.shake()
        #expect(next.clientAction.failure?.status == .tlsPin)
        try client.replace(pins: PinSet([("key:" + text(hexText(identity.certificate.keySHA256))).bytes]))
        let last = try Joined(client, server)
        last.shake()
        #expect(last.clientAction.isDone)
    }
}
