use foldgate_proto::event::OwnerClaimed;
use foldgate_proto::{AccountNumber, JsonText, OwnerId, Timestamp};
use uuid::Uuid;

use super::*;

const KINDS: [DefinitionKind; 2] = [DefinitionKind::Model, DefinitionKind::CachePolicy];

fn definition(kind: DefinitionKind, number: u64, id: u128) -> Definition {
    Definition {
        id: DefinitionId(Uuid::from_u128(id)),
        kind,
        number: DefinitionNumber(number),
        name: format!("name {number}"),
        value: JsonText("{}".to_owned()),
        secrets: foldgate_proto::Secrets::new().into(),
        refers: std::collections::BTreeSet::new().into(),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
        revision: Revision(1),
    }
}

/// The counts are those that walking gives, and pages begin where they should.
fn is_sound(owner: &OwnerState) {
    for kind in KINDS {
        let numbers: Vec<u64> = owner.definitions_of(kind).map(|d| d.number.0).collect();
        assert_eq!(owner.definition_count(kind), numbers.len(), "{kind}");
        for at in 0..6 {
            let behind = owner.definitions_behind(kind, Some(DefinitionNumber(at)));
            let behind: Vec<u64> = behind.map(|d| d.number.0).collect();
            let expected: Vec<u64> = numbers.iter().copied().filter(|n| *n > at).collect();
            assert_eq!(behind, expected, "{kind} behind {at}");
        }
    }
    let all = owner.definition_counts.values().sum::<u64>();
    assert_eq!(all, owner.definitions.len() as u64);
}

#[test]
fn counts_follow_whatever_is_put_and_removed() {
    let claimed = OwnerClaimed {
        account: AccountNumber(1),
        name: "root".to_owned(),
        key_hash: vec![0; 32],
        key_mask: "...".to_owned(),
    };
    let mut owner = OwnerState::new(OwnerId(Uuid::nil()), Revision(1), &claimed);
    let [model, cache] = KINDS;
    let puts = [
        definition(model, 1, 1),
        definition(model, 3, 3),
        definition(cache, 2, 2),
        // In its own place, in another's place, under another's id.
        definition(model, 3, 3),
        definition(model, 3, 4),
        definition(cache, 4, 1),
        definition(model, 5, 2),
    ];
    for put in puts {
        owner.put_definition(put);
        is_sound(&owner);
    }
    assert_eq!(owner.definition_count(model), 2);
    assert_eq!(owner.definition_count(cache), 1);
    for (kind, number) in [(model, 3), (model, 3), (cache, 4), (model, 9), (model, 5)] {
        owner.remove_definition(kind, DefinitionNumber(number));
        is_sound(&owner);
    }
    assert!(owner.definition_counts.is_empty());
}
