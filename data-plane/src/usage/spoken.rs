//! How long something was that was written down, where the answer only tells when what
//! was said: its last timestamp. Silence behind it is not heard.

use serde_json::Value;

use crate::json::members;

/// The longest recording that is believed, in hours.
const MOST_HOURS: u64 = 1_000;

/// Milliseconds, by the subtitles (SubRip, WebVTT) or the segments of an answer; `None`
/// where it tells no time.
pub(crate) fn spoken_ms(answer: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(answer).ok()?;
    if text.trim_start().starts_with('{') {
        return of_segments(text);
    }
    let ends = text.lines().filter_map(|line| {
        let (from, to) = line.split_once("-->")?;
        millis(from.trim())?;
        // What stands behind it says where on the screen.
        millis(to.split_whitespace().next()?)
    });
    ends.max()
}

fn of_segments(text: &str) -> Option<u64> {
    let found = members(text, &["segments", "words"]).ok()?;
    let ends = found.values.into_iter().flatten().filter_map(|list| {
        let list: Vec<Value> = serde_json::from_str(list).ok()?;
        list.iter()
            .filter_map(|one| one.get("end")?.as_f64())
            .reduce(f64::max)
    });
    let length = std::time::Duration::try_from_secs_f64(ends.reduce(f64::max)?).ok()?;
    let millis = u64::try_from(length.as_millis()).ok()?;
    Some(millis).filter(|millis| *millis <= MOST_HOURS * 3_600_000)
}

/// `00:01:02,500`, or `01:02.500`.
fn millis(time: &str) -> Option<u64> {
    let (whole, thousandths) = time.split_once([',', '.'])?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u64>().ok().filter(|_| plain)
    };
    let mut seconds = 0;
    for (at, part) in whole.split(':').enumerate() {
        let part = number(part).filter(|part| at < 3 && *part <= MOST_HOURS)?;
        seconds = seconds * 60 + part;
    }
    let thousandths = number(thousandths).filter(|_| thousandths.len() == 3)?;
    Some(seconds * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::spoken_ms;

    #[test]
    fn the_last_time_that_is_told_is_the_length() {
        for (answer, length) in [
            (
                "1\r\n00:00:00,000 --> 00:00:02,500\r\nHello\r\n\r\n2\r\n00:59:57,000 --> 01:00:00,000\r\nBye\r\n",
                Some(3_600_000),
            ),
            (
                "WEBVTT\n\n00:01.000 --> 00:04.250 align:start\nHello --> there\n",
                Some(4_250),
            ),
            (
                r#"{"text":"Hi","segments":[{"end":7.25},{"start":1,"end":9.5}],"words":[{"end":9.25}]}"#,
                Some(9_500),
            ),
            (r#"{"text":"00:01.000 --> 00:02.000"}"#, None),
            (r#"{"segments":[{"end":-3}]}"#, None),
            (r#"{"segments":[{"end":1e300}]}"#, None),
            ("just words", None),
            ("a --> 00:04.250", None),
            ("00:00.000 --> 99999999999999999999:00.000", None),
            ("00:00.000 --> 1:2:3:4.000", None),
            ("00:00.000 --> 00:00.00", None),
            ("", None),
        ] {
            assert_eq!(spoken_ms(answer.as_bytes()), length, "{answer}");
        }
    }
}
