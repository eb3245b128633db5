import CGatewire
import GWBase
import GWGateway
import GWRuntime

// Credentials that a client is given after it was opened, and the word to try again.

@_cdecl("gw_credentials_init") @implementation
public func gw_credentials_init(_ credentials: UnsafeMutablePointer<gw_credentials>?) {
    guard let credentials else { return }
    credentials.pointee = gw_credentials()
    credentials.pointee.struct_size = UInt32(MemoryLayout<gw_credentials>.size)
}

@_cdecl("gw_client_set_credentials") @implementation
public func gw_client_set_credentials(
    _ client: OpaquePointer?, _ credentials: UnsafePointer<gw_credentials>?
) -> gw_status {
    guard let client, let credentials else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        client.replace(try read(credentials))
        return .ok
    }
}

@_cdecl("gw_client_answer_credentials") @implementation
public func gw_client_answer_credentials(
    _ client: OpaquePointer?, _ question: UInt64, _ credentials: UnsafePointer<gw_credentials>?
) -> gw_status {
    guard let client else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        var given: Credentials?
        if let credentials { given = try read(credentials) }
        guard client.answer(question, given) else {
            throw Failure(.gone, .program, "the question was answered already, or its attempt has ended")
        }
        return .ok
    }
}

@_cdecl("gw_client_resume") @implementation
public func gw_client_resume(_ client: OpaquePointer?) -> gw_status {
    guard let client else { return Status.argument.code }
    return withClient(client) { client throws(Failure) in
        guard client.tryAgain() else {
            throw Failure(.state, .program, "the client neither is paused nor waits for its next attempt")
        }
        return .ok
    }
}

private func read(_ pointer: UnsafePointer<gw_credentials>) throws(Failure) -> Credentials {
    try checkSize(pointer, known: MemoryLayout<gw_credentials>.size)
    let given = pointer.pointee
    try checkReserved(given.reserved)
    return Credentials(
        token: try name("token", given.token) ?? [],
        bootstrapToken: try name("bootstrap_token", given.bootstrap_token) ?? [],
        deviceToken: try name("device_token", given.device_token) ?? [],
        password: try name("password", given.password) ?? [],
        approvalRuntimeToken: try name("approval_runtime_token", given.approval_runtime_token) ?? [],
        agentIdentityToken: try name("agent_identity_token", given.agent_identity_token) ?? [])
}
