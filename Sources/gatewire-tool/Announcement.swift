import CGatewire
import CSystem

/// Where a server of the tool can be reached, and what its clients pin.
struct Announcement {
    let url: gw_slice
    let certificatePin: gw_slice
    let keyPin: gw_slice
    let port: UInt32

    /// `text` gives what `gw_server_get_text` or its like says.
    init(port: UInt32, text: (UInt32) -> gw_slice) {
        url = text(UInt32(GW_SERVER_URL))
        certificatePin = text(UInt32(GW_SERVER_CERTIFICATE_PIN))
        keyPin = text(UInt32(GW_SERVER_KEY_PIN))
        self.port = port
    }

    /// The object of `--json`, still open.
    func object() -> Line {
        var line = Line(type: "listening")
        line.add("url", url)
        line.add("port", UInt64(port))
        if certificatePin.len > 0 { line.add("certificatePin", certificatePin) }
        if keyPin.len > 0 { line.add("keyPin", keyPin) }
        return line
    }

    /// For a person, with a command to try: the URL stands between the two.
    func show(to destination: Destination, try command: StaticString, _ arguments: StaticString) {
        labelled("listening on     ", url, destination)
        if certificatePin.len > 0 { labelled("certificate pin  ", certificatePin, destination) }
        if keyPin.len > 0 { labelled("key pin          key:", keyPin, destination) }
        var line = Line()
        line.append("try              ")
        line.append(command)
        line.append(" ")
        line.append(url)
        line.append(arguments)
        if certificatePin.len > 0 {
            line.append(" --pin ")
            line.append(certificatePin)
        }
        line.write(to: destination)
    }

    private func labelled(_ label: StaticString, _ value: gw_slice, _ destination: Destination) {
        var line = Line()
        line.append(label)
        line.append(value)
        line.write(to: destination)
    }
}
