use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{AccountNumber, Buckets, Spread};

/// Keys that fall together in few buckets, and those that spread.
fn key() -> impl Strategy<Value = [u8; 32]> {
    let near = any::<u8>().prop_map(|last| {
        let mut key = [0; 32];
        key[31] = last;
        key
    });
    prop_oneof![near, any::<u8>().prop_map(|all| [all; 32])]
}

proptest! {
    #[test]
    fn it_answers_like_a_sorted_map_and_clones_stay_as_they_were(
        changes in proptest::collection::vec((key(), proptest::option::weighted(0.8, any::<u16>())), 0..400),
    ) {
        let mut map = Buckets::default();
        let mut model = BTreeMap::new();
        let half = changes.len() / 2;
        let mut kept = (map.clone(), model.clone());
        for (at, (key, value)) in changes.iter().enumerate() {
            if at == half {
                kept = (map.clone(), model.clone());
            }
            if let Some(value) = value {
                map.insert(*key, *value);
                model.insert(*key, *value);
            } else {
                map.remove(key);
                model.remove(key);
            }
            prop_assert_eq!(map.get(key), model.get(key));
            prop_assert_eq!(map.len, model.len());
        }
        for (key, _) in &changes {
            prop_assert_eq!(map.get(key), model.get(key));
            prop_assert_eq!(kept.0.get(key), kept.1.get(key));
        }
    }
}

#[test]
fn numbers_in_a_row_fill_no_bucket_far_above_the_others() {
    let mut map = Buckets::default();
    for step in [1, 4096] {
        for n in 0..10_000 {
            map.insert(AccountNumber(n * step), n);
        }
    }
    let longest = map.shared.iter().map(|bucket| bucket.len()).max();
    assert!(longest.is_some_and(|longest| longest <= 32), "{longest:?}");
    assert!(map.shared.len() * 8 >= map.len);
    let one = AccountNumber(77);
    assert_eq!(map.get(&one), Some(&77), "{:x}", one.spread());
}
