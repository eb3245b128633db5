import CGatewire
import GWBase
import GWRuntime
import GWTLS

@_cdecl("gw_trust_options_init") @implementation
public func gw_trust_options_init(_ options: UnsafeMutablePointer<gw_trust_options>?) {
    guard let options else { return }
    options.pointee = gw_trust_options()
    options.pointee.struct_size = UInt32(MemoryLayout<gw_trust_options>.size)
}

/// What an option struct says of trust: its own fields and `gw_trust_options`.
struct TrustOptions {
    let pins: UnsafePointer<UnsafePointer<CChar>?>?
    let pinCount: Int
    let caFile: UnsafePointer<CChar>?
    let trust: UnsafePointer<gw_trust_options>?

    func settings() throws(Failure) -> TrustSettings {
        var settings = TrustSettings()
        settings.tls.pins = try PinSet(texts("pins", pins, pinCount) ?? [])
        settings.tls.authorities.file = try path("ca_file", caFile)
        guard let trust else { return settings }
        try checkSize(trust, known: MemoryLayout<gw_trust_options>.size)
        let options = trust.pointee
        try checkFlags(
            options.flags,
            known: GW_TRUST_ASK | GW_TRUST_SYSTEM_CA | GW_TRUST_NO_RESUMPTION | GW_TRUST_NO_SNI)
        func has(_ flag: Int) -> Bool { options.flags & UInt32(truncatingIfNeeded: flag) != 0 }
        settings.tls.policy.mode = try mode(options.mode)
        settings.tls.policy.asks = has(GW_TRUST_ASK)
        settings.answerMilliseconds = value(options.answer_timeout_ms, default: Limits.trustAnswerMilliseconds)
        settings.tls.authorities.directory = try path("ca_directory", options.ca_directory)
        settings.tls.authorities.pem = try name("ca_pem", options.ca_pem) ?? []
        settings.tls.authorities.withSystem = has(GW_TRUST_SYSTEM_CA)
        settings.tls.indication = try indication(options, isOff: has(GW_TRUST_NO_SNI))
        settings.tls.identity = try identity(options)
        settings.tls.parameters = try parameters(options)
        settings.tls.resumes = !has(GW_TRUST_NO_RESUMPTION)
        if let file = try path("key_log_file", options.key_log_file) { try settings.logKeys(to: file) }
        return settings
    }

    private func mode(_ number: UInt32) throws(Failure) -> TrustMode? {
        switch Int(number) {
        case GW_TRUST_DEFAULT: nil
        case GW_TRUST_CA: .authority
        case GW_TRUST_PIN: .pin
        case GW_TRUST_PIN_AND_CA: .pinAndAuthority
        case GW_TRUST_PIN_OR_CA: .pinOrAuthority
        default: throw Failure(.argument, .program, "mode is \(number), the known ones are 0 to 4 (GW_TRUST_...)")
        }
    }

    private func indication(_ options: gw_trust_options, isOff: Bool) throws(Failure) -> ServerNameIndication {
        guard let name = try path("sni", options.sni) else { return isOff ? .none : .verifiedName }
        guard !isOff else { throw Failure(.argument, .program, "sni and GW_TRUST_NO_SNI exclude each other") }
        return .name(name)
    }

    private func identity(_ options: gw_trust_options) throws(Failure) -> TLSIdentity? {
        let certificate = try path("certificate_file", options.certificate_file)
        let key = try path("key_file", options.key_file)
        let passphrase = try secret("passphrase", options.passphrase)
        if let file = try path("pkcs12_file", options.pkcs12_file) {
            guard certificate == nil, key == nil else {
                throw Failure(.argument, .program, "pkcs12_file excludes certificate_file and key_file")
            }
            return try CertificateFiles.load(pkcs12: file, passphrase: passphrase)
        }
        if let certificate, let key {
            return try CertificateFiles.load(certificateFile: certificate, keyFile: key, passphrase: passphrase)
        }
        guard certificate == nil, key == nil, passphrase == nil else {
            throw Failure(
                .argument, .program,
                "certificate_file and key_file are needed both, or neither; a passphrase only with them or pkcs12_file")
        }
        return nil
    }

    private func parameters(_ options: gw_trust_options) throws(Failure) -> TLSParameters {
        var parameters = TLSParameters()
        parameters.ciphers = try path("ciphers", options.ciphers)
        parameters.cipherSuites = try path("cipher_suites", options.cipher_suites)
        parameters.groups = try path("groups", options.groups)
        parameters.least = try version("min_version", options.min_version) ?? parameters.least
        parameters.greatest = try version("max_version", options.max_version) ?? parameters.greatest
        return parameters
    }

    private func version(_ name: StaticString, _ number: UInt32) throws(Failure) -> TLSParameters.Version? {
        switch Int(number) {
        case 0: nil
        case GW_TLS_1_2: .tls12
        case GW_TLS_1_3: .tls13
        default:
            throw Failure(.argument, .program, "\(name) is \(number); it is GW_TLS_1_2 (12) or GW_TLS_1_3 (13)")
        }
    }
}
