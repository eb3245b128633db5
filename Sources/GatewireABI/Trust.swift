import CGatewire
import GWBase
import GWRuntime
import GWTLS

// Pins as text, the host's word about a server, and what TLS agreed on.

@_cdecl("gw_pin_normalize") @implementation
public func gw_pin_normalize(
    _ text: UnsafePointer<CChar>?, _ out: UnsafeMutablePointer<CChar>?
) -> gw_status {
    guard let text = bytes(text), let out else { return Status.argument.code }
    guard let pin = pin(text), pin.kind == .certificate else { return Status.pinText.code }
    return write(pin, out)
}

@_cdecl("gw_pin_read") @implementation
public func gw_pin_read(
    _ text: UnsafePointer<CChar>?, _ kind: UnsafeMutablePointer<UInt32>?, _ out: UnsafeMutablePointer<CChar>?
) -> gw_status {
    guard let text = bytes(text) else { return Status.argument.code }
    guard let pin = pin(text) else { return Status.pinText.code }
    let number =
        switch pin.kind {
        case .certificate: GW_PIN_CERTIFICATE
        case .key: GW_PIN_KEY
        case .authority: GW_PIN_CA
        case .authorityKey: GW_PIN_CA_KEY
        }
    kind?.pointee = UInt32(truncatingIfNeeded: number)
    guard let out else { return Status.ok.code }
    return write(pin, out)
}

private func pin(_ text: [UInt8]) -> Pin? {
    do throws(Failure) { return try Pin(text) } catch { return nil }
}

private func write(_ pin: Pin, _ out: UnsafeMutablePointer<CChar>) -> gw_status {
    let hex = hexText(pin.digest)
    guard hex.count == 64 else { return Status.internal.code }
    for (index, digit) in hex.enumerated() { out[index] = CChar(bitPattern: digit) }
    out[64] = 0
    return Status.ok.code
}

@_cdecl("gw_trust_answer") @implementation
public func gw_trust_answer(_ context: OpaquePointer?, _ question: UInt64, _ accept: UInt32) -> gw_status {
    guard let context else { return Status.argument.code }
    return withObject(context, Context.self) { context in
        onContext(context) { () throws(Failure) in
            guard context.answerTrust(question, isBelieved: accept != 0) else {
                throw Failure(.gone, .program, "the question was answered already, or its connection has ended")
            }
            return .ok
        }
    }
}

/// The texts of a `gw_tls_state`, kept for as long as the host borrows them.
struct TLSTexts {
    private let isResumed: Bool
    private let version: [UInt8]
    private let cipher: [UInt8]
    private let group: [UInt8]
    private let chain: [UInt8]

    init(_ agreement: TLSAgreement) {
        isResumed = agreement.isResumed
        version = agreement.version.bytes
        cipher = agreement.cipher.bytes
        group = agreement.group.bytes
        chain = agreement.chain
    }

    func fill(_ out: UnsafeMutablePointer<gw_tls_state>) {
        out.pointee.resumed = isResumed ? 1 : 0
        out.pointee.version = kept(version)
        out.pointee.cipher = kept(cipher)
        out.pointee.group = kept(group)
        out.pointee.chain = kept(chain)
    }

    static func check(_ out: UnsafeMutablePointer<gw_tls_state>) throws(Failure) {
        try checkOutSize("gw_tls_state", out.pointee.struct_size, MemoryLayout<gw_tls_state>.size)
    }

    static var none: Failure { Failure(.state, .program, "there is no connection with TLS now") }
}

/// The bytes of an array that its holder neither changes nor frees while they are borrowed.
func kept(_ text: [UInt8]) -> gw_slice { text.withUnsafeBufferPointer { slice(UnsafeRawBufferPointer($0)) } }
