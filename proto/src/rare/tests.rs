use super::Rare;

#[test]
fn a_blank_one_has_no_box_and_is_written_as_nothing_else_than_its_value() {
    let none: Rare<String> = serde_json::from_str("\"\"").expect("a text");
    let some: Rare<String> = serde_json::from_str("\"a\"").expect("a text");
    assert!(none.0.is_none() && none.is_blank() && none == Rare::default());
    assert_eq!(size_of_val(&none), size_of::<usize>());
    assert_eq!((none.as_str(), some.as_str()), ("", "a"));
    assert_ne!(none, some);
    for rare in [none, some] {
        let own = serde_json::to_string(&rare).expect("writable");
        assert_eq!(own, format!("{:?}", *rare));
        assert_eq!(own, format!("{rare:?}"));
    }
}

#[test]
fn what_is_made_blank_is_like_what_always_was() {
    let mut rare = Rare::<Vec<u8>>::default();
    rare.push(1);
    assert_eq!((&rare).into_iter().collect::<Vec<_>>(), [&1]);
    rare.pop();
    assert!(rare.is_blank() && rare == Rare::from(Vec::new()));
    assert!(rare.0.is_some() && rare.clone().0.is_none());
}
