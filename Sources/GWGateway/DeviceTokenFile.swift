import GWBase
import GWJSON

/// The text of a token file: what several gateways have issued to devices of this machine, under the origin of each gateway.
public struct DeviceTokenFile {
    private var entries: [(gateway: [UInt8], tokens: DeviceTokens)] = []

    public init() {}

    /// Nil if the text is no token file of this version: it must not be overwritten.
    public init?(_ text: UnsafeRawBufferPointer) {
        var members = JSONMembers()
        guard let whole = JSON.scan(text, &members), whole.kind == .object,
            let version = members.find("version", in: text), JSON.integer(version, in: text) == 1,
            let gateways = members.find("gateways", in: text), gateways.kind == .array
        else { return nil }
        var read: [(gateway: [UInt8], tokens: DeviceTokens)] = []
        JSON.forEachElement(of: gateways, in: text) { entry in
            guard entry.kind == .object, let tokens = DeviceTokens(entry, in: text),
                let gateway = JSON.member("gateway", of: entry, in: text).flatMap({ JSON.string($0, in: text) })
            else { return }
            read.append((gateway, tokens))
        }
        entries = read
    }

    private func index(_ gateway: [UInt8], _ deviceID: [UInt8]) -> Int? {
        entries.firstIndex { $0.gateway.elementsEqual(gateway) && $0.tokens.deviceID.elementsEqual(deviceID) }
    }

    /// The tokens of one gateway and device.
    public subscript(gateway: [UInt8], deviceID: [UInt8]) -> DeviceTokens {
        get { index(gateway, deviceID).map { entries[$0].tokens } ?? DeviceTokens(deviceID: deviceID) }
        set {
            if let index = index(gateway, deviceID) { entries.remove(at: index) }
            if !newValue.all.isEmpty { entries.append((gateway, newValue)) }
        }
    }

    /// The text to write.  A secret.
    public func write() -> ByteBuffer {
        var buffer = ByteBuffer()
        var size = 64
        for entry in entries { size += 32 + JSON.stringLength(entry.gateway) + entry.tokens.textSize }
        // Growing would leave copies behind.
        _ = buffer.reserve(size)
        buffer.append("{\"version\": 1, \"gateways\": [")
        for (index, entry) in entries.enumerated() {
            buffer.append(index == 0 ? "\n  {\"gateway\": " : ",\n  {\"gateway\": ")
            buffer.appendJSONString(entry.gateway)
            buffer.append(", ")
            entry.tokens.write(into: &buffer)
            buffer.append(0x7d)
        }
        buffer.append("\n]}\n")
        return buffer
    }
}
