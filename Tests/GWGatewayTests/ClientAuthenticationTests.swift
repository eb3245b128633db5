import Foundation
import GWBase
import GWGateway
import GWJSON
import Testing

@Suite("One retry with the stored token, and what becomes of it (openclaw-gateway 5.3, 5.7)")
struct ClientAuthenticationTests {
    private static let device = "d".bytes
    private static let role = "operator".bytes

    private func authentication(
        _ credentials: Credentials, stored: String? = nil, hasDevice: Bool = true, isTrusted: Bool = true
    ) -> (ClientAuthentication, DeviceTokenMemory) {
        let memory = DeviceTokenMemory(deviceID: Self.device)
        if let stored {
            let token = DeviceToken(role: Self.role, token: stored.bytes, scopes: [])
            #expect(memory.keep([token], role: Self.role, wallMilliseconds: 1) == nil)
        }
        let authentication = ClientAuthentication(
            credentials, keeper: hasDevice ? memory : nil, role: Self.role, scopes: nil, slowMilliseconds: 30_000)
        authentication.isTrustedEndpoint = isTrusted
        return (authentication, memory)
    }

    private func refusal(_ details: Any) -> ConnectFailure {
        let message = Text(json(["code": "INVALID_REQUEST", "message": "m", "details": details]))
        return ConnectFailure(ErrorObject(message.scan(), in: message.bytes), in: message.bytes)
    }

    private func hello(_ auth: String) throws -> Hello {
        let message = Text(#"{"auth":\#(auth)}"#)
        return try Hello(message.scan(), in: message.bytes, offered: 3...4)
    }

    private let mismatch = ["code": "AUTH_TOKEN_MISMATCH"]

    @Test("each case of the vectors")
    func oneShot() throws {
        for item in try cases("oneShotRetry", of: "reconnect-decisions.json") {
            let name: String = try required("name", of: item)
            let (authentication, _) = authentication(
                Credentials(
                    token: member("explicitToken", of: item, as: String.self)?.bytes ?? [],
                    deviceToken: member("resolvedDeviceToken", of: item, as: String.self)?.bytes ?? []),
                stored: member("storedToken", of: item), isTrusted: try required("trustedEndpoint", of: item))
            if try required("retryBudgetUsed", of: item) {
                _ = authentication.choose()
                var first = refusal(mismatch)
                #expect(authentication.refused(&first) == .retryWithStoredToken)
            }
            _ = authentication.choose()
            var failure = refusal(try #require(item["details"]))
            let retries = authentication.refused(&failure) == .retryWithStoredToken
            #expect(retries == member("retryWithStoredToken", of: item), "\(name)")
            #expect(!retries || failure.failure.isRetryable, "\(name)")
        }
    }

    @Test("the retry shows both tokens, once; a hello or the host gives it back")
    func budget() throws {
        let (authentication, _) = authentication(Credentials(token: "T".bytes), stored: "S")
        for isHello in [true, false, true] {
            #expect(authentication.choose().storedToken == nil)
            var first = refusal(mismatch)
            #expect(authentication.refused(&first) == .retryWithStoredToken)
            let retry = authentication.choose()
            #expect(retry.hasToken && text(retry.storedToken?.token ?? []) == "S")
            var second = refusal(mismatch)
            #expect(authentication.refused(&second) == .pause && !second.failure.isRetryable)
            if isHello {
                #expect(authentication.accepted(try hello("{}"), wallMilliseconds: 1) == nil)
            } else {
                authentication.restart()
            }
        }
    }

    @Test("each case of the vectors: whether the stored token is removed")
    func clearing() throws {
        for item in try cases("clearStoredToken", of: "reconnect-decisions.json") {
            let name: String = try required("name", of: item)
            let isConfigured = (
                token: try required("tokenConfigured", of: item, as: Bool.self),
                password: try required("passwordConfigured", of: item, as: Bool.self)
            )
            let (authentication, memory) = authentication(
                Credentials(
                    token: isConfigured.token ? "T".bytes : [], password: isConfigured.password ? "P".bytes : []),
                stored: "S", hasDevice: try required("deviceIdentity", of: item))
            _ = authentication.choose()
            if isConfigured.token, try required("storedTokenInUse", of: item) {
                var first = refusal(mismatch)
                #expect(authentication.refused(&first) == .retryWithStoredToken)
                _ = authentication.choose()
            }
            if let code: String = member("detailCode", of: item) {
                var failure = refusal(["code": code])
                _ = authentication.refused(&failure)
            } else {
                let reason: String = try required("closeReason", of: item)
                var failure = Failure(
                    .closed, .operator, "closed by the peer: \(reason)", code: try required("closeCode", of: item))
                authentication.lost(&failure)
            }
            let isGone = memory.token(role: Self.role) == nil
            #expect(isGone == member("clear2026_7_2_and_later", of: item), "\(name)")
        }
    }

    @Test("what a hello issues is used from the next attempt on, under the role that it is for")
    func issued() throws {
        let (authentication, memory) = authentication(Credentials(bootstrapToken: "B".bytes))
        #expect(!authentication.choose().hasDeviceToken)
        let answer =
            #"{"scopes":["operator.write"],"deviceToken":"S","deviceTokens":[{"deviceToken":"N","role":"node"}]}"#
        #expect(authentication.accepted(try hello(answer), wallMilliseconds: 9) == nil)
        let next = authentication.choose()
        #expect(text(next.storedToken?.token ?? []) == "S")
        #expect(next.scopes.map { text($0) } == ["operator.read", "operator.write"])
        #expect(memory.token(role: "node".bytes).map { text($0.token) } == "N")
    }

    @Test("nothing is issued to a client without a device")
    func withoutDevice() throws {
        let (authentication, memory) = authentication(Credentials(), hasDevice: false)
        #expect(authentication.accepted(try hello(#"{"deviceToken":"S"}"#), wallMilliseconds: 1) == nil)
        #expect(memory.token(role: Self.role) == nil && authentication.choose().storedToken == nil)
    }

    @Test("the same refusal in a row is counted, another one or a hello begins anew (5.4)")
    func repeats() throws {
        let (authentication, _) = authentication(Credentials(token: "T".bytes))
        func refuse(_ code: String) -> Recovery {
            _ = authentication.choose()
            var failure = refusal(["code": code])
            return authentication.refused(&failure)
        }
        let usual = Recovery.retry(floorMilliseconds: 0)
        #expect([1, 2, 3].map { _ in refuse("AUTH_UNAUTHORIZED") } == [usual, usual, .pause])
        authentication.restart()
        #expect(refuse("AUTH_UNAUTHORIZED") == usual && refuse("AUTH_UNAUTHORIZED") == usual)
        #expect(refuse("DEVICE_AUTH_NONCE_MISMATCH") == usual)
        #expect(refuse("AUTH_UNAUTHORIZED") == usual && refuse("AUTH_UNAUTHORIZED") == usual)
        #expect(authentication.accepted(try hello("{}"), wallMilliseconds: 1) == nil)
        #expect(refuse("AUTH_UNAUTHORIZED") == usual)
    }

    @Test("replaced credentials are those of the next attempt")
    func replaced() {
        let (authentication, _) = authentication(Credentials(token: "T".bytes))
        let first = authentication.choose()
        authentication.replace(Credentials(token: "U".bytes))
        #expect(text(first.signedToken) == "T")
        #expect(text(authentication.choose().signedToken) == "U")
    }
}
