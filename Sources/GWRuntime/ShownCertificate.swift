import GWBase
import GWJSON
import GWTLS

extension JSONWriter {
    /// The certificate that a peer has shown, if it has: `"certificate":{"subject":...,"sha256":...,"keySha256":...}`.
    mutating func shownCertificate(_ certificate: Certificate?) {
        guard let certificate else { return }
        object("certificate") { object in
            object.string("subject", certificate.subject.bytes)
            object.string("issuer", certificate.issuer.bytes)
            object.string("sha256", hexText(certificate.sha256))
            object.string("keySha256", hexText(certificate.keySHA256))
        }
    }
}
