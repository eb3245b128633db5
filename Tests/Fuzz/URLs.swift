import GWBase
import GWHTTP

/// URLs: what is read can be sent, and written down again it is the same place.
func fuzzURL(_ input: UnsafeRawBufferPointer) {
    let text = Array(input)
    use(NetworkPolicy.isLoopbackHost(text))
    use(NetworkPolicy.isPrivateOrLoopbackHost(text))
    use(NetworkPolicy.isTrustedPlaintextHost(text))
    use(NetworkPolicy.isTrustedEndpoint(text, hasPin: false))
    if let address = IPv6Address(text[...]) {
        require(IPv6Address(address.text[...]) == address, "\(address.text)")
        use(address.mappedIPv4)
    }
    guard let url = parsed(text) else { return }

    require(url.target.first == UInt8(ascii: "/"), "the target is no path")
    require(url.target.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x23 }, "the target cannot be sent")
    require(HTTPText.isFieldValue(url.hostHeader[...]) && !url.hostHeader.isEmpty, "the Host header cannot be sent")
    require(!url.hostHeader.contains { $0 == 0x2f || $0 == 0x40 || $0 == 0x23 || $0 == 0x3f }, "a Host with a path")

    // A loopback verdict may not be had by one spelling and lost by another.
    let scheme = url.isSecure ? "wss://" : "ws://"
    guard let again = parsed(Array(scheme.utf8) + url.hostHeader + url.target) else { fatalError("not a URL again") }
    require(again.host == url.host && again.port == url.port && again.isSecure == url.isSecure, "\(again.host)")
    require(again.target == url.target, "\(String(decoding: again.target, as: UTF8.self))")
    require(again.user.isEmpty && again.password.isEmpty, "a user out of nowhere")
    for policy in [PlaintextPolicy.loopback, .privateNetwork, .privateNetworkAndNames, .gatewayPrivateAndNames] {
        require(policy.allows(url) == policy.allows(again), "\(policy)")
    }
}

private func parsed(_ text: [UInt8]) -> WebSocketURL? {
    do throws(Failure) { return try WebSocketURL.parseToJudge(text) } catch { return nil }
}
