//! Hours, by which usage is added up beside days and months. Those are of a zone
//! (`foldgate_domain::zone`); hours are of UTC.

use foldgate_proto::Timestamp;

/// The milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// Hours since 1970.
pub(crate) fn hour(at: Timestamp) -> u32 {
    held(at.0.div_euclid(HOUR))
}

/// When an hour begins.
pub(crate) fn begin_of_hour(hour: u32) -> Timestamp {
    Timestamp(i64::from(hour) * HOUR)
}

fn held(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_those_of_utc() {
        let last = Timestamp(1_709_251_199_999);
        assert_eq!(hour(Timestamp(last.0 + 1)), hour(last) + 1);
        assert_eq!(begin_of_hour(hour(last)).0, last.0 + 1 - HOUR);
        assert_eq!(hour(Timestamp(-5)), 0);
    }
}
