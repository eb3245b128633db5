/// Time for people and programs (RFC 3339 section 5.6), in UTC.
public enum RFC3339 {
    /// `2026-01-01T00:00:00Z` of milliseconds since the epoch; years beyond 9999 stay there.
    public static func text(milliseconds: UInt64) -> [UInt8] {
        let seconds = min(milliseconds / 1000, 253_402_300_799)
        var days = Int(seconds / 86_400)
        let second = Int(seconds % 86_400)
        var year = 1970
        while days >= daysIn(year) {
            days -= daysIn(year)
            year += 1
        }
        var month = 0
        while month < 11, days >= daysIn(year, month) {
            days -= daysIn(year, month)
            month += 1
        }
        var text: [UInt8] = []
        func append(_ number: Int, _ digits: Int, _ end: UInt8) {
            let decimal = decimalText(UInt64(number))
            for _ in 0..<max(digits - decimal.count, 0) { text.append(0x30) }
            text += decimal
            text.append(end)
        }
        append(year, 4, 0x2d)
        append(month + 1, 2, 0x2d)
        append(days + 1, 2, 0x54)
        append(second / 3600, 2, 0x3a)
        append(second / 60 % 60, 2, 0x3a)
        append(second % 60, 2, 0x5a)
        return text
    }

    private static func daysIn(_ year: Int) -> Int { isLeap(year) ? 366 : 365 }

    private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    private static func daysIn(_ year: Int, _ month: Int) -> Int {
        switch month {
        case 1: isLeap(year) ? 29 : 28
        case 3, 5, 8, 10: 30
        default: 31
        }
    }
}
