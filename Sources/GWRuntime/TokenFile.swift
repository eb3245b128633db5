import CSystem
import GWBase
import GWGateway
import GWTLS

/// The device tokens of one client in a file that other clients and processes may share: read at each attempt, replaced as a
/// whole under a lock.
public final class TokenFile: DeviceTokenKeeper {
    private let path: String
    private let gateway: [UInt8]
    private let deviceID: [UInt8]
    /// What this client knows, for as long as the file cannot take it.
    private var known: DeviceTokens
    private var isAhead = false

    /// Refuses a file that is not one of tokens, and a place that is OpenClaw's own.
    public init(_ path: String, gateway: [UInt8], deviceID: [UInt8]) throws(Failure) {
        self.path = path
        self.gateway = gateway
        self.deviceID = deviceID
        known = DeviceTokens(deviceID: deviceID)
        if let directory = StateDirectory.holding(path) {
            throw Failure(
                .argument, .program,
                "token_file is \(path), in OpenClaw's own directory \(directory), where it would stop OpenClaw from starting"
            )
        }
        known = try read()[gateway, deviceID]
    }

    private func read() throws(Failure) -> DeviceTokenFile {
        switch Files.read(path, limit: Limits.tokenFileBytes) {
        case .bytes(var bytes):
            defer { bytes.wipe() }
            guard let file = DeviceTokenFile(bytes.readable) else {
                throw problem(
                    "it is no token file of version 1; it was left as it is, name another file or move it away")
            }
            return file
        case .missing:
            return DeviceTokenFile()
        case .failed(let text):
            throw problem("it cannot be read: \(text)")
        }
    }

    private func problem(_ text: String) -> Failure {
        var failure = Failure(.identity, .user, "the token file \(path) cannot be used: \(text)")
        failure.name = "token_file".bytes
        return failure
    }

    public func token(role: [UInt8]) -> DeviceToken? {
        if !isAhead {
            do throws(Failure) { known = try read()[gateway, deviceID] } catch {
                // What was read before may still be good, and the next hello will tell.
            }
        }
        return known.token(deviceID: deviceID, role: role)
    }

    public func keep(_ issued: [DeviceToken], role: [UInt8], wallMilliseconds: UInt64) -> Failure? {
        known.keep(issued, role: role, wallMilliseconds: wallMilliseconds)
        return update { $0.keep(issued, role: role, wallMilliseconds: wallMilliseconds) }
    }

    public func forget(_ refused: DeviceToken) -> Failure? {
        _ = known.forget(refused)
        return update { _ = $0.forget(refused) }
    }

    /// Changes this client's tokens in the file.  A failure if that did not work: the client goes on with what it knows.
    private func update(_ change: (inout DeviceTokens) -> Void) -> Failure? {
        do throws(Failure) {
            try write(change)
            isAhead = false
            return nil
        } catch {
            isAhead = true
            return error
        }
    }

    private func write(_ change: (inout DeviceTokens) -> Void) throws(Failure) {
        if let text = Files.createDirectory(of: path) { throw problem(text) }
        var text: String?
        guard let lock = FileLock.take(path + ".lock", &text) else { throw problem(text ?? "it is locked") }
        var file = try read()
        // What an earlier attempt could not write goes with it.
        var tokens = isAhead ? known : file[gateway, deviceID]
        change(&tokens)
        file[gateway, deviceID] = tokens
        known = tokens
        var bytes = file.write()
        defer { bytes.wipe() }
        var unique: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &unique) { SecureRandom.fill($0) }
        if let text = Files.replace(path, bytes.readable, unique: unique) {
            throw problem("it cannot be written: \(text)")
        }
        _ = consume lock
    }
}
