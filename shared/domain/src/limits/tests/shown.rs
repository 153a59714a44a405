use crate::limits::{Shown, Standing, Unit, go_duration};

#[test]
fn times_are_written_as_openai_writes_them() {
    let written = [
        (0, "0s"),
        (12, "12ms"),
        (1_000, "1s"),
        (1_500, "1.5s"),
        (8_640, "8.64s"),
        (60_000, "1m0s"),
        (360_000, "6m0s"),
        (3_600_000, "1h0m0s"),
        (86_399_999, "23h59m59.999s"),
    ];
    for (millis, text) in written {
        assert_eq!(go_duration(millis), text);
    }
}

#[test]
fn the_limit_with_the_least_left_is_shown() {
    let shown = |limit, remaining| Shown {
        limit,
        remaining,
        reset: 5,
    };
    let mut standing = Standing::default();
    assert!(standing.is_empty());
    standing.add(Unit::Requests, shown(60, 12));
    standing.add(Unit::Requests, shown(1000, 3));
    standing.add(Unit::Requests, shown(10, 10));
    standing.add(Unit::Tokens, shown(9000, 9000));
    assert_eq!(standing.requests, Some(shown(1000, 3)));
    assert_eq!(standing.tokens, Some(shown(9000, 9000)));
}
