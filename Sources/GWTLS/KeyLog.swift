import COpenSSL

/// Takes the secrets of sessions, for looking into recorded traffic; only ever on the host's request.
public protocol KeyLog: AnyObject {
    /// One line of the NSS key log format, without its end.
    func append(_ line: UnsafeRawBufferPointer)
}

let writeKeyLog: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void = { session, line in
    guard let session, let line, let data = SSL_get_ex_data(session, TLSEngine.sessionDataIndex) else { return }
    Unmanaged<TLSEngine>.fromOpaque(data)._withUnsafeGuaranteedRef { engine in
        engine.context.keyLog?.append(UnsafeRawBufferPointer(start: line, count: strlen(line)))
    }
}
