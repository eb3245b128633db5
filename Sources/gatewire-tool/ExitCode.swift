import CGatewire

/// How the tool ends.  The numbers are part of its interface and stand in its help.
enum ExitCode: Int32 {
    case success = 0
    case usage = 2
    case network = 3
    case trust = 4
    case refused = 5
    case rejected = 6
    case timeout = 7
    case unknownOutcome = 8
    case output = 9
    case `internal` = 70

    init(status: gw_status) {
        switch Int(status) {
        case GW_OK, GW_QUEUED:
            self = .success
        case GW_ERR_ARGUMENT, GW_ERR_URL, GW_ERR_PLAINTEXT, GW_ERR_PIN_TEXT, GW_ERR_JSON_TEXT, GW_ERR_IDENTITY,
            GW_ERR_CERTIFICATE:
            self = .usage
        case GW_ERR_CONNECT_TIMEOUT, GW_ERR_PROXY_TIMEOUT, GW_ERR_TLS_TIMEOUT, GW_ERR_UPGRADE_TIMEOUT,
            GW_ERR_CHALLENGE_TIMEOUT,
            GW_ERR_HELLO_TIMEOUT, GW_ERR_CALL_TIMEOUT, GW_TIMEOUT:
            self = .timeout
        case GW_ERR_LOST, GW_ERR_CLOSED, GW_ERR_PONG_TIMEOUT, GW_ERR_TICK_TIMEOUT, GW_ERR_NOT_SENT,
            GW_ERR_OUTCOME_UNKNOWN, GW_ERR_CANCELLED, GW_ERR_SIO_PING_TIMEOUT, GW_ERR_SIO_DISCONNECTED:
            self = .unknownOutcome
        case GW_ERR_REJECTED:
            self = .rejected
        case -299 ... -200:
            self = .network
        case -399 ... -300:
            self = .trust
        case -799 ... -400:
            self = .refused
        default:
            self = .internal
        }
    }

    /// What `--help` says about them.
    static let help: StaticString = """
        Exit status:
          0   it worked
          2   the command line is wrong, or a file that it names
          3   the network: no such name, no connection, address in use
          4   TLS: the certificate is not the pinned one, or not trusted
          5   the server refused the connection, or does not speak the protocol
          6   the gateway rejected the call
          7   a time limit passed
          8   the connection was lost, or closed with an error code; what was sent may have had its effect
          9   standard output cannot be written
          70  an error inside gatewire
        """
}
