import GWBase
import GWHTTP

/// A tunnel through a SOCKS 5 proxy (RFC 1928), with user and password if it wants them (RFC 1929).
public struct SOCKS5 {
    private enum State {
        case awaitingMethod
        case awaitingStatus
        case awaitingReply
        case done
    }

    private static let version: UInt8 = 5
    private static let noAuthentication: UInt8 = 0
    private static let userAndPassword: UInt8 = 2

    private let target: TunnelTarget
    private let user: [UInt8]
    private let password: [UInt8]
    private let proxy: String
    private var state = State.awaitingMethod
    /// What has arrived of the answer at hand; no answer is longer than 262 bytes.
    private var answer: [UInt8] = []

    init(_ target: TunnelTarget, user: [UInt8], password: [UInt8], proxy: String) throws(Failure) {
        if case .name(let name, _) = target, name.isEmpty || name.count > 255 {
            throw Failure(.proxy, .program, "SOCKS 5 takes host names of 1 to 255 bytes, this one has \(name.count)")
        }
        guard user.count <= 255, password.count <= 255 else {
            throw Failure(
                .proxy, .user,
                "SOCKS 5 takes users and passwords of up to 255 bytes, these have \(user.count) and \(password.count)")
        }
        self.target = target
        self.user = user
        self.password = password
        self.proxy = proxy
    }

    /// Section 3: the methods that are offered.
    func begin(into output: inout ByteBuffer) {
        let methods = user.isEmpty ? [SOCKS5.noAuthentication] : [SOCKS5.noAuthentication, SOCKS5.userAndPassword]
        output.append([SOCKS5.version, UInt8(truncatingIfNeeded: methods.count)] + methods)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer) -> TunnelAction {
        for index in bytes.indices {
            answer.append(bytes[index])
            guard let action = step() else { continue }
            switch action {
            case .send where index + 1 < bytes.count:
                state = .done
                return .failed(invalid("it answers before it was asked"))
            case .open:
                return .open(consumed: index + 1)
            case .send, .failed, .needMore:
                return action
            }
        }
        return .needMore
    }

    func endOfStream() -> Failure { .proxyEnded(proxy) }

    /// What the answer at hand makes to do, nil while it is not whole.
    private mutating func step() -> TunnelAction? {
        switch state {
        case .awaitingMethod:
            guard answer.count == 2 else { return nil }
            return chooseMethod(answer[0], answer[1])
        case .awaitingStatus:
            guard answer.count == 2 else { return nil }
            guard answer[1] == 0 else {
                return fail(Failure(.proxyRefused, .user, "the proxy \(proxy) refuses user and password"))
            }
            return request()
        case .awaitingReply:
            return readReply()
        case .done:
            return .needMore
        }
    }

    private mutating func chooseMethod(_ version: UInt8, _ method: UInt8) -> TunnelAction {
        guard version == SOCKS5.version else { return fail(invalid("it does not speak SOCKS 5")) }
        switch method {
        case SOCKS5.noAuthentication:
            return request()
        case SOCKS5.userAndPassword where !user.isEmpty:
            answer = []
            state = .awaitingStatus
            return .send(
                [1, UInt8(truncatingIfNeeded: user.count)] + user + [UInt8(truncatingIfNeeded: password.count)]
                    + password)
        default:
            let wanted = user.isEmpty ? "user and password or another proof" : "another proof than user and password"
            return fail(Failure(.proxyRefused, .user, "the proxy \(proxy) wants \(wanted)"))
        }
    }

    /// Section 4.
    private mutating func request() -> TunnelAction {
        answer = []
        state = .awaitingReply
        var message: [UInt8] = [SOCKS5.version, 1, 0]
        let port: UInt16
        switch target {
        case .name(let name, let number):
            message += [3, UInt8(truncatingIfNeeded: name.count)] + name
            port = number
        case .ipv4(let address, let number):
            message.append(1)
            withUnsafeBytes(of: address.number.bigEndian) { message += $0 }
            port = number
        case .ipv6(let address, let number):
            message.append(4)
            withUnsafeBytes(of: address.high.bigEndian) { message += $0 }
            withUnsafeBytes(of: address.low.bigEndian) { message += $0 }
            port = number
        }
        withUnsafeBytes(of: port.bigEndian) { message += $0 }
        return .send(message)
    }

    /// Section 6.
    private mutating func readReply() -> TunnelAction? {
        guard answer.count >= 5 else { return nil }
        guard answer[0] == SOCKS5.version else { return fail(invalid("its reply is not of SOCKS 5")) }
        let addressSize: Int
        switch answer[3] {
        case 1: addressSize = 4
        case 3: addressSize = 1 + Int(answer[4])
        case 4: addressSize = 16
        default: return fail(invalid("its reply has an address of unknown type \(answer[3])"))
        }
        guard answer.count == 4 + addressSize + 2 else { return nil }
        state = .done
        guard answer[1] == 0 else { return fail(refusal(answer[1])) }
        return .open(consumed: 0)
    }

    private mutating func fail(_ failure: Failure) -> TunnelAction {
        state = .done
        return .failed(failure)
    }

    private func invalid(_ text: String) -> Failure {
        Failure(.proxy, .network, "the proxy \(proxy) does not answer as SOCKS 5 does: \(text)")
    }

    private func refusal(_ code: UInt8) -> Failure {
        let reason: StaticString
        var actor = Actor.network
        var isRetryable = true
        switch code {
        case 1: reason = "general failure"
        case 2:
            reason = "not allowed by its rules"
            isRetryable = false
        case 3: reason = "network unreachable"
        case 4: reason = "host unreachable"
        case 5:
            reason = "connection refused"
            actor = .operator
        case 6: reason = "time to live expired"
        case 7, 8:
            reason = code == 7 ? "command not supported" : "address type not supported"
            isRetryable = false
        default: reason = "unknown reply"
        }
        let asked = String(printable: target.authority, limit: 300)
        return Failure(
            .proxyRefused, actor, "the proxy \(proxy) could not connect to \(asked): \(reason)",
            isRetryable: isRetryable, code: UInt32(code))
    }
}
