use foldgate_proto::OwnerId;
use proptest::prelude::*;
use uuid::Uuid;

use super::Question;

fn question(owner: u128, kind: Option<&str>) -> Question {
    Question::new(OwnerId(Uuid::from_u128(owner)), "history", &[kind])
}

proptest! {
    #[test]
    fn a_cursor_leads_back_and_only_with_its_own_question(place: u64, other in ".{0,30}") {
        let asked = question(1, Some("KeyAdded"));
        let cursor = asked.cursor(place);
        prop_assert_eq!(asked.place(&cursor).ok(), Some(place));
        prop_assert!(question(2, Some("KeyAdded")).place(&cursor).is_err());
        prop_assert!(question(1, Some("KeyRemoved")).place(&cursor).is_err());
        prop_assert!(question(1, None).place(&cursor).is_err());
        prop_assert!(asked.place(&other).is_err());
    }

    #[test]
    fn a_cursor_with_one_character_changed_is_refused(place: u64, at in 0_usize..28, to in "[A-Za-z0-9_-]") {
        let asked = question(1, None);
        let mut cursor = asked.cursor(place);
        prop_assume!(cursor[at..=at] != to);
        cursor.replace_range(at..=at, &to);
        prop_assert!(asked.place(&cursor).is_err());
    }
}
