use proptest::prelude::*;

use super::*;

fn full(counts: usize, big: bool) -> Counts {
    let large = |small: u64| if big { u64::MAX } else { small };
    let count = |at: usize| Count {
        id: LimitId([u8::try_from(at % 256).expect("a byte"); 16]),
        kind: 5,
        born: large(60_000),
        total: if big { i64::MIN } else { 3 },
        window: large(40),
        day: u32::MAX,
        wants: u32::MAX,
    };
    Counts {
        node: "dp-1".to_owned(),
        region: "east".to_owned(),
        life: large(1_735_689_600_000),
        seq: large(9),
        nodes: Some(3),
        hello: true,
        counts: (0..counts).map(count).collect(),
    }
}

#[test]
fn what_is_written_is_read_again() {
    for big in [false, true] {
        let counts = full(3, big);
        let bytes = encode(&counts).expect("encodes");
        assert_eq!(decode(&bytes).expect("reads"), counts);
    }
}

#[test]
fn the_most_counts_of_the_longest_numbers_fit() {
    let bytes = encode(&full(MAX_COUNTS, true)).expect("encodes");
    assert!(bytes.len() <= MAX_COUNTS_BYTES, "{} bytes", bytes.len());
}

#[test]
fn a_usual_count_takes_few_bytes() {
    let (none, many) = (full(0, false), full(100, false));
    let [none, many] = [none, many].map(|counts| encode(&counts).expect("encodes").len());
    let each = (many - none) / 100;
    assert!(each <= 40, "{each} bytes");
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let bytes = vec![0x91; MAX_COUNTS_BYTES + 1];
    assert!(matches!(decode(&bytes), Err(DecodeError::TooLarge(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_message_cut_short_is_refused(cut in 1_usize..60) {
        let bytes = encode(&full(1, true)).expect("encodes");
        prop_assert!(decode(&bytes[..bytes.len() - cut]).is_err());
    }
}
