import GWBase
import GWTLS

/// Which servers are believed, as the host says it.
public struct TrustSettings {
    public var tls = ClientTLSSettings()
    /// For the host to answer a question.
    public var answerMilliseconds = Limits.trustAnswerMilliseconds

    public init() {}

    /// Appends the secrets of every session to a file.
    public mutating func logKeys(to path: String) throws(Failure) { tls.keyLog = try KeyLogFile(path) }
}
