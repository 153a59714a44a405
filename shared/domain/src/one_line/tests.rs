use super::{push_gap, shortened};

#[test]
fn of_a_gap_one_blank_is_left() {
    let mut out = "a".to_owned();
    push_gap(&mut out, " \r\n\t\u{7}(\u{2028} ");
    push_gap(&mut out, "\n");
    assert_eq!(out, "a ( ");
}

#[test]
fn a_text_is_never_longer_than_it_may_be() {
    for (max, expected) in [(4, "äbcd"), (3, "äb…"), (1, "…"), (0, "")] {
        assert_eq!(shortened("äbcd", max), expected);
    }
}
