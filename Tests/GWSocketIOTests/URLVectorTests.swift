import Foundation
import GWBase
import GWSocketIO
import Testing

@Suite("Socket.IO URLs: vectors")
struct URLVectorTests {
    @Test("the path of the URL is the namespace, the request goes to the path of the options")
    func all() throws {
        for item in try vectors("cases", of: "urls.json") {
            let input = try #require(item["input"] as? String)
            let given = item["options"] as? [String: Any] ?? [:]
            var options = SocketIOURL.Options()
            if let path = given["path"] as? String { options.path = path.bytes }
            options.addsTrailingSlash = given["addTrailingSlash"] as? Bool ?? true
            if let query = given["query"] as? [String: String] {
                options.query = query.sorted { $0.key < $1.key }.map { ($0.key.bytes, $0.value.bytes) }
            }
            let url = try SocketIOURL(input.bytes, options)
            #expect(text(url.url) == item["url"] as? String)
            #expect(text(url.namespace) == item["namespace"] as? String)
        }
    }

    @Test("user and password are dropped, a URL above 8000 bytes and other schemes are refused")
    func refusals() throws {
        let url = try SocketIOURL("http://u:p@h/".bytes, .init()).url
        #expect(text(url) == "ws://h/socket.io/?EIO=4&transport=websocket")
        #expect(throws: Failure.self) {
            try SocketIOURL("http://h/?a=".bytes + [UInt8](repeating: 0x61, count: 8000), .init())
        }
        #expect(throws: Failure.self) { try SocketIOURL("ftp://h/".bytes, .init()) }
    }

    @Test(
        "a namespace begins with a slash and has neither comma nor query", arguments: ["", "a", "/a,b", "/a?b", "/a\n"])
    func namespaces(_ name: String) {
        #expect(!SocketIOURL.isNamespace(name.utf8))
        #expect(SocketIOURL.isNamespace("/é/1".utf8))
    }
}
