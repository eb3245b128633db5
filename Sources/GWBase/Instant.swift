/// A point of monotonic time in microseconds.  A value: nothing here reads a clock.
public struct Instant: Equatable, Comparable, Sendable {
    public let microseconds: UInt64

    public init(microseconds: UInt64) { self.microseconds = microseconds }

    /// Later than everything: a deadline that never comes.
    public static let never = Instant(microseconds: .max)

    public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

    /// `never` where the sum would not fit.
    public func adding(milliseconds: UInt32) -> Instant {
        guard milliseconds != .max else { return .never }
        let (sum, overflow) = microseconds.addingReportingOverflow(UInt64(milliseconds) * 1000)
        return overflow ? .never : Instant(microseconds: sum)
    }

    /// 0 if `earlier` is later.
    public func microseconds(since earlier: Instant) -> UInt64 {
        microseconds > earlier.microseconds ? microseconds - earlier.microseconds : 0
    }

    /// Rounded up, so that waiting that long reaches the instant; 0 if it has passed.
    public func milliseconds(after now: Instant) -> UInt32 {
        guard self != .never else { return .max }
        let rest = microseconds(since: now)
        return UInt32(truncatingIfNeeded: min((rest / 1000) + (rest % 1000 == 0 ? 0 : 1), UInt64(UInt32.max - 1)))
    }
}
