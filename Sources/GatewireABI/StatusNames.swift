import GWBase

/// The identifier and the meaning of each status of `base.h`.
enum StatusNames {
    struct Entry {
        let status: Status
        let name: StaticString
        let text: StaticString
    }

    static func find(_ code: Int32) -> Entry? {
        for entry in all where entry.status.code == code { return entry }
        return nil
    }

    private static let all: [Entry] = [
        Entry(status: .ok, name: "GW_OK", text: "good"),
        Entry(status: .queued, name: "GW_QUEUED", text: "taken, but much is waiting to be sent: hold back"),
        Entry(status: .timeout, name: "GW_TIMEOUT", text: "nothing happened in the time given"),
        Entry(status: .argument, name: "GW_ERR_ARGUMENT", text: "an argument is missing, empty or out of range"),
        Entry(status: .structSize, name: "GW_ERR_STRUCT_SIZE", text: "struct_size does not fit this version"),
        Entry(status: .flags, name: "GW_ERR_FLAGS", text: "a flag that this version does not know"),
        Entry(status: .gone, name: "GW_ERR_GONE", text: "what the id or handle refers to has ended"),
        Entry(status: .busy, name: "GW_ERR_BUSY", text: "another thread is polling this context"),
        Entry(status: .state, name: "GW_ERR_STATE", text: "not possible in this state"),
        Entry(status: .forked, name: "GW_ERR_FORKED", text: "the context was made in another process"),
        Entry(status: .url, name: "GW_ERR_URL", text: "not a ws:// or wss:// URL that can be used"),
        Entry(status: .plaintext, name: "GW_ERR_PLAINTEXT", text: "unencrypted off loopback without permission"),
        Entry(status: .pinText, name: "GW_ERR_PIN_TEXT", text: "not a SHA-256 fingerprint, or a pin without TLS"),
        Entry(status: .jsonText, name: "GW_ERR_JSON_TEXT", text: "what was given is not valid JSON"),
        Entry(status: .identity, name: "GW_ERR_IDENTITY", text: "the device identity cannot be used"),
        Entry(status: .certificate, name: "GW_ERR_CERTIFICATE", text: "a certificate or key cannot be used"),
        Entry(status: .unsupported, name: "GW_ERR_UNSUPPORTED", text: "this version cannot do that"),
        Entry(status: .system, name: "GW_ERR_SYSTEM", text: "a system call failed"),
        Entry(status: .resolve, name: "GW_ERR_RESOLVE", text: "the host name has no address"),
        Entry(status: .connect, name: "GW_ERR_CONNECT", text: "no address could be connected to"),
        Entry(status: .connectTimeout, name: "GW_ERR_CONNECT_TIMEOUT", text: "connecting took too long"),
        Entry(status: .listen, name: "GW_ERR_LISTEN", text: "cannot listen on that address"),
        Entry(status: .lost, name: "GW_ERR_LOST", text: "the connection ended without a close frame"),
        Entry(status: .proxy, name: "GW_ERR_PROXY", text: "the proxy cannot be used"),
        Entry(status: .proxyRefused, name: "GW_ERR_PROXY_REFUSED", text: "the proxy refused to open a tunnel"),
        Entry(status: .proxyTimeout, name: "GW_ERR_PROXY_TIMEOUT", text: "the proxy took too long"),
        Entry(status: .tls, name: "GW_ERR_TLS", text: "TLS failed"),
        Entry(status: .tlsPin, name: "GW_ERR_TLS_PIN", text: "the certificate matches none of the pins"),
        Entry(status: .tlsChain, name: "GW_ERR_TLS_CHAIN", text: "the certificate leads to no trusted CA"),
        Entry(status: .tlsName, name: "GW_ERR_TLS_NAME", text: "the certificate is for another name"),
        Entry(status: .tlsExpired, name: "GW_ERR_TLS_EXPIRED", text: "the certificate is expired or not yet valid"),
        Entry(status: .tlsALPN, name: "GW_ERR_TLS_ALPN", text: "the peer does not speak http/1.1"),
        Entry(status: .tlsTimeout, name: "GW_ERR_TLS_TIMEOUT", text: "the TLS handshake took too long"),
        Entry(
            status: .tlsRefused, name: "GW_ERR_TLS_REFUSED", text: "the host refused the server's certificate"),
        Entry(status: .upgradeRefused, name: "GW_ERR_UPGRADE_REFUSED", text: "the server refused the upgrade"),
        Entry(status: .upgradeInvalid, name: "GW_ERR_UPGRADE_INVALID", text: "the upgrade breaks HTTP or RFC 6455"),
        Entry(status: .upgradeTimeout, name: "GW_ERR_UPGRADE_TIMEOUT", text: "the upgrade took too long"),
        Entry(status: .protocolError, name: "GW_ERR_PROTOCOL", text: "the peer broke RFC 6455"),
        Entry(status: .utf8, name: "GW_ERR_UTF8", text: "the peer sent text that is not UTF-8"),
        Entry(status: .tooBig, name: "GW_ERR_TOO_BIG", text: "a message above the limit"),
        Entry(status: .deflate, name: "GW_ERR_DEFLATE", text: "compressed data that does not inflate"),
        Entry(status: .closed, name: "GW_ERR_CLOSED", text: "the peer closed the connection"),
        Entry(status: .pongTimeout, name: "GW_ERR_PONG_TIMEOUT", text: "the peer did not answer a ping"),
        Entry(status: .challengeTimeout, name: "GW_ERR_CHALLENGE_TIMEOUT", text: "the gateway sent no challenge"),
        Entry(status: .challenge, name: "GW_ERR_CHALLENGE", text: "the challenge has no usable nonce"),
        Entry(status: .connectRejected, name: "GW_ERR_CONNECT_REJECTED", text: "the gateway refused to connect"),
        Entry(status: .protocolRange, name: "GW_ERR_PROTOCOL_RANGE", text: "no common protocol version"),
        Entry(status: .helloTimeout, name: "GW_ERR_HELLO_TIMEOUT", text: "the connect request was not answered"),
        Entry(status: .hello, name: "GW_ERR_HELLO", text: "the hello is not readable"),
        Entry(status: .tickTimeout, name: "GW_ERR_TICK_TIMEOUT", text: "the gateway has gone silent"),
        Entry(status: .rejected, name: "GW_ERR_REJECTED", text: "the call was answered with an error"),
        Entry(status: .notSent, name: "GW_ERR_NOT_SENT", text: "the call was not sent"),
        Entry(
            status: .outcomeUnknown, name: "GW_ERR_OUTCOME_UNKNOWN", text: "the call was sent, its outcome is unknown"),
        Entry(status: .callTimeout, name: "GW_ERR_CALL_TIMEOUT", text: "the call was not answered in time"),
        Entry(status: .json, name: "GW_ERR_JSON", text: "the peer sent something that is not JSON"),
        Entry(status: .frame, name: "GW_ERR_FRAME", text: "the peer sent JSON that is no frame"),
        Entry(status: .unknownID, name: "GW_ERR_UNKNOWN_ID", text: "the peer answered what was never asked"),
        Entry(status: .cancelled, name: "GW_ERR_CANCELLED", text: "ended by the host"),
        Entry(status: .credentials, name: "GW_ERR_CREDENTIALS", text: "no credentials were given in time"),
        Entry(status: .sioOpen, name: "GW_ERR_SIO_OPEN", text: "the server sent no usable open packet"),
        Entry(status: .sioParse, name: "GW_ERR_SIO_PARSE", text: "the server sent what is no packet"),
        Entry(status: .sioPingTimeout, name: "GW_ERR_SIO_PING_TIMEOUT", text: "the server has gone silent"),
        Entry(status: .sioRefused, name: "GW_ERR_SIO_REFUSED", text: "the server refused the namespace"),
        Entry(status: .sioDisconnected, name: "GW_ERR_SIO_DISCONNECTED", text: "the server disconnected the namespace"),
        Entry(status: .limit, name: "GW_ERR_LIMIT", text: "a limit was reached"),
        Entry(status: .full, name: "GW_ERR_FULL", text: "the outgoing queue is full"),
        Entry(status: .internal, name: "GW_ERR_INTERNAL", text: "a fault of the library"),
    ]
}
