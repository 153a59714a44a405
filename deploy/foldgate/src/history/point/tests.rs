use super::*;

#[test]
fn revisions_and_times_are_told_apart() {
    assert_eq!("12".parse(), Ok(Point::Revision(Revision(12))));
    let time = Point::Time(Timestamp(1_767_225_600_000));
    assert_eq!("2026-01-01T00:00:00Z".parse(), Ok(time));
    assert_eq!("2026-01-01T01:00:00+01:00".parse(), Ok(time));
    assert_eq!(time.parameter().unwrap(), "2026-01-01T00:00:00.000Z");
    for wrong in ["", "x", "-1", "1.5", "2026-01-01", "99999999999999999999"] {
        assert!(wrong.parse::<Point>().is_err(), "{wrong}");
    }
}
