use foldgate_proto::{NanoDollars, Rates};

use super::{dollars, rates};

#[test]
fn dollars_are_read_to_the_nano_dollar_and_shown_again() {
    for (text, nanos, shown) in [
        ("2", 2_000_000_000, "2"),
        ("0.25", 250_000_000, "0.25"),
        ("1e-9", 1, "0.000000001"),
        ("-12.5", -12_500_000_000, "-12.5"),
        ("0", 0, "0"),
    ] {
        let read = dollars(text);
        assert_eq!(read, Ok(NanoDollars(nanos)), "{text}");
        assert_eq!(read.map(|amount| amount.to_string()).as_deref(), Ok(shown));
    }
    for text in ["", "x", "1e30", "--1", "NaN", "9300000000"] {
        assert!(dollars(text).is_err(), "{text}");
    }
}

#[test]
fn rates_are_read_to_the_millionth() {
    assert_eq!(rates("1"), Ok(Rates::ONE));
    assert_eq!(rates("1.25").map(|r| r.to_string()).as_deref(), Ok("1.25"));
    assert!(rates("-1").is_err());
}

#[test]
fn texts_that_are_no_numbers_are_refused() {
    for text in [
        "", "-", ".", "1.", ".5", "1_5", "1:", "1,5", "1-", "1 5", "1/", "1e", "1e+", "1e1_0",
        "0x1", "1.5.5", "1.e1",
    ] {
        assert!(rates(text).is_err(), "{text:?}");
        assert!(dollars(text).is_err(), "{text:?}");
    }
}

proptest::proptest! {
    /// Whatever an owner sends, and whatever the log holds.
    #[test]
    fn reading_money_is_total(text in r"[0-9eE.+\-_:,/ ]{0,12}") {
        let _ = (rates(&text), dollars(&text));
    }
}
