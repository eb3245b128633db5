import GWBase
import GWJSON

/// What a client has done and said, without secrets: entries for the host's log, and a flight recorder that keeps the last of them.
public final class Journal {
    /// `GW_LOG_*`.
    public enum Level: UInt32, Sendable {
        case error = 1
        case warning = 2
        case info = 3
        case debug = 4
    }

    public struct Settings {
        /// Up to this level entries are logged; 0: none is.
        public var level: UInt32 = 0
        /// Of the flight recorder; 0: there is none.
        public var recorderBytes: UInt32 = 0
        /// Of each frame.
        public var frameBytes = Limits.recordedFrameBytes
        public var dumpsOnFailure = false
        public init() {}
    }

    public struct Entry {
        public let level: Level
        /// "state", "failure", "in", "out" or "dump".
        public let kind: StaticString
        /// A line for people, or a frame or dump.
        public let text: [UInt8]
        public let isText: Bool
        /// Of the frame, all of it.
        public let bytes: Int
    }

    private let settings: Settings
    private let began: Instant
    private var lines: [[UInt8]] = []
    private var first = 0
    private var heldBytes = 0

    /// nil where nothing is to be noted.
    public static func make(_ settings: Settings, _ now: Instant) -> Journal? {
        settings.level > 0 || settings.recorderBytes > 0 ? Journal(settings, now) : nil
    }

    private init(_ settings: Settings, _ now: Instant) {
        self.settings = settings
        began = now
    }

    /// What each of these gives is to be logged.
    public func state(_ text: StaticString, _ now: Instant) -> Entry? {
        let bytes = Array(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        return note(Entry(level: .info, kind: "state", text: bytes, isText: true, bytes: 0), now)
    }

    public func failure(_ failure: Failure, isFinal: Bool, _ now: Instant) -> Entry? {
        let level = isFinal ? Level.error : .warning
        return note(Entry(level: level, kind: "failure", text: failure.text.bytes, isText: true, bytes: 0), now)
    }

    public func frame(isIncoming: Bool, _ text: UnsafeRawBufferPointer, _ now: Instant) -> Entry? {
        guard settings.recorderBytes > 0 || settings.level >= Level.debug.rawValue else { return nil }
        let shown = Redaction.frame(text, limit: Int(settings.frameBytes))
        let kind: StaticString = isIncoming ? "in" : "out"
        return note(Entry(level: .debug, kind: kind, text: shown, isText: false, bytes: text.count), now)
    }

    /// All that is kept, if it is to be told with every failure.
    public func dumpOnFailure() -> Entry? {
        guard settings.dumpsOnFailure, settings.recorderBytes > 0 else { return nil }
        return Entry(level: .error, kind: "dump", text: dump(), isText: false, bytes: 0)
    }

    /// What the flight recorder holds, as lines of JSON, the oldest first.
    public func dump() -> [UInt8] {
        var all: [UInt8] = []
        all.reserveCapacity(heldBytes)
        for line in lines[first...] { all += line }
        return all
    }

    private func note(_ entry: Entry, _ now: Instant) -> Entry? {
        if settings.recorderBytes > 0 { keep(entry, now) }
        return entry.level.rawValue <= settings.level ? entry : nil
    }

    private func keep(_ entry: Entry, _ now: Instant) {
        var line = ByteBuffer()
        line.appendJSONObject { object in
            object.integer("ms", now.microseconds(since: began) / 1000)
            object.string(
                "kind", UnsafeRawBufferPointer(start: entry.kind.utf8Start, count: entry.kind.utf8CodeUnitCount))
            if entry.bytes > 0 { object.integer("bytes", UInt64(entry.bytes)) }
            object.string("text", entry.text)
        }
        line.append(0x0a)
        lines.append(Array(line.readable))
        heldBytes += line.readable.count
        while heldBytes > Int(settings.recorderBytes), first < lines.count {
            heldBytes -= lines[first].count
            lines[first] = []
            first += 1
        }
        if first > 64, first * 2 > lines.count {
            lines.removeFirst(first)
            first = 0
        }
    }
}
