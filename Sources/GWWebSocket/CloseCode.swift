/// Close codes (RFC 6455 section 7.4 and the registry that continues it).
public enum CloseCode {
    public static let normal: UInt16 = 1000
    public static let goingAway: UInt16 = 1001
    public static let protocolError: UInt16 = 1002
    public static let unsupportedData: UInt16 = 1003
    /// Reported for a close frame without a code; never on the wire.
    public static let noStatus: UInt16 = 1005
    /// Reported when the connection ended without a close frame; never on the wire.
    public static let abnormal: UInt16 = 1006
    public static let invalidPayload: UInt16 = 1007
    public static let policyViolation: UInt16 = 1008
    public static let messageTooBig: UInt16 = 1009
    /// Only a client sends it; a server fails the handshake instead.
    public static let mandatoryExtension: UInt16 = 1010
    public static let internalError: UInt16 = 1011
    public static let serviceRestart: UInt16 = 1012
    public static let tryAgainLater: UInt16 = 1013
    public static let badGateway: UInt16 = 1014

    /// Whether a close frame may carry the code.
    public static func isValidOnWire(_ code: UInt16) -> Bool {
        switch code {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    public static func isValidToSend(_ code: UInt16, by role: Role) -> Bool {
        isValidOnWire(code) && (role == .client || code != mandatoryExtension)
    }

    /// Whether trying again later can help after a close with this code.  Codes from 3000 on are the application's, which
    /// knows better.
    static func isRetryable(_ code: UInt16) -> Bool {
        switch code {
        case protocolError, unsupportedData, invalidPayload, policyViolation, messageTooBig, mandatoryExtension: false
        default: true
        }
    }
}
