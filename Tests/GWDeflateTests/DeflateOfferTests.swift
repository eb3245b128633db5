import GWBase
import Testing

@testable import GWDeflate

private func chosen(_ offers: String, _ settings: DeflateSettings = open) -> (DeflateParameters, String)? {
    guard let list = ExtensionList.parse(Array(offers.utf8)) else { return nil }
    var answer = ByteBuffer()
    guard let agreed = DeflateOffer.choose(from: list, settings, answer: &answer) else {
        let isEmpty = answer.isEmpty
        #expect(isEmpty)
        return nil
    }
    return (agreed, text(answer.array))
}

private func checked(_ answer: String, _ settings: DeflateSettings = open) -> DeflateParameters? {
    guard let list = ExtensionList.parse(Array(answer.utf8)) else { return nil }
    return try? DeflateOffer.check(answer: list, settings)
}

/// Nothing asked for.
private let open: DeflateSettings = {
    var settings = DeflateSettings()
    settings.serverNoContextTakeover = false
    settings.clientNoContextTakeover = false
    return settings
}()

@Suite("RFC 7692 section 7.1: negotiation")
struct DeflateOfferTests {
    private func offer(_ settings: DeflateSettings) -> String {
        var output = ByteBuffer()
        DeflateOffer.write(settings, into: &output)
        return text(output.array)
    }

    @Test("the offer")
    func offers() {
        #expect(offer(open) == "permessage-deflate; client_max_window_bits")
        #expect(
            offer(DeflateSettings())
                == "permessage-deflate; server_no_context_takeover; client_no_context_takeover; client_max_window_bits")
        var small = open
        small.serverMaxWindowBits = 8
        small.clientMaxWindowBits = 12
        // 8 is never asked for: few deflaters can do it.
        #expect(offer(small) == "permessage-deflate; server_max_window_bits=9; client_max_window_bits=12")
    }

    @Test("the server's choice and answer")
    func choices() {
        let plain = DeflateParameters()
        #expect(chosen("permessage-deflate")! == (plain, "permessage-deflate"))
        #expect(chosen("permessage-deflate; client_max_window_bits")! == (plain, "permessage-deflate"))
        #expect(
            chosen("permessage-deflate; server_no_context_takeover; client_no_context_takeover")!
                == (
                    DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true),
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
                ))
        #expect(
            chosen("permessage-deflate; server_max_window_bits=15")!.1
                == "permessage-deflate; server_max_window_bits=15")
        #expect(
            chosen("permessage-deflate; server_max_window_bits=\"10\"")!
                == (DeflateParameters(serverMaxWindowBits: 10), "permessage-deflate; server_max_window_bits=10"))
        #expect(chosen("permessage-deflate; server_max_window_bits=8")!.0.serverMaxWindowBits == 8)
        var small = DeflateSettings()
        small.serverMaxWindowBits = 11
        small.clientMaxWindowBits = 10
        #expect(
            chosen("permessage-deflate; client_max_window_bits=12", small)!
                == (
                    DeflateParameters(
                        serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 11,
                        clientMaxWindowBits: 10),
                    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=10"
                ))
        #expect(chosen("permessage-deflate; client_max_window_bits=9", small)!.0.clientMaxWindowBits == 9)
        // What the client did not offer must not be asked of it.
        #expect(chosen("permessage-deflate", small)!.0.clientMaxWindowBits == 15)
    }

    @Test(
        "section 7.1: offers that cannot be met are passed over",
        arguments: [
            "foo", "PERMESSAGE-DEFLATE", "permessage-deflate; foo", "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; client_max_window_bits=0",
            "permessage-deflate; client_max_window_bits=99999999999999999999",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        ])
    func passedOver(_ offer: String) {
        #expect(chosen(offer) == nil)
        #expect(chosen(offer + ", permessage-deflate")! == (DeflateParameters(), "permessage-deflate"))
    }

    @Test("the client's check accepts")
    func accepted() {
        #expect(checked("permessage-deflate") == DeflateParameters())
        #expect(checked("permessage-deflate ; server_max_window_bits = 8")!.serverMaxWindowBits == 8)
        #expect(checked("permessage-deflate; client_max_window_bits=8")!.clientMaxWindowBits == 8)
        #expect(checked("permessage-deflate; client_max_window_bits=\"10\"")!.clientMaxWindowBits == 10)
        #expect(
            checked("permessage-deflate; client_no_context_takeover; server_no_context_takeover")
                == DeflateParameters(serverNoContextTakeover: true, clientNoContextTakeover: true))
    }

    @Test(
        "the client's check refuses",
        arguments: [
            "", ",", "foo", "permessage-deflate, permessage-deflate", "permessage-deflate, foo",
            "permessage-deflate; foo",
            "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=12; server_max_window_bits=12",
            "permessage-deflate; server_max_window_bits=010", "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=7", "permessage-deflate; server_no_context_takeover=true",
            "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"\"", "permessage-deflate; server_max_window_bits=\"10",
            "permessage-deflate; server_max_window_bits=\"1 0\"", "permessage deflate",
        ])
    func refused(_ answer: String) { #expect(checked(answer) == nil) }

    @Test("section 7.1.2.1: a window above the offered one")
    func largerWindow() {
        var small = open
        small.serverMaxWindowBits = 10
        #expect(checked("permessage-deflate; server_max_window_bits=10", small) != nil)
        #expect(checked("permessage-deflate; server_max_window_bits=11", small) == nil)
    }
}

@Suite("RFC 6455 section 9.1: the extension list")
struct ExtensionListTests {
    @Test("separators and quoted strings")
    func grammar() {
        let list = ExtensionList.parse(Array(" , a;b=c\t; d = \"e\\f\" ,, g ".utf8))
        #expect(list?.map(\.name) == [Array("a".utf8), Array("g".utf8)])
        #expect(list?.first?.parameters.map(\.name) == [Array("b".utf8), Array("d".utf8)])
        #expect(list?.first?.parameters.map(\.value) == [Array("c".utf8), Array("ef".utf8)])
        #expect(ExtensionList.parse(Array("a; b=\"c,d\"".utf8)) == nil)
        #expect(ExtensionList.parse(Array("a b".utf8)) == nil)
        #expect(ExtensionList.parse(Array("a;".utf8)) == nil)
        #expect(ExtensionList.parse(Array("a/b".utf8)) == nil)
    }
}
