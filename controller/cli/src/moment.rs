//! Moments and spans of time, as people write them.

/// A moment of the Gregorian calendar in UTC, such as `2026-11-24 23:59:07.123`.
pub fn utc(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
    let (second, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// Year, month and day of a day after 1970-01-01, by eras of 400 years that begin in March.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// Microseconds as milliseconds, as exact as is of use: `0.21`, `12.3`, `-60.0`, `1500`.
pub fn milliseconds(us: i64) -> String {
    let ms = us as f64 / 1000.0;
    match ms.abs() {
        size if size < 1.0 && us != 0 => format!("{ms:.2}"),
        size if size < 1000.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leap_days_and_turns_of_years_are_where_they_belong() {
        let rows = [
            (0, "1970-01-01 00:00:00.000"),
            (951_782_399_999, "2000-02-28 23:59:59.999"),
            (951_782_400_000, "2000-02-29 00:00:00.000"),
            (1_795_564_747_123, "2026-11-24 23:59:07.123"),
            (4_107_542_399_001, "2100-02-28 23:59:59.001"),
            (4_107_542_400_000, "2100-03-01 00:00:00.000"),
        ];
        for (unix_ms, text) in rows {
            assert_eq!(utc(unix_ms), text);
        }
        utc(u64::MAX);
    }

    #[test]
    fn milliseconds_have_the_digits_that_are_of_use() {
        for (us, text) in [
            (0, "0.0"),
            (210, "0.21"),
            (-60_000, "-60.0"),
            (1_500_400, "1500"),
        ] {
            assert_eq!(milliseconds(us), text);
        }
    }
}
