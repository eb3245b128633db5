import GWBase

/// Where the device tokens of a client live, for its gateway and device.
public protocol DeviceTokenKeeper: AnyObject {
    /// The stored token for a role, as it is now.
    func token(role: [UInt8]) -> DeviceToken?
    /// Stores what a hello brought, those without a role under `role`; a failure if it will not outlive the client.
    func keep(_ issued: [DeviceToken], role: [UInt8], wallMilliseconds: UInt64) -> Failure?
    /// Removes a token that was refused.
    func forget(_ refused: DeviceToken) -> Failure?
}

/// Tokens that live as long as the client.
public final class DeviceTokenMemory: DeviceTokenKeeper {
    private let deviceID: [UInt8]
    private var tokens: DeviceTokens

    public init(deviceID: [UInt8]) {
        self.deviceID = deviceID
        tokens = DeviceTokens(deviceID: deviceID)
    }

    public func token(role: [UInt8]) -> DeviceToken? { tokens.token(deviceID: deviceID, role: role) }

    public func keep(_ issued: [DeviceToken], role: [UInt8], wallMilliseconds: UInt64) -> Failure? {
        tokens.keep(issued, role: role, wallMilliseconds: wallMilliseconds)
        return nil
    }

    public func forget(_ refused: DeviceToken) -> Failure? {
        _ = tokens.forget(refused)
        return nil
    }
}
