use foldgate_log::Reports;
use foldgate_proto::{
    AccountNumber, Job, JobKind, KeyId, MadeWord, OwnerId, Quantities, Timestamp,
};
use tokio::time::advance;
use uuid::Uuid;

use super::state::Billed;
use super::*;

fn job(id: &str) -> Job {
    Job {
        kind: JobKind::Batch,
        id: id.to_owned(),
        key: KeyId(Uuid::from_u128(1)),
        owner: OwnerId(Uuid::from_u128(2)),
        account: AccountNumber(3),
        caller_key: None,
        requested: String::new(),
        model: String::new(),
        estimate: Quantities::default(),
        reserved: 0,
        at: Timestamp(0),
        heard: 0,
    }
}

fn due(jobs: &Jobs) -> Vec<(String, bool)> {
    let due = jobs.due(10, |_| true).into_iter();
    let looked = due.map(|(job, often)| {
        jobs.looked(job.name());
        (job.id, often)
    });
    looked.collect()
}

#[tokio::test(start_paused = true)]
async fn a_job_is_looked_at_ever_more_rarely() {
    let jobs = Jobs::new(Reports::local(), None);
    jobs.begin(job("a"));
    jobs.begin(job("a"));
    let mut looked = Vec::new();
    for second in 0..200 {
        for (id, often) in due(&jobs) {
            assert_eq!(id, "a");
            looked.push((second, often));
        }
        advance(Duration::from_secs(1)).await;
    }
    let often = |second| (second, true);
    let seldom = |second| (second, false);
    assert_eq!(
        looked,
        [2, 4, 8, 16, 32]
            .map(seldom)
            .into_iter()
            .chain([64, 124, 184].map(often))
            .collect::<Vec<_>>()
    );
    // Somebody has seen that it has ended.
    jobs.adopt(job("a"));
    assert_eq!(due(&jobs).len(), 1);
    jobs.ended(job("a").name());
    advance(LONGEST_PAUSE).await;
    assert_eq!(due(&jobs), []);
    jobs.begin(job("a"));
    jobs.adopt(job("a"));
    assert!(jobs.known(job("a").name()).is_none(), "it is billed");
}

#[tokio::test(start_paused = true)]
async fn what_others_began_and_did_not_end_is_taken_over() {
    let jobs = Jobs::new(Reports::local(), None);
    for id in ["a", "b", "c", "d"] {
        jobs.hear(MadeWord::Began(Box::new(job(id))));
    }
    jobs.hear(MadeWord::Billed(job("b").name()));
    assert!(jobs.known(job("a").name()).is_some());
    assert!(jobs.is_billed(job("b").name()) && !jobs.claim(job("b").name()));
    advance(TAKE_OVER.saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(due(&jobs), []);
    // Who looks after it still says so.
    jobs.hear(MadeWord::Began(Box::new(job("d"))));
    advance(SPREAD + Duration::from_secs(1)).await;
    let mut taken: Vec<String> = due(&jobs).into_iter().map(|(id, _)| id).collect();
    taken.sort();
    assert_eq!(taken, ["a", "c"]);
    // Its own words, which it hears too, change nothing.
    jobs.hear(MadeWord::Began(Box::new(job("a"))));
    jobs.hear(MadeWord::Billed(job("c").name()));
    advance(LONGEST_PAUSE).await;
    assert_eq!(due(&jobs), [("a".to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn who_waited_longest_is_looked_at_first_where_there_is_room() {
    let jobs = Jobs::new(Reports::local(), None);
    let mut wanted = Vec::new();
    for n in 0..100 {
        let mut job = job(&n.to_string());
        job.key = KeyId(Uuid::from_u128(n % 2));
        wanted.push(job.id.clone());
        jobs.begin(job);
        advance(Duration::from_millis(1)).await;
    }
    advance(FIRST_LOOK).await;
    let mut looked = Vec::new();
    for _ in 0..10 {
        looked.extend(jobs.due(10, |_| true).into_iter().map(|(job, _)| job));
    }
    let ids: Vec<&str> = looked.iter().map(|job| job.id.as_str()).collect();
    assert_eq!(ids, wanted);
    // What is looked at still is not looked at beside that.
    advance(LONGEST_PAUSE).await;
    assert_eq!(due(&jobs), []);
    for job in &looked {
        jobs.looked(job.name());
    }
    let odd = KeyId(Uuid::from_u128(1));
    let next = jobs.due(2, |job| job.key == odd);
    let keys: Vec<KeyId> = next.iter().map(|(job, _)| job.key).collect();
    assert_eq!(keys, [odd, odd], "the other key has no room");
}

/// By the half hour in which nodes take a job over they are told apart.
#[tokio::test(start_paused = true)]
async fn nodes_take_a_job_over_one_after_the_other() {
    let nodes = [1, 2, 3].map(|_| Jobs::new(Reports::local(), None));
    for node in &nodes {
        for n in 0..20 {
            node.hear(MadeWord::Began(Box::new(job(&n.to_string()))));
        }
    }
    advance(TAKE_OVER + SPREAD / 2).await;
    let taken = nodes.each_ref().map(|node| node.due(20, |_| true).len());
    assert!(taken.iter().all(|taken| *taken < 20), "{taken:?}");
    assert!(taken.iter().any(|taken| *taken > 0), "{taken:?}");
}

#[test]
fn an_output_that_cannot_be_read_is_not_read_for_ever() {
    let jobs = Jobs::new(Reports::local(), None);
    jobs.begin(job("a"));
    let name = job("a").name();
    jobs.counts_by(name, "file-out");
    let needs = |file| jobs.needing(file, |_| true).is_some();
    assert!(needs("file-out") && !needs("file-in"));
    assert!(jobs.needing("file-out", |_| false).is_none(), "of another");
    let enough = [(); 5].map(|()| jobs.unread(name));
    assert_eq!(enough, [false, false, false, false, true]);
    jobs.ended(name);
    assert!(!needs("file-out"));
}

#[tokio::test(start_paused = true)]
async fn a_job_is_gone_when_it_was_so_for_long() {
    let jobs = Jobs::new(Reports::local(), None);
    let [_, begun] = response("a");
    for (job, hours) in [(begun, 1), (job("b"), 24)] {
        jobs.begin(job.clone());
        let most = Duration::from_hours(hours);
        assert!(!jobs.missed(job.name(), true));
        advance(most).await;
        assert!(!jobs.missed(job.name(), false), "there it is again");
        for gone in [false, true] {
            assert_eq!(jobs.missed(job.name(), true), gone);
            advance(most).await;
        }
    }
    assert!(!jobs.missed(job("c").name(), true));
}

#[test]
fn the_right_to_bill_is_had_once_and_can_be_given_back() {
    let jobs = Jobs::new(Reports::local(), None);
    jobs.begin(job("a"));
    let name = job("a").name();
    assert!(jobs.claim(name) && !jobs.claim(name));
    jobs.unclaim(name);
    assert!(jobs.known(name).is_some() && jobs.claim(name));
}

#[test]
fn the_file_holds_what_is_under_way_and_does_not_grow_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jobs");
    let jobs = Jobs::new(Reports::local(), Some(&file));
    jobs.begin(job("kept"));
    let mut longest = 0;
    for n in 0..=10_000 {
        jobs.begin(job(&n.to_string()));
        jobs.ended(job(&n.to_string()).name());
        longest = std::fs::metadata(&file).unwrap().len().max(longest);
    }
    let length = std::fs::metadata(&file).unwrap().len();
    assert!(length * 1_000 < longest, "{length} of {longest} bytes");
    drop(jobs);
    let jobs = Jobs::new(Reports::local(), Some(&file));
    assert!(jobs.known(job("kept").name()).is_some());
    assert_eq!(jobs.state().open.len(), 1);
}

#[test]
fn what_came_in_a_stream_outlives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jobs");
    let jobs = Jobs::new(Reports::local(), Some(&file));
    jobs.begin(job("a"));
    let name = job("a").name();
    jobs.heard(name, 40, None);
    jobs.heard(name, 20, None);
    jobs.left(name);
    drop(jobs);
    let jobs = Jobs::new(Reports::local(), Some(&file));
    assert_eq!(jobs.known(name).unwrap().heard, 40);
    // A kill leaves no time to say how much came.
    jobs.heard(name, 100_000, None);
    jobs.heard(name, 200_000, None);
    let killed = Jobs::new(Reports::local(), Some(&file));
    assert_eq!(killed.known(name).unwrap().heard, 100_000);
    // Another node heard more.
    let mut told = job("a");
    told.heard = 250_000;
    jobs.hear(MadeWord::Began(Box::new(told)));
    assert_eq!(jobs.known(name).unwrap().heard, 250_000);
}

#[test]
fn what_is_known_is_bounded() {
    let mut billed = Billed::default();
    let name = |n: usize| Uuid::from_u128(n as u128);
    for n in 0..=MOST_KNOWN {
        assert!(billed.add(name(n)));
    }
    assert!(!billed.add(name(1)));
    assert!(billed.add(name(0)), "the oldest is forgotten");
    let mut state = State::new(Uuid::new_v4());
    for n in 0..=MOST_KNOWN {
        state.take_note(job(&n.to_string()));
    }
    assert_eq!(state.told.jobs.len(), MOST_KNOWN);
    let whose = |account| (OwnerId(Uuid::from_u128(2)), AccountNumber(account));
    for n in 0..MOST_OF_ACCOUNT {
        assert_eq!(state.room(whose(3)), (true, true));
        state.watch(job(&n.to_string()), FIRST_LOOK);
    }
    assert_eq!(state.room(whose(3)), (true, false));
    assert_eq!(state.room(whose(4)), (true, true));
    state.watch(job("0"), FIRST_LOOK);
    state.end(job("0").name());
    assert_eq!(state.room(whose(3)), (true, true));
    for n in 0..=MOST {
        state.watch(job(&n.to_string()), FIRST_LOOK);
    }
    assert_eq!(state.open.len(), MOST);
    assert_eq!(state.room(whose(4)), (false, true));
}

/// A response of which nothing is known but its name, and its beginning.
fn response(id: &str) -> [Job; 2] {
    let guess = Job {
        kind: JobKind::Response,
        ..job(id)
    };
    let begun = Job {
        model: "gpt-4o".to_owned(),
        ..guess.clone()
    };
    [guess, begun]
}

/// Who saw the beginning knows the model that was asked for, and bills it sooner.
#[tokio::test(start_paused = true)]
async fn an_end_without_a_beginning_is_left_to_who_saw_that() {
    let jobs = Jobs::new(Reports::local(), None);
    let [a, [b, begun], [c, _]] = ["a", "b", "c"].map(response);
    for guess in [&a[0], &b, &c] {
        jobs.adopt_later(guess.clone());
    }
    advance(FIRST_SAY / 2).await;
    assert_eq!(due(&jobs), []);
    jobs.hear(MadeWord::Billed(a[0].name()));
    jobs.hear(MadeWord::Began(Box::new(begun.clone())));
    let looked = jobs.due(10, |_| true);
    assert_eq!(looked, [(begun, false)], "now it can be billed");
    assert!(!jobs.may_guess(c.name()));
    advance(FIRST_SAY / 2).await;
    assert_eq!(jobs.due(10, |_| true), [(c.clone(), false)]);
    assert!(jobs.may_guess(c.name()), "nobody billed it");
}

/// Also one that was looked at before, and one that a restart finds in the file.
#[tokio::test(start_paused = true)]
async fn a_guess_is_no_beginning_however_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("jobs");
    let [guess, _] = response("a");
    for _ in 0..2 {
        let jobs = Jobs::new(Reports::local(), Some(&file));
        jobs.adopt(guess.clone());
        advance(FIRST_SAY.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(jobs.due(10, |_| true).len(), 1);
        assert!(!jobs.may_guess(guess.name()));
    }
}

#[tokio::test]
async fn who_knows_a_beginning_tells_who_asks() {
    let reports = Reports::local();
    let [one, two] = [(); 2].map(|()| Jobs::new(reports.clone(), None));
    let [guess, begun] = response("a");
    let mut words = reports.hear_made();
    let _other = reports.hear_made();
    one.begin(begun.clone());
    assert_eq!(
        words.recv().await,
        Ok(MadeWord::Began(Box::new(begun.clone())))
    );
    // The other was not there, and is asked of it.
    two.adopt_later(guess.clone());
    assert_eq!(words.recv().await, Ok(MadeWord::Asked(guess.made())));
    two.hear(MadeWord::Asked(guess.made()));
    one.hear(MadeWord::Asked(guess.made()));
    let told = words.recv().await.unwrap();
    assert_eq!(told, MadeWord::Began(Box::new(begun.clone())));
    let (asks, ()) = tokio::join!(two.ask_beginning(&guess), async { two.hear(told) });
    assert_eq!(asks, Some(begun));
    // Billed, it is nobody's any more.
    one.ended(guess.name());
    assert!(one.state().begun(guess.made()).is_none());
}
