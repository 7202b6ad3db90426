//! The `Retry-After` header.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

/// `Retry-After` in seconds or as a date (RFC 9110, 10.2.3).
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get("retry-after")?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(http_date(value)?);
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}

/// Seconds since 1970 of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`: the only form that servers may send.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u64 = words
        .next()?
        .parse()
        .ok()
        .filter(|d| (1..=31).contains(d))?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|m| *m == month_name)? as u64 + 1;
    let year: u64 = words
        .next()?
        .parse()
        .ok()
        .filter(|y| (1970..=9999).contains(y))?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next()? != "GMT" || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days from civil: years start in March, so that leap days come last.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ureq::http::HeaderValue;

    use super::*;

    /// 1994-11-06 08:49:37, the example of RFC 9110.
    const EXAMPLE: u64 = 784_111_777;

    fn read(value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_str(value).ok()?);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(EXAMPLE - 60);
        Some(retry_after(&headers, now)?.as_secs())
    }

    #[test]
    fn seconds_and_dates() {
        let check =
            |value: &str, expected: Option<u64>| assert_eq!(read(value), expected, "{value}");
        check("120", Some(120));
        check(" 7 ", Some(7));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(60));
        check("Sat, 05 Nov 1994 08:49:37 GMT", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 CET", None);
        check("Sun, 00 Nov 1994 08:49:37 GMT", None);
        check("Sunday, 06-Nov-94 08:49:37 GMT", None);
        check("soon", None);
        check("-1", None);
        check("", None);
    }

    #[test]
    fn days_across_leap_years() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:00:00 GMT"),
            Some(1_709_208_000)
        );
        assert_eq!(
            http_date("Fri, 01 Mar 2024 00:00:00 GMT"),
            Some(1_709_251_200)
        );
        assert_eq!(
            http_date("Mon, 01 Mar 2100 00:00:00 GMT"),
            Some(4_107_542_400)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "([A-Za-z]{3}, )?.{0,40}") {
            let _ = http_date(&text);
        }
    }
}
