import GWBase
import GWHTTP
import GWTLS

/// What to do about an answer that is no upgrade.
enum RedirectDecision {
    /// It is no redirect, or the host wants none followed.
    case none
    indirect case follow(DialSettings)
    /// It leads where we do not go, for this reason.
    case refuse(String)
}

/// Redirects of the upgrade (RFC 6455 section 4.1 leaves them to HTTP, RFC 9110 section 15.4).
extension DialSettings {
    /// `followed`: how many have been followed before.
    func redirect(_ head: ResponseHead, followed: UInt32) -> RedirectDecision {
        guard maxRedirects > 0 else { return .none }
        switch head.status {
        case 301, 302, 303, 307, 308: break
        default: return .none
        }
        guard followed < maxRedirects else { return .refuse("\(followed) redirects were followed, the limit") }
        guard case .value(let location) = head.fields.single("Location") else {
            return .refuse("not exactly one Location")
        }
        do throws(Failure) {
            return .follow(try redirected(to: url.resolving(location)))
        } catch {
            return .refuse(error.text)
        }
    }

    private func redirected(to target: WebSocketURL) throws(Failure) -> DialSettings {
        guard target.isSecure || !url.isSecure else { throw Failure(.plaintext, .operator, "it leads from wss to ws") }
        guard plaintext.allows(target) else {
            throw Failure(.plaintext, .operator, "it leads to ws:// at a host that is not allowed without TLS")
        }
        let isSameOrigin = target.hasSameOrigin(as: url)
        switch route.way {
        case .direct, .proxy, .environment: break
        case .unix where isSameOrigin: break
        case .unix: throw Failure(.argument, .program, "it leads away from the Unix socket")
        case .descriptor: throw Failure(.argument, .program, "the connection was the host's, and there is no other")
        }
        var settings = self
        settings.url = target
        settings.tls = target.isSecure ? secureClient : nil
        guard !isSameOrigin else { return settings }
        settings.serverName = String(printable: target.host.text)
        settings.forgetOrigin()
        return settings
    }
}
