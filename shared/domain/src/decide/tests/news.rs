use std::time::Duration;

use foldgate_proto::{Event, NewsId, NewsNumber, NewsTarget};
use uuid::Uuid;

use super::given::given;
use crate::command::PublishNews;
use crate::decide::{MAX_DAYS, MAX_NEWS, Warning};
use crate::{Command, Kind, Rejection};

const DAY: Duration = Duration::from_hours(24);

fn news(change: impl FnOnce(&mut PublishNews)) -> Command {
    let mut publish = PublishNews {
        id: NewsId(Uuid::from_u128(1)),
        title: "title".to_owned(),
        content: "content".to_owned(),
        target: None,
        days: None,
    };
    change(&mut publish);
    Command::PublishNews(publish)
}

fn target(to: NewsTarget) -> Command {
    news(|n| n.target = Some(to))
}

#[test]
fn news_expires_after_7_days_for_all_and_32_targeted() {
    let mut given = given();
    given.done(&news(|_| ()));
    given.done(&target(NewsTarget::Dna(".1.".to_owned())));
    given.done(&news(|n| n.days = Some(1)));
    let days: Vec<_> = given
        .owner()
        .news
        .values()
        .map(|n| n.expires_at.since(n.created_at))
        .collect();
    assert_eq!(days, [DAY * 7, DAY * 32, DAY]);
    assert_eq!(given.owner().last_news, NewsNumber(3));
}

#[test]
fn lengths_are_characters_not_bytes() {
    let given = given();
    let fits = news(|n| {
        n.title = "\u{4e2d}".repeat(100);
        n.content = "\u{4e2d}".repeat(1000);
    });
    assert!(given.when(&fits).is_ok());
    for (field, command) in [
        ("title", news(|n| n.title = "\u{4e2d}".repeat(101))),
        ("content", news(|n| n.content = "\u{4e2d}".repeat(1001))),
        ("title", news(|n| n.title = "  ".to_owned())),
        ("content", news(|n| n.content = String::new())),
        ("title", news(|n| n.title = "a\u{7}".to_owned())),
        ("days", news(|n| n.days = Some(0))),
        ("days", news(|n| n.days = Some(MAX_DAYS + 1))),
        ("target", target(NewsTarget::Dna(".".to_owned()))),
        ("target", target(NewsTarget::Dna(".1..2.".to_owned()))),
        ("target", target(NewsTarget::Dna(".x.".to_owned()))),
        ("target", target(NewsTarget::Dna(".+1.".to_owned()))),
        ("target", target(NewsTarget::Dna(".01.".to_owned()))),
        ("title", news(|n| n.title = "a\nb".to_owned())),
        ("target", target(NewsTarget::Name("n".repeat(321)))),
    ] {
        let rejection = given.refused(&command);
        assert_eq!(rejection.param(), Some(field));
        assert_eq!(rejection.kind(), Kind::Invalid);
    }
}

#[test]
fn a_full_board_drops_an_expired_item_or_refuses() {
    let mut given = given();
    for _ in 0..MAX_NEWS {
        given.done(&news(|n| n.days = Some(2)));
    }
    assert!(matches!(
        given.refused(&news(|_| ())),
        Rejection::TooMany { what: "news", .. }
    ));
    given.now = given.now.after(DAY * 3);
    let events = given.done(&news(|_| ()));
    assert!(matches!(events[0], Event::NewsRetracted(ref n) if n.number == NewsNumber(1)));
    assert_eq!(given.owner().news.len(), MAX_NEWS);
}

#[test]
fn retracting_what_is_not_there_is_refused() {
    let mut given = given();
    given.done(&news(|_| ()));
    given.done(&Command::RetractNews(NewsNumber(1)));
    assert!(given.owner().news.is_empty());
    assert_eq!(
        given.refused(&Command::RetractNews(NewsNumber(1))),
        Rejection::NoSuchNews(NewsNumber(1))
    );
}

#[test]
fn a_target_that_nobody_matches_is_warned_of() {
    let given = given();
    let warnings = |to| given.when(&target(to)).expect("legal").warnings;
    let account = foldgate_proto::AccountNumber;
    assert_eq!(warnings(NewsTarget::Account(account(1))), []);
    assert_eq!(warnings(NewsTarget::Name("ROOT".to_owned())), []);
    assert_eq!(warnings(NewsTarget::Dna(".1.".to_owned())), []);
    assert_eq!(
        warnings(NewsTarget::Account(account(42))),
        [Warning::NoSuchAccount("42".to_owned())]
    );
}
