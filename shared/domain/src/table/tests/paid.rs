//! What calls are paid by.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldgate_proto::{
    AccountNumber, ConfigKey, Event, PriceVersion, Quantities, Rates, RecordHash, Revision,
};

use crate::command::PatchConfig;
use crate::decide::tests::given::{Given, OWNER, add, given, map, set};
use crate::decide::tests::people::{add_account, patch_account};
use crate::price::{Prices, Tariff, Terms, VERSION};
use crate::{Command, OwnerTable, Table};

const PRICING: &str = r#"{"ChatPricing": {"gpt-4*": {"InputText": 4}}}"#;

/// A history and the table that followed it.
struct Followed {
    given: Given,
    table: Table,
}

impl Followed {
    fn owner(&self) -> &OwnerTable {
        self.table.owner(OWNER).expect("claimed")
    }

    fn prices(&self) -> Arc<Prices> {
        Arc::clone(self.owner().prices())
    }

    fn done(&mut self, command: &Command) {
        let events: Vec<Event> = self.given.done(command);
        let record = super::record(RecordHash::of(b"1"), events);
        self.table = self.table.advance(&self.given.state, [&record]);
    }

    /// What a token of gpt-4o costs that is read.
    fn token(&self) -> i64 {
        let one = Quantities {
            input: 1,
            ..Quantities::default()
        };
        let prices = self.prices();
        let price = prices.of(Tariff::Tokens, "gpt-4o");
        price.cost(&one, None, Terms::default()).amount.0
    }

    fn is_version(&self, pricing: u64) -> bool {
        let version = PriceVersion {
            table: VERSION,
            pricing: Revision(pricing),
        };
        self.prices().version() == version
    }
}

fn followed(given: Given) -> Followed {
    let table = Table::new(&given.state);
    Followed { given, table }
}

fn pricing(text: &str) -> Command {
    let text = Some(text.to_owned());
    set(|patch: &mut PatchConfig| patch.set.pricing = text)
}

fn reset() -> Command {
    Command::ResetConfig(BTreeSet::from([ConfigKey::Pricing]))
}

#[test]
fn prices_follow_pricing() {
    let mut at = followed(given());
    assert!(at.is_version(0) && at.token() == 2_500);
    at.done(&pricing(PRICING));
    assert!(at.is_version(2) && at.token() == 4_000);
    at.done(&pricing("{}"));
    assert!(at.is_version(3) && at.token() == 2_500);
    at.done(&reset());
    assert!(at.is_version(0) && at.token() == 2_500);
}

#[test]
fn nothing_else_compiles_them_anew() {
    let mut at = followed(given());
    let shipped = at.prices();
    at.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("a", "b".to_owned())]));
    }));
    assert!(Arc::ptr_eq(&shipped, &at.prices()));
    at.done(&pricing(PRICING));
    let own = at.prices();
    at.done(&add(1, "https://api.openai.com", 1));
    at.done(&set(|patch| {
        patch.set.model_mapper = Some(map([("a", "c".to_owned())]));
    }));
    at.done(&add_account("team", 1, 9));
    assert!(Arc::ptr_eq(&own, &at.prices()));
    assert!(at.is_version(3), "the revision stands with the text");
}

#[test]
fn an_undo_and_a_restore_set_pricing_too() {
    let mut at = followed(given());
    at.done(&pricing(PRICING));
    at.done(&pricing("{}"));
    let undo = at.given.undo(3);
    at.done(&undo);
    assert!(at.is_version(4) && at.token() == 4_000);
    let restore = at.given.restore(1, None);
    at.done(&restore);
    assert!(at.is_version(0) && at.token() == 2_500);
    let restore = at.given.restore(3, None);
    at.done(&restore);
    assert!(at.is_version(6) && at.token() == 2_500);
}

#[test]
fn the_factor_is_one_unless_set() {
    let mut at = followed(given());
    let prices = Arc::clone(at.owner().prices());
    assert_eq!(at.owner().factor(), Rates::ONE);
    at.done(&set(|patch| patch.set.factor = Some(Rates(1_500_000))));
    assert_eq!(at.owner().factor(), Rates(1_500_000));
    assert!(Arc::ptr_eq(&prices, at.owner().prices()), "compiled anew");
    let unset = Command::ResetConfig([ConfigKey::Factor].into());
    at.done(&unset);
    assert_eq!(at.owner().factor(), Rates::ONE);
}

#[test]
fn a_state_of_an_older_program_names_the_whole_configuration() {
    let mut given = given().and(&pricing(PRICING));
    let id = given.owner().id;
    let owner = given.state.owners.get_mut(&id).expect("claimed");
    Arc::make_mut(owner).pricing_revision = Revision::ZERO;
    let at = followed(given);
    assert!(at.is_version(2) && at.token() == 4_000);
}

#[test]
fn what_no_program_should_have_let_through_is_not_priced_by() {
    let mut given = given().and(&pricing(PRICING));
    let id = given.owner().id;
    let owner = given.state.owners.get_mut(&id).expect("claimed");
    let config = &mut Arc::make_mut(owner).config;
    Arc::make_mut(config).pricing = Some("{".to_owned());
    let at = followed(given);
    assert!(at.is_version(0) && at.token() == 2_500);
}

#[test]
fn the_greatest_rates_of_the_way_up_count() {
    let rates = |number: u64, rates: u64| {
        patch_account(number, number - 1, |edit| edit.rates = Some(Rates(rates)))
    };
    let given = given()
        .and(&add_account("team", 1, 9))
        .and(&add_account("member", 2, 10))
        .and(&rates(3, 1_500_000))
        .and(&rates(2, 1_200_000));
    let mut at = followed(given);
    let of = |at: &Followed, number| at.owner().rates(AccountNumber(number)).0;
    assert_eq!(
        [1, 2, 3].map(|n| of(&at, n)),
        [1_000_000, 1_200_000, 1_500_000]
    );
    // The one above was raised later and counts for those below.
    at.done(&rates(2, 2_000_000));
    assert_eq!([2, 3].map(|n| of(&at, n)), [2_000_000, 2_000_000]);
    assert_eq!(of(&at, 99), 1_000_000, "an account that is gone");
}
