import CGatewire
import GWBase
import GWDeflate
import GWHTTP
import GWRuntime
import GWWebSocket

/// Who keeps a compression window between messages.
struct Takeover {
    var client = false
    var server = false
}

/// `gw_socket_limits` as settings; NULL gives the defaults.
func socketSettings(
    _ pointer: UnsafePointer<gw_socket_limits>?, _ takeover: Takeover, inParts: Bool
) throws(Failure) -> SocketSettings {
    var settings = SocketSettings()
    var limits = gw_socket_limits()
    if let pointer {
        try checkSize(pointer, known: MemoryLayout<gw_socket_limits>.size)
        limits = pointer.pointee
    }
    try setQueues(limits, &settings)
    try setDeflate(limits, takeover, &settings.webSocket.deflate)
    settings.head.bytes = Int(
        try number(
            "max_head_bytes", limits.max_head_bytes, 1024...1_048_576, default: UInt32(Limits.headBytes)))
    settings.head.lines = Int(
        try number("max_header_lines", limits.max_header_lines, 8...4096, default: UInt32(Limits.headerLines)))

    let maxMessage = value(limits.max_message_bytes, default: Limits.socketMessageBytes)
    settings.webSocket.maxMessageBytes = maxMessage
    settings.webSocket.maxFrameBytes = value(limits.max_frame_bytes, default: maxMessage)
    settings.webSocket.maxFragments = Int(
        value(limits.max_fragments, default: UInt32(Limits.fragmentsPerMessage)))
    if inParts { settings.webSocket.partBytes = value(limits.part_bytes, default: Limits.partBytes) }
    settings.webSocket.maxMemoryBytes =
        limits.max_memory_bytes == 0 ? Int(maxMessage) + settings.maxQueuedBytes : Int(limits.max_memory_bytes)
    settings.webSocket.pingMilliseconds = value(limits.ping_interval_ms, default: Limits.clientPingMilliseconds)
    settings.webSocket.pongMilliseconds = value(limits.pong_timeout_ms, default: Limits.pongMilliseconds)
    settings.webSocket.closeMilliseconds = value(limits.close_timeout_ms, default: Limits.closeMilliseconds)
    return settings
}

private func setQueues(_ limits: gw_socket_limits, _ settings: inout SocketSettings) throws(Failure) {
    let queued = value(limits.max_queued_bytes, default: Limits.socketQueuedBytes)
    let high = value(limits.high_water_bytes, default: queued / 4)
    let low = value(limits.low_water_bytes, default: high / 4)
    guard low <= high, high <= queued else {
        throw Failure(
            .argument, .program,
            "low_water_bytes (\(low)), high_water_bytes (\(high)) and max_queued_bytes (\(queued)) must not fall")
    }
    settings.maxQueuedBytes = Int(queued)
    settings.highWaterBytes = Int(high)
    settings.lowWaterBytes = Int(low)
    settings.maxUnreadBytes = Int(value(limits.max_unread_bytes, default: Limits.socketUnreadBytes))
}

private func setDeflate(
    _ limits: gw_socket_limits, _ takeover: Takeover, _ deflate: inout DeflateSettings
) throws(Failure) {
    deflate.thresholdBytes = value(limits.deflate_threshold_bytes, default: Limits.deflateThresholdBytes)
    deflate.level = Int32(
        try number("deflate_level", limits.deflate_level, 1...9, default: Limits.deflateLevel))
    deflate.memoryLevel = Int32(
        try number("deflate_memory_level", limits.deflate_memory_level, 1...9, default: Limits.deflateMemoryLevel))
    deflate.clientMaxWindowBits = UInt8(
        try number("client_max_window_bits", limits.client_max_window_bits, 9...15, default: Limits.windowBits))
    deflate.serverMaxWindowBits = UInt8(
        try number("server_max_window_bits", limits.server_max_window_bits, 9...15, default: Limits.windowBits))
    deflate.clientNoContextTakeover = !takeover.client
    deflate.serverNoContextTakeover = !takeover.server
}

/// A number that must lie in a range; 0 means the default.
func number(
    _ name: StaticString, _ given: UInt32, _ range: ClosedRange<UInt32>, default standard: UInt32
) throws(Failure) -> UInt32 {
    let number = value(given, default: standard)
    guard range.contains(number) else {
        throw Failure(
            .argument, .program, "\(name) is \(number), allowed are \(range.lowerBound) to \(range.upperBound)")
    }
    return number
}
