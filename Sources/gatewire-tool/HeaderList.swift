import CGatewire
import CSystem

/// The headers that `--header` and `--origin` add to a request.
final class HeaderList {
    private(set) var headers: [gw_header] = []
    private var copies: [UnsafeMutablePointer<CChar>] = []

    /// nil if one of them has no name or no colon.
    init?(_ arguments: Arguments) {
        if let origin = arguments.value("--origin") {
            headers.append(gw_header(name: StaticString("Origin").cText, value: origin))
        }
        for text in arguments.values("--header") {
            guard let copy = strdup(text) else { return nil }
            copies.append(copy)
            let nameLength = strcspn(copy, ":")
            guard nameLength > 0, copy[nameLength] != 0 else { return nil }
            copy[nameLength] = 0
            let value = copy + nameLength + 1
            headers.append(gw_header(name: CText(copy), value: CText(value + strspn(value, " \t"))))
        }
    }

    deinit {
        for copy in copies {
            // It may be a credential.
            explicit_bzero(copy, strlen(copy))
            free(copy)
        }
    }
}
