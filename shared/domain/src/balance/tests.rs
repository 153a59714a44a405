use proptest::prelude::*;

use super::*;

fn at(hour: i64) -> Timestamp {
    Timestamp(hour * HOUR)
}

fn credit(amount: i64, granted: i64, expires: i64) -> Credit {
    Credit {
        amount: NanoDollars(amount),
        granted_at: at(granted),
        expires_at: at(expires),
    }
}

fn hours(spent: &[(i64, i64)]) -> Hours {
    let mut hours = Hours::new();
    for (hour, cost) in spent {
        add(&mut hours, *hour, NanoDollars(*cost));
    }
    hours
}

fn total(credits: &[Credit], spent: &[(i64, i64)], now: i64) -> i64 {
    balance(credits, &hours(spent), at(now)).total.0
}

#[test]
fn what_expires_first_is_spent_first() {
    let credits = [credit(10, 0, 100), credit(5, 0, 20)];
    let now = balance(&credits, &hours(&[(3, 7)]), at(10));
    assert_eq!(now.total, NanoDollars(8));
    let left = Left {
        amount: NanoDollars(8),
        granted_at: at(0),
        expires_at: at(100),
    };
    assert_eq!(now.left, [left]);
}

#[test]
fn what_is_left_when_credit_expires_is_lost() {
    let credits = [credit(10, 0, 100), credit(5, 0, 20)];
    assert_eq!(total(&credits, &[(3, 2)], 19), 13);
    assert_eq!(total(&credits, &[(3, 2)], 20), 10);
    assert_eq!(total(&credits, &[(3, 2), (19, 4)], 20), 9);
    assert_eq!(total(&credits, &[(3, 2), (20, 4)], 20), 6);
}

#[test]
fn credit_pays_for_the_whole_hours_in_which_it_begins_and_ends() {
    let half = Timestamp(at(5).0 + HOUR / 2);
    let begins = Credit {
        granted_at: half,
        ..credit(10, 5, 100)
    };
    let ends = Credit {
        expires_at: half,
        ..credit(10, 0, 5)
    };
    let spent = hours(&[(5, 4)]);
    assert_eq!(balance(&[begins], &spent, at(6)).total, NanoDollars(6));
    assert_eq!(balance(&[ends], &spent, at(6)).total, NanoDollars(0));
    // In an hour without any credit it is owed.
    assert_eq!(total(&[credit(10, 6, 100)], &[(5, 4)], 5), -4);
    assert_eq!(total(&[credit(10, 6, 100)], &[(5, 4)], 6), 6);
}

#[test]
fn what_is_owed_is_paid_by_the_next_credit_although_it_expires() {
    let credits = [credit(3, 0, 10), credit(5, 4, 6), credit(9, 20, 30)];
    assert_eq!(total(&credits, &[(1, 5)], 3), -2);
    assert_eq!(total(&credits, &[(1, 5)], 4), 3);
    assert_eq!(total(&credits, &[(1, 5)], 8), 0);
    assert_eq!(total(&credits, &[(1, 5), (15, 1)], 16), -1);
    assert_eq!(total(&credits, &[(1, 5), (15, 1)], 20), 8);
}

#[test]
fn what_is_taken_back_is_gone() {
    let credits = [credit(10, 0, 100), credit(-4, 2, 50)];
    assert_eq!(total(&credits, &[(1, 1)], 1), 9);
    assert_eq!(total(&credits, &[(1, 1)], 3), 5);
    assert_eq!(total(&[credit(-4, 2, 50)], &[], 3), -4);
}

#[test]
fn what_was_spent_by_a_fast_clock_is_spent_now() {
    let credits = [credit(10, 0, 20), credit(10, 0, 100)];
    assert_eq!(total(&credits, &[(5, 1), (5_000, 4)], 6), 15);
    assert_eq!(total(&credits, &[(5, 1), (5_000, 4)], 50), 6);
}

#[test]
fn nothing_overflows() {
    let most = credit(i64::MAX, 0, 10);
    assert_eq!(total(&[most.clone(), most.clone()], &[], 5), i64::MAX);
    let spent = [(1, i64::MAX), (2, i64::MAX), (3, i64::MAX)];
    assert_eq!(total(&[most], &spent, 5), i64::MIN);
}

/// The rules once more, hour by hour and dollar by dollar.
fn naive(credits: &[Credit], spent: &Hours, now: i64) -> i64 {
    let mut left: Vec<i64> = credits
        .iter()
        .map(|credit| credit.amount.0.max(0))
        .collect();
    let mut owed = 0;
    let alive = |credit: &Credit, begin: i64| {
        hour(credit.granted_at) <= begin && credit.expires_at.0 > begin * HOUR
    };
    for begin in 0..=now {
        for (index, credit) in credits.iter().enumerate() {
            if hour(credit.granted_at) == begin {
                let paid = left[index].min(owed);
                left[index] -= paid;
                owed -= paid;
            }
        }
        let taken = credits
            .iter()
            .filter(|credit| hour(credit.granted_at) == begin);
        owed -= taken.map(|credit| credit.amount.0.min(0)).sum::<i64>();
        owed += spent.get(&begin).map_or(0, |cost| cost.0);
        while owed > 0 {
            let good = |index: &usize| left[*index] > 0 && alive(&credits[*index], begin);
            let first = (0..credits.len()).filter(good);
            let Some(first) = first.min_by_key(|index| (credits[*index].expires_at, *index)) else {
                break;
            };
            left[first] -= 1;
            owed -= 1;
        }
    }
    let still = credits.iter().zip(&left);
    let still = still.filter(|(credit, _)| alive(credit, now) && credit.expires_at > at(now));
    still.map(|(_, left)| left).sum::<i64>() - owed
}

prop_compose! {
    fn credits()(
        cards in prop::collection::vec((-3_i64..20, 0_i64..40, 1_i64..30), 0..6),
    ) -> Vec<Credit> {
        let mut credits: Vec<Credit> = cards
            .into_iter()
            .map(|(amount, granted, lives)| credit(amount, granted, granted + lives))
            .collect();
        // As the log has them.
        credits.sort_by_key(|credit| credit.granted_at);
        credits
    }
}

proptest! {
    #[test]
    fn it_is_what_the_rules_say_hour_by_hour(
        credits in credits(),
        spent in prop::collection::vec((0_i64..60, 0_i64..8), 0..20),
        now in 0_i64..70,
    ) {
        let spent: Vec<_> = spent.into_iter().filter(|(hour, _)| *hour <= now).collect();
        let spent = hours(&spent);
        let found = balance(&credits, &spent, at(now));
        prop_assert_eq!(found.total.0, naive(&credits, &spent, now));
    }

    #[test]
    fn hours_that_are_put_together_change_nothing(
        credits in credits(),
        spent in prop::collection::vec((0_i64..60, 0_i64..8), 0..20),
        until in 0_i64..70,
    ) {
        let spent = hours(&spent);
        let mut fewer = spent.clone();
        compact(&mut fewer, &credits, until);
        prop_assert!(fewer.len() <= spent.len());
        for now in until.max(60)..80 {
            let all = balance(&credits, &spent, at(now));
            prop_assert_eq!(balance(&credits, &fewer, at(now)), all);
        }
    }
}
