use std::collections::BTreeSet;

use foldgate_proto::Level;
use proptest::prelude::*;

use super::{
    Address, Error, Item, ListEdit, MAX_BYTES, MAX_ITEMS, Model, Path, check_within, meet,
};

fn models(texts: &[&str]) -> BTreeSet<Model> {
    texts.iter().map(|text| Model((*text).to_owned())).collect()
}

fn edited(text: &str, list: Option<&BTreeSet<Model>>) -> Result<Option<BTreeSet<Model>>, Error> {
    ListEdit::parse(text)?.apply(list, None)
}

#[test]
fn items_add_remove_lift_and_empty() {
    let two = models(&["gpt-4o", "claude*"]);
    assert_eq!(edited("gpt-4o, claude*", None), Ok(Some(two.clone())));
    assert_eq!(
        edited("o3 o4", Some(&two)).map(|l| l.map(|l| l.len())),
        Ok(Some(4))
    );
    assert_eq!(
        edited("-gpt-4o", Some(&two)),
        Ok(Some(models(&["claude*"])))
    );
    assert_eq!(edited("*", Some(&two)), Ok(None));
    assert_eq!(edited("-*", Some(&two)), Ok(Some(BTreeSet::new())));
    assert_eq!(edited("-*, o3", Some(&two)), Ok(Some(models(&["o3"]))));
}

#[test]
fn what_cannot_be_removed_is_named() {
    let one = models(&["gpt-4o"]);
    assert_eq!(
        edited("-o3", Some(&one)),
        Err(Error::NotThere("o3".to_owned()))
    );
    assert_eq!(edited("-o3", None), Err(Error::Unbounded("o3".to_owned())));
    let edit = ListEdit::parse("-gpt-4o").expect("an edit");
    assert_eq!(
        edit.apply(None, Some(&models(&["gpt-4o", "o3"]))),
        Ok(Some(models(&["o3"]))),
        "what is bounded above is taken from there"
    );
}

#[test]
fn an_edit_that_says_nothing_is_refused() {
    assert_eq!(ListEdit::<Model>::parse(" , "), Err(Error::Empty));
    assert_eq!(ListEdit::<Level>::of([]), Err(Error::Empty));
}

#[test]
fn items_have_one_spelling() {
    let read = |text| Address::read(text).map(|address| address.0);
    assert_eq!(read("10.1.2.3/8").as_deref(), Ok("10.0.0.0/8"));
    assert_eq!(read("192.0.2.7/32").as_deref(), Ok("192.0.2.7"));
    assert_eq!(read("2001:DB8::1").as_deref(), Ok("2001:db8::1"));
    assert!(read("10.0.0.0/33").is_err() && read("host").is_err());
    assert!(read("010.0.0.0/8").is_err() && read("10.0.0.0/08").is_err());
    assert_eq!(Level::read("L2"), Level::read("2"));
    assert!(Level::read("10000").is_err());
    assert!(Path::read("v1").is_err());
    assert!(Model::read("").is_err());
}

#[test]
fn a_child_stays_within_its_parent() {
    let within =
        |list: &[&str], above: &[&str]| check_within(Some(&models(list)), Some(&models(above)));
    assert_eq!(within(&["gpt-4o", "gpt-4*"], &["gpt*"]), Ok(()));
    assert_eq!(
        within(&["gpt*"], &["gpt-4*"]),
        Err(Error::Exceeds("gpt*".to_owned()))
    );
    assert_eq!(within(&[], &[]), Ok(()));
    assert!(within(&["a"], &[]).is_err());
    assert_eq!(
        check_within(None, Some(&models(&["a"]))),
        Ok(()),
        "bounded by the one above"
    );
    assert_eq!(check_within(Some(&models(&["a"])), None), Ok(()));

    let addresses = |texts: &[&str]| -> BTreeSet<Address> {
        texts
            .iter()
            .map(|text| Address::read(text).expect("an address"))
            .collect()
    };
    let inside = |list: &[&str], above: &[&str]| {
        check_within(Some(&addresses(list)), Some(&addresses(above))).is_ok()
    };
    assert!(inside(&["10.1.0.0/16", "10.2.3.4"], &["10.0.0.0/8"]));
    assert!(!inside(&["0.0.0.0/0"], &["10.0.0.0/8"]));
    assert!(inside(&["127.0.0.1"], &[]), "nothing still means loopback");
    assert!(!inside(&["10.0.0.1"], &[]));

    let paths = |texts: &[&str]| -> BTreeSet<Path> {
        texts.iter().map(|text| Path((*text).to_owned())).collect()
    };
    let below = |list: &[&str], above: &[&str]| {
        check_within(Some(&paths(list)), Some(&paths(above))).is_ok()
    };
    assert!(below(&["/v1/chat/completions"], &["/v1/chat"]));
    assert!(!below(&["/v1/chatter"], &["/v1/chat"]));
}

#[test]
fn a_list_has_so_many_items_and_so_many_bytes() {
    let items = |count: usize, chars: usize| -> String {
        let items: Vec<String> = (0..count).map(|n| format!("{n:0chars$}")).collect();
        items.join(",")
    };
    assert!(edited(&items(MAX_ITEMS, 4), None).is_ok());
    assert_eq!(
        edited(&items(MAX_ITEMS + 1, 4), None),
        Err(Error::TooMany(MAX_ITEMS + 1))
    );
    let long = items(MAX_BYTES / 128 + 1, 128);
    assert_eq!(edited(&long, None), Err(Error::TooLong(MAX_BYTES + 128)));
    let full = edited(&items(MAX_ITEMS, 4), None).expect("as many as fit");
    let other = format!("-*,{}", items(MAX_ITEMS, 5));
    let replaced = edited(&other, full.as_ref()).expect("one full list for another");
    assert_eq!(replaced.map(|list| list.len()), Some(MAX_ITEMS));
}

#[test]
fn a_list_that_lies_within_the_other_is_what_both_allow() {
    let (wide, narrow) = (models(&["a*", "ab", "c"]), models(&["a*"]));
    for (one, other) in [(&wide, &narrow), (&narrow, &wide)] {
        let both = meet(Some(one), Some(other)).expect("both restrict");
        assert!(both.contains(&Model("a*".to_owned())) && !both.contains(&Model("c".to_owned())));
    }
    assert_eq!(meet(Some(&wide), Some(&narrow)), Some(narrow));
}

proptest! {
    #[test]
    fn a_pattern_that_covers_another_matches_all_it_matches(
        above in "[ab*]{1,4}",
        below in "[ab*]{1,4}",
        model in "[ab]{0,6}",
    ) {
        use crate::pattern::Pattern;
        let (Ok(wide), Ok(narrow)) = (Pattern::parse(&above), Pattern::parse(&below)) else {
            return Ok(());
        };
        let covers = Model(below.clone()).is_within(&Model::above(&models(&[&above])));
        prop_assert_eq!(covers, above == below || wide.matches(&below));
        if covers && narrow.matches(&model) {
            prop_assert!(wide.matches(&model), "{} {} {}", above, below, model);
        }
    }
}
