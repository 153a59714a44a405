use foldgate_proto::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::zone::Zone;

/// A moment, also on the wall.
fn at(millis: u64) -> Now {
    in_zone(millis, Zone::UTC)
}

fn in_zone(millis: u64, zone: Zone) -> Now {
    Now::at(millis, Timestamp(millis.cast_signed()), zone)
}

/// A list of all that was let through: slow, and plainly right.
struct Naive {
    length: u64,
    limit: usize,
    taken: Vec<u64>,
}

impl Naive {
    fn admits(&mut self, now: u64) -> bool {
        let counts = self.taken.iter().filter(|at| now < *at + self.length);
        let room = counts.count() < self.limit;
        if room {
            self.taken.push(now);
        }
        room
    }
}

fn admits(window: &mut Window, limit: u64, now: u64) -> bool {
    let room = window.sum(now) < limit;
    if room {
        window.add(at(now), 1);
    }
    room
}

proptest! {
    #[test]
    fn a_window_decides_as_a_list_of_all_calls_does(
        limit in 1_usize..200,
        steps in proptest::collection::vec(0_u64..2_000, 1..400),
    ) {
        let mut window = Window::new(Period::Minute, MOST_SLOTS);
        let mut naive = Naive { length: 60_000, limit, taken: Vec::new() };
        let mut now = 0;
        for step in steps {
            now += step;
            let ours = admits(&mut window, limit as u64, now);
            prop_assert_eq!(ours, naive.admits(now), "at {}", now);
        }
    }

    #[test]
    fn merged_moments_never_let_more_through(
        steps in proptest::collection::vec(0_u64..40, 1..3_000),
    ) {
        const LIMIT: usize = 150;
        let mut window = Window::new(Period::Second, 16);
        let (mut now, mut taken) = (0, Vec::<u64>::new());
        for step in steps {
            now += step;
            if admits(&mut window, LIMIT as u64, now) {
                let counts = taken.iter().filter(|at| now < **at + 1_000).count();
                prop_assert!(counts < LIMIT, "{} at {}", counts, now);
                taken.push(now);
            }
            prop_assert!(window.slots.len() <= 16);
        }
    }

    #[test]
    fn the_sum_is_what_its_parts_come_to(
        calls in proptest::collection::vec((0_u64..300, 0_u64..9, 0_u64..9), 1..200),
    ) {
        let mut window = Window::new(Period::Second, 8);
        let mut now = 0;
        for (step, count, back) in calls {
            let before = now;
            now += step;
            window.add(at(now), count);
            window.give_back(at(before), back);
            window.take_back(back / 2);
            let parts: u64 = window.slots.iter().map(|slot| slot.count).sum();
            prop_assert_eq!(window.last_sum(), parts);
            prop_assert!(window.slots.iter().is_sorted_by_key(|slot| slot.until));
        }
        prop_assert_eq!(window.sum(now + 2_000), 0);
    }
}

#[test]
fn merging_refuses_at_most_a_thousandth_of_the_time_longer() {
    let mut window = Window::new(Period::Hour, MOST_SLOTS);
    for call in 0..100_000 {
        window.add(at(call * 36), 1);
    }
    let late = window.grain - 1;
    assert!(late < 3_600_000 / 1000, "{late} ms late");
    assert!(window.slots.len() <= MOST_SLOTS as usize);
}

#[test]
fn what_is_given_back_is_free_again() {
    let mut window = Window::new(Period::Minute, MOST_SLOTS);
    window.add(at(5), 100);
    window.add(at(9), 50);
    assert_eq!(window.give_back(at(5), 70), 70);
    assert_eq!(window.sum(10), 80);
    assert_eq!(window.sum(60_005), 50);
    // What no longer counts is free as it is.
    assert_eq!(window.give_back(at(5), 30), 0);
    assert_eq!(window.sum(60_009), 0);
}

#[test]
fn a_day_ends_at_its_zone_s_midnight() {
    const HOUR: u64 = 3_600_000;
    let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
    let mut window = Window::new(Period::Day, MOST_SLOTS);
    // 22:59 UTC is 23:59 there.
    let late = in_zone(23 * HOUR - 60_000, berlin);
    window.add(late, 7);
    assert_eq!(window.sum(23 * HOUR - 1), 7);
    assert_eq!(window.give_back(late, 2), 2);
    assert_eq!(window.sum(23 * HOUR), 0);
    let mut utc = Window::new(Period::Day, MOST_SLOTS);
    utc.add(at(23 * HOUR - 60_000), 7);
    assert_eq!(utc.sum(24 * HOUR - 1), 7);
    assert_eq!(utc.sum(24 * HOUR), 0);
}

#[test]
fn when_enough_is_gone_is_known_over_several_windows() {
    let [mut own, mut others] = [(); 2].map(|()| Window::new(Period::Minute, MOST_SLOTS));
    own.add(at(0), 2);
    others.add(at(10), 3);
    own.add(at(20), 4);
    let both = [&own, &others];
    assert_eq!(gone_at(&both, 2), Some(60_000));
    assert_eq!(gone_at(&both, 3), Some(60_010));
    assert_eq!(gone_at(&both, 6), Some(60_020));
    assert_eq!(gone_at(&both, 10), None);
}
